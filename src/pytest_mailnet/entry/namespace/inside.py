"""The helper of a run's namespaces: makes them, holds them, and makes sockets and routes there when asked.

It is a program of its own, run by an interpreter that has loaded nothing else, so that it is ready soon; for
each net it forks off a copy of itself. A net has two network namespaces: in one are the programs, in the
other the net. A pair of virtual devices joins the two, and no other way leads out of either.

Requests come on a socket, one a packet: words with NUL between them. The answer to each is "ok" and what was
asked for, or "no" and the reason.
"""

from __future__ import annotations

import _socket
import os
import struct
from _collections_abc import Callable, Sequence  # collections takes as long to load as ctypes

from pytest_mailnet.entry.namespace import openings, syscalls
from pytest_mailnet.entry.namespace.carrier import carry
from pytest_mailnet.entry.namespace.netlink import FAMILIES, Netlink, version_of
from pytest_mailnet.entry.namespace.syscalls import NEW_MOUNTS, NEW_NET, NEW_PID, NEW_USERS, NEW_UTS

__all__ = ["main"]

_SIGKILL = 9
_LONGEST_NAME = 64  # of a host, in Linux


def main(arguments: Sequence[str]) -> None:
    """Fork off a helper for each net that asks, until the other end closes the socket.

    Asked for is "net", with a socket to the net, and with the network namespace that it is in if its programs
    are there, too; or "port", with a listening socket, whose connections are carried to that port.

    Args:
        arguments: the number of the socket; and how users are mapped: "root" without a namespace of theirs,
            "one" for the user alone, "several" if the net's process maps them.
    """
    nets = _socket.socket(fileno=int(arguments[0]))
    syscalls.on_children(ignore=True)
    while True:
        request, sent, *_ = nets.recvmsg(32, _socket.CMSG_SPACE(8))
        if not sent:
            return
        what, number = request.split()
        fd, *around = struct.unpack(f"={len(sent[0][2]) // 4}i", sent[0][2])
        if not os.fork():
            nets.close()
            try:
                if what == b"port":
                    syscalls.die_with_parent()
                    carry(fd, int(number))
                syscalls.on_children(ignore=False)
                _serve(_socket.socket(fileno=fd), arguments[1], int(number), *around)
            finally:
                os._exit(0)
        for each in (fd, *around):
            os.close(each)


def _serve(control: _socket.socket, mapping: str, number: int, around: int | None = None) -> None:
    try:
        helper = _Apart(control, mapping) if around is None else _Around(control, number, around)
    except OSError as error:
        _answer(control, "no", str(error))
        return
    while request := control.recv(1 << 16):
        verb, *words = request.decode().split("\0")
        fds: list[int] = []
        try:
            fds += helper.requests[verb](*words) or ()
        except OSError as error:
            _answer(control, "no", f"{verb} {' '.join(words)}: {error}")
        else:
            _answer(control, "ok", fds=fds)
        for fd in fds:
            os.close(fd)
    helper.end()
    control.close()  # nobody waits for the rest


class _Helper:
    """The network namespaces of one net, and what can be asked of them.

    Args:
        programs: the routes of the namespace in which the programs are.
        namespace: the descriptor of that namespace.
        number: of the pair of devices, among those that lead there.

    Attributes:
        requests: what can be asked.
    """

    def __init__(self, programs: Netlink, namespace: int, number: int) -> None:
        syscalls.unshare(NEW_NET)
        self._programs, self._net = programs, Netlink()
        try:
            self._net.join(namespace, number)
        except OSError as error:
            raise OSError(error.errno, f"no pair of devices (veth): {error.strerror}") from None
        os.close(namespace)
        self._versions = tuple(filter(_speaks, FAMILIES))
        for end in (self._net, self._programs):
            end.switch_on()
        self._net.wait_until_it_carries()
        for version in self._versions:
            self._net.have_all(version)
        self._addresses: set[str] = set()
        self.requests: dict[str, Callable[..., Sequence[int] | None]] = {
            "host": self._be,
            "listen": lambda *ports: [
                openings.listening(version, int(port)) for port in ports for version in self._versions
            ],
            "datagrams": lambda port: [openings.datagrams(it, int(port)) for it in self._versions],
            "first": lambda: [self._first_packets(), *map(openings.sending, self._versions)],
            "caller": lambda version: [openings.calling(int(version))],
            "mount": syscalls.mount_over,
            "mask": lambda where: syscalls.mount("none", where, "tmpfs", 0),
        }

    def end(self) -> None:
        """Leave nothing behind."""

    def _first_packets(self) -> int:
        # To close the last copy takes the kernel ten milliseconds. The net's process is not to wait for that.
        self._hears = openings.first_packets()
        return os.dup(self._hears)

    def _be(self, _name: str, *addresses: str) -> None:
        """Have the programs' host be one of these addresses; connections come from the first of each kind."""
        ours = [it for it in addresses if version_of(it) in self._versions]
        for ip in [it for it in ours if it not in self._addresses]:
            self._programs.add_address(ip)
            self._net.lead(version_of(ip), ip)
        for version in self._versions:
            source = next((it for it in ours if version_of(it) == version), "")
            if source:
                self._programs.lead(version, source=source)
            else:
                self._programs.lead_no_more(version)
        for ip in self._addresses.difference(ours):
            self._net.lead_no_more(version_of(ip), ip)
            self._programs.remove_address(ip)
        self._addresses = set(ours)


class _Apart(_Helper):
    """Namespaces for programs alone.

    Args:
        control: the socket to the net's process.
        mapping: of users, as `main` takes it.
    """

    def __init__(self, control: _socket.socket, mapping: str) -> None:
        user, group = os.geteuid(), os.getegid()  # nobody's, as soon as there is a namespace of users
        users = 0 if mapping == "root" else NEW_USERS
        syscalls.unshare(NEW_MOUNTS | NEW_UTS | NEW_PID | NEW_NET | users)
        if mapping == "one":
            syscalls.map_one(user, group)
        elif mapping == "several":
            _answer(control, "map", str(os.getpid()))
            control.recv(16)
        syscalls.mounts_of_its_own()
        programs, namespace = Netlink(), os.open("/proc/self/ns/net", os.O_RDONLY)
        self._first = _first_process()
        super().__init__(programs, namespace, 0)
        _answer(control, "ok", str(self._first))

    def end(self) -> None:
        """End all programs."""
        os.kill(self._first, _SIGKILL)
        os.waitpid(self._first, 0)  # by then the kernel has ended all others

    def _be(self, name: str, *addresses: str) -> None:
        """Have the programs' host be one of this name, too."""
        _socket.sethostname(name[:_LONGEST_NAME])
        super()._be(name, *addresses)


class _Around(_Helper):
    """A namespace for the net alone, whose process has moved into that of the programs before.

    Args:
        control: the socket to the net's process.
        number: of the pair of devices.
        around: the descriptor of the network namespace that the process is in.
    """

    def __init__(self, control: _socket.socket, number: int, around: int) -> None:
        syscalls.enter(around, NEW_NET)
        super().__init__(Netlink(number), around, number)
        _answer(control, "ok")


def _speaks(version: int) -> bool:
    """Whether the kernel has a version of IP."""
    try:
        _socket.socket(FAMILIES[version], _socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True


def _first_process() -> int:
    """Start the first process of the programs' namespace, which only waits; all others end with it."""
    reads, writes = os.pipe()
    number = os.fork()
    if not number:
        try:
            syscalls.die_with_parent()
            os.close(reads)
            syscalls.mount("proc", "/proc", "proc", 0)
            os.setsid()
            os.write(writes, b"0")
            os.close(writes)
            syscalls.on_children(ignore=True)  # orphans are reaped
            while True:
                syscalls.pause()
        except OSError as error:
            os.write(writes, str(error.errno).encode())
        finally:
            os._exit(1)
    os.close(writes)
    told = os.read(reads, 16)
    os.close(reads)
    if told != b"0":
        failed = int(told or b"5")
        raise OSError(failed, f"/proc cannot be mounted: {os.strerror(failed)}")
    return number


def _answer(control: _socket.socket, *words: str, fds: Sequence[int] = ()) -> None:
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"={len(fds)}i", *fds))] if fds else []
    control.sendmsg(["\0".join(words).encode()], rights)
