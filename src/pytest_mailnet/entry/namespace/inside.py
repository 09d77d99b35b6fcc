"""The helper of a run's namespaces: makes them, holds them, and makes sockets and routes there when asked.

It is a program of its own, run by an interpreter that has loaded nothing else, so that it is ready soon; for
each net it forks off a copy of itself. A net has two network namespaces: in one are the programs, in the
other the net. A pair of virtual devices joins the two, and no other way leads out of either.

Requests come on a socket, one a packet: words with NUL between them. The answer to each is "ok" and what was
asked for, or "no" and the reason.
"""

from __future__ import annotations

import _socket
import ctypes
import os
import struct
from collections.abc import Callable, Sequence

from pytest_mailnet.entry.namespace import openings
from pytest_mailnet.entry.namespace.netlink import FAMILIES, Routes, version_of

__all__ = ["main"]

_NEW_NET, _NEW_USER, _NEW_PID, _NEW_UTS, _NEW_MOUNTS = 1 << 30, 1 << 28, 1 << 29, 1 << 26, 1 << 17
_BIND, _RECURSIVE, _PRIVATE = 1 << 12, 1 << 14, 1 << 18  # of mounts
_DIE_WITH_PARENT, _KILLED = 1, 9
_OF_CHILDREN, _DEFAULT, _IGNORED = 17, 0, 1  # SIGCHLD; the module signal takes as long to load as all others

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: Sequence[str]) -> None:
    """Fork off a helper for each net that asks, until the other end closes the socket.

    Args:
        arguments: the number of the socket, on which each net sends one of its own; and how users are
            mapped: "root" without a namespace of theirs, "one" for the user alone, "several" if the net's
            process maps them.
    """
    nets = _socket.socket(fileno=int(arguments[0]))
    _libc.signal(_OF_CHILDREN, ctypes.c_void_p(_IGNORED))  # the kernel reaps them
    while True:
        _, sent, *_ = nets.recvmsg(1, _socket.CMSG_SPACE(4))
        if not sent:
            return
        control = _socket.socket(fileno=struct.unpack("=i", sent[0][2])[0])
        if not os.fork():
            nets.close()
            try:
                _serve(control, arguments[1])
            finally:
                os._exit(0)
        control.close()


def _serve(control: _socket.socket, mapping: str) -> None:
    _libc.signal(_OF_CHILDREN, ctypes.c_void_p(_DEFAULT))
    try:
        helper = _Helper(control, mapping)
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
    os.kill(helper.first, _KILLED)
    os.waitpid(helper.first, 0)  # by then the kernel has ended all others


class _Helper:
    """The namespaces of one net, and what can be asked of them.

    Args:
        control: the socket to the net's process.
        mapping: of users, as `main` takes it.

    Attributes:
        first: the number of the first process in the programs' namespace, which lives as long as it does.
        requests: what can be asked.
    """

    def __init__(self, control: _socket.socket, mapping: str) -> None:
        user, group = os.geteuid(), os.getegid()  # nobody's, as soon as there is a namespace of users
        _unshare(_NEW_MOUNTS | _NEW_UTS | _NEW_PID | _NEW_NET | (0 if mapping == "root" else _NEW_USER))
        if mapping == "one":
            _map_one(user, group)
        elif mapping == "several":
            _answer(control, "map", str(os.getpid()))
            control.recv(16)
        _mount("none", "/", None, _RECURSIVE | _PRIVATE)
        self._programs = Routes()
        namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.first = _first_process()
        _unshare(_NEW_NET)
        self._net = Routes()
        try:
            self._net.join(namespace)
        except OSError as error:
            raise OSError(error.errno, f"no pair of devices (veth): {error.strerror}") from None
        os.close(namespace)
        self._versions = tuple(filter(_speaks, FAMILIES))
        for end in (self._net, self._programs):
            end.switch_on()
        for version in self._versions:
            self._net.have_all(version)
        self._addresses: set[str] = set()
        self.requests: dict[str, Callable[..., Sequence[int] | None]] = {
            "host": self._be,
            "listen": lambda *ports: [
                openings.listening(version, int(port)) for port in ports for version in self._versions
            ],
            "datagrams": lambda port: [openings.datagrams(version, int(port)) for version in self._versions],
            "first": lambda: [openings.first_packets(), *map(openings.sending, self._versions)],
            "mount": _mount_file,
            "mask": lambda where: _mount("none", where, "tmpfs", 0),
        }
        _answer(control, "ok", str(self.first))

    def _be(self, name: str, *addresses: str) -> None:
        """Be a host of this name and these addresses; connections come from the first of each kind."""
        _socket.sethostname(name)
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
            _libc.prctl(_DIE_WITH_PARENT, _KILLED)
            os.close(reads)
            _mount("proc", "/proc", "proc", 0)
            os.setsid()
            os.write(writes, b"0")
            os.close(writes)
            _libc.signal(_OF_CHILDREN, ctypes.c_void_p(_IGNORED))  # orphans are reaped
            while True:
                _libc.pause()
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


def _map_one(user: int, group: int) -> None:
    """Let the user be root in the namespace, and there be no other."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        fd = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(fd, text.encode())
        os.close(fd)


def _unshare(flags: int) -> None:
    if _libc.unshare(flags):
        _raise("unshare")


def _mount_file(what: str, where: str) -> None:
    # It may be in a folder that is masked.
    os.close(os.open(where, os.O_RDONLY | os.O_CREAT, 0o644))
    _mount(what, where, None, _BIND)


def _mount(what: str, where: str, kind: str | None, flags: int) -> None:
    if _libc.mount(what.encode(), where.encode(), kind and kind.encode(), ctypes.c_ulong(flags), None):
        _raise(f"mount {where}")


def _raise(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")


def _answer(control: _socket.socket, *words: str, fds: Sequence[int] = ()) -> None:
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"={len(fds)}i", *fds))] if fds else []
    control.sendmsg(["\0".join(words).encode()], rights)
