"""The helper of a run, which makes the namespaces of each net that asks."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
from _socket import socketpair
from pathlib import Path
from socket import AF_UNIX, SCM_RIGHTS, SHUT_WR, SOCK_SEQPACKET, SOL_SOCKET

from pytest_mailnet.entry.namespace.users import mapping
from pytest_mailnet.entry.network import PARENT
from pytest_mailnet.system.kernel import KernelSocket

__all__ = ["Nursery", "end_helper"]

_HERE = Path(__file__).parent
# The packages around the helper's modules, without what these import for others.
_PACKAGES = {
    "pytest_mailnet": _HERE.parent.parent,
    "pytest_mailnet.entry": _HERE.parent,
    "pytest_mailnet.entry.namespace": _HERE,
}
_RUN = """\
import sys
for name, path in zip(sys.argv[3::2], sys.argv[4::2]):
    sys.modules[name] = type(sys)(name)
    sys.modules[name].__path__ = [path]
from pytest_mailnet.entry.namespace import inside
inside.main(sys.argv[1:3])
"""
_SECONDS_TO_END = 10


class Nursery:
    """The helper's process, which is started with the first net that wants namespaces, and ends with the run.

    Attributes:
        mapping: how users are mapped, in the helper's words.

    Raises:
        NoNamespace: on other systems than Linux.
    """

    def __init__(self) -> None:
        self.mapping: str = mapping()
        here, there = socketpair(AF_UNIX, SOCK_SEQPACKET)
        packages = [word for name, path in _PACKAGES.items() for word in (name, str(path))]
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", "-c", _RUN, str(there.fileno()), self.mapping, *packages],
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={PARENT: ""},  # it is not the application's
            )
        except BaseException:
            here.close()
            raise
        finally:
            there.close()
        self._control = here
        self._spare: list[KernelSocket] = []

    def prepare(self) -> None:
        """Have a helper for programs make its namespaces before a net asks for one, unless one has.

        Several threads may do so at once: there is a helper more then, for the next net but one.
        """
        if not self._spare:
            self._spare.append(self._forked_off("net 0"))

    def helper(self) -> KernelSocket:
        """The socket to a helper for programs."""
        try:
            return self._spare.pop()
        except IndexError:
            return self._forked_off("net 0")

    def helper_around(self, namespace: int, number: int) -> KernelSocket:
        """The socket to a helper for this process's own network namespace.

        Args:
            namespace: its descriptor.
            number: of the pair of devices that is to lead from there.
        """
        return self._forked_off(f"net {number}", namespace)

    def carry(self, listening: int, port: int) -> None:
        """Have connections carried to a port of the loopback where the helper's process is.

        Args:
            listening: the descriptor of a listening socket.
            port: the port.
        """
        self._send(f"port {port}", listening)

    def _forked_off(self, what: str, *fds: int) -> KernelSocket:
        here, there = socketpair(AF_UNIX, SOCK_SEQPACKET)
        self._send(what, there.fileno(), *fds)
        there.close()
        return KernelSocket(AF_UNIX, SOCK_SEQPACKET, 0, here.detach())

    def _send(self, what: str, *fds: int) -> None:
        sent = (SOL_SOCKET, SCM_RIGHTS, struct.pack(f"={len(fds)}i", *fds))
        self._control.sendmsg([what.encode()], [sent])

    def close(self) -> None:
        """End the process."""
        for spare in self._spare:
            end_helper(spare)
        with contextlib.suppress(OSError):
            self._control.shutdown(SHUT_WR)  # also where a forked child has a copy
        self._control.close()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:  # pragma: no cover
            self._process.kill()
            self._process.wait()


def end_helper(control: KernelSocket) -> None:
    """End a helper, and with it all that it has made.

    Args:
        control: the socket to it, which is closed.
    """
    with contextlib.suppress(OSError):
        control.shutdown(SHUT_WR)  # also where a forked child has a copy
        while control.recv(1 << 16):
            pass  # what nobody waits for
    control.close()
