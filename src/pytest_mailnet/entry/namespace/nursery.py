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

__all__ = ["Nursery"]

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

    def helper(self, around: int | None = None, number: int = 0) -> KernelSocket:
        """Have a helper forked off; returns the socket to it.

        Args:
            around: the descriptor of this process's network namespace if its programs are there, too.
            number: of the pair of devices that is to lead from there.
        """
        here, there = socketpair(AF_UNIX, SOCK_SEQPACKET)
        self._send(f"net {number}", there.fileno(), *([] if around is None else [around]))
        there.close()
        return KernelSocket(AF_UNIX, SOCK_SEQPACKET, 0, here.detach())

    def carry(self, listening: int, port: int) -> None:
        """Have connections carried to a port of the loopback where the helper's process is.

        Args:
            listening: the descriptor of a listening socket.
            port: the port.
        """
        self._send(f"port {port}", listening)

    def _send(self, what: str, *fds: int) -> None:
        sent = (SOL_SOCKET, SCM_RIGHTS, struct.pack(f"={len(fds)}i", *fds))
        self._control.sendmsg([what.encode()], [sent])

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            self._control.shutdown(SHUT_WR)  # also where a forked child has a copy
        self._control.close()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:  # pragma: no cover
            self._process.kill()
            self._process.wait()
