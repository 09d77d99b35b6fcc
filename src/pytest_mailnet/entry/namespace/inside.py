"""The helper of a net's namespaces: makes them, holds them, and makes sockets and routes there when asked.

It is run as a program of its own, by an interpreter that has loaded nothing else, and imports nothing of this
package, so that it is ready soon. There are two network namespaces: in one are the programs, in the other the
net. A pair of virtual devices joins the two, and no other way leads out of either.

Requests come on a socket, one a packet: words with NUL between them. The answer to each is "ok" and what was
asked for, or "no" and the reason.
"""

from __future__ import annotations

import _socket
import ctypes
import os
import struct
import sys
from collections.abc import Callable, Sequence

__all__ = ["main"]

_NEW_NET, _NEW_USER, _NEW_PID, _NEW_UTS, _NEW_MOUNTS = 1 << 30, 1 << 28, 1 << 29, 1 << 26, 1 << 17
_BIND, _RECURSIVE, _PRIVATE = 1 << 12, 1 << 14, 1 << 18  # of mounts
_DIE_WITH_PARENT, _KILLED = 1, 9
_OF_CHILDREN, _IGNORED = 17, 1  # SIGCHLD, SIG_IGN; the module signal takes as long to load as all others

# rtnetlink(7): messages, flags, attributes
_NEW_LINK, _NEW_ADDRESS, _DELETE_ADDRESS, _NEW_ROUTE, _DELETE_ROUTE = 16, 20, 21, 24, 25
_REQUEST, _ACK, _REPLACE, _CREATE = 1, 4, 0x100, 0x400
_ERROR = 2
_UP, _NO_ARP = 1, 0x80
_LOOPBACK, _PAIR = 1, 2  # the numbers of the devices
_MAIN = 254
_UNICAST, _LOCAL = 1, 2
_FAMILIES = {4: _socket.AF_INET, 6: _socket.AF_INET6}
_SAME_AT_BOTH_ENDS = b"\x02mlnet"  # a hardware address; so nobody need ask for one (ARP)

_MARK = 0x6D61696C
"""What the net puts on a connection's first packet when it lets it pass; the listeners take no others."""
# BPF, classic: drops a TCP segment with SYN and without ACK, unless it has the mark.
_ONLY_MARKED = (
    (0x30, 0, 0, 13),  # A = flags
    (0x54, 0, 0, 0x12),  # A &= SYN | ACK
    (0x15, 0, 2, 0x02),  # SYN alone?
    (0x20, 0, 0, 0xFFFFF000 + 20),  # A = mark
    (0x15, 0, 1, _MARK),
    (0x06, 0, 0, 0xFFFFFFFF),  # take it
    (0x06, 0, 0, 0),  # drop it
)
# Takes the same segments only, of IPv4 and IPv6, as a packet socket sees them that gets no frames.
_ONLY_FIRST = (
    (0x28, 0, 0, 0xFFFFF000),  # A = protocol of the frame
    (0x15, 0, 5, 0x0800),
    (0x30, 0, 0, 9),
    (0x15, 0, 8, 6),  # TCP
    (0xB1, 0, 0, 0),  # X = length of the IPv4 header
    (0x50, 0, 0, 13),  # A = flags
    (0x05, 0, 0, 3),
    (0x30, 0, 0, 6),  # IPv6
    (0x15, 0, 3, 6),  # TCP
    (0x30, 0, 0, 53),
    (0x54, 0, 0, 0x12),
    (0x15, 1, 0, 0x02),
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 0xFFFFFFFF),
)
_ATTACH_FILTER, _SO_MARK, _IP_PKTINFO, _IPV6_RECVPKTINFO = 26, 36, 8, 49
_ETH_P_ALL = 3

_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: Sequence[str]) -> None:
    """Make the namespaces, and answer requests until the other end closes the socket.

    Args:
        arguments: the number of the socket; how users are mapped: "root" without a namespace of theirs, "one"
            for the user alone, "several" if the other end maps them.
    """
    control = _socket.socket(fileno=int(arguments[0]))
    try:
        helper = _Helper(control, arguments[1])
    except OSError as error:
        _answer(control, "no", str(error.errno), str(error))
        return
    while request := control.recv(1 << 16):
        verb, *words = request.decode().split("\0")
        fds: list[int] = []
        try:
            helper.requests[verb](fds, *words)
        except OSError as error:
            _answer(control, "no", str(error.errno), str(error))
        else:
            _answer(control, "ok", fds=fds)
        for fd in fds:
            os.close(fd)
    os.kill(helper.first, _KILLED)
    os.waitpid(helper.first, 0)  # by then the kernel has killed all others


class _Helper:
    """The two namespaces, and what can be asked of them.

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
            _answer(control, "map")
            control.recv(16)
        _mount("none", "/", None, _RECURSIVE | _PRIVATE)
        self._programs = _Routes()
        namespace = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.first = _first_process()
        _unshare(_NEW_NET)
        self._net = _Routes()
        self._net.join(namespace)
        os.close(namespace)
        for end in (self._net, self._programs):
            end.switch_on()
        self._senders: set[str] = set()
        for version in (4, 6):
            self._net.route(version, "", _LOOPBACK, _LOCAL)
        self.requests: dict[str, Callable[..., None]] = {
            "ready": self._ready,
            "senders": self._set_senders,
            "listen": self._listen,
            "datagrams": self._datagrams,
            "first": self._first_packets,
            "mount": lambda _fds, what, where: _mount(what, where, None, _BIND),
            "mask": lambda _fds, where: _mount("none", where, "tmpfs", 0),
        }
        _answer(control, "ok", str(self.first))

    def _ready(self, _fds: list[int]) -> None:
        """Nothing: that it is answered is the answer."""

    def _set_senders(self, _fds: list[int], hostname: str, *addresses: str) -> None:
        """Give the programs' host its name and addresses; connections come from the first of each kind."""
        _socket.sethostname(hostname)
        for ip in self._senders - set(addresses):
            self._programs.address(ip, _DELETE_ADDRESS)
            self._net.route(_version(ip), ip, _PAIR, kind=_DELETE_ROUTE)
        for ip in [it for it in addresses if it not in self._senders]:
            self._programs.address(ip)
            self._net.route(_version(ip), ip, _PAIR)
        self._senders = set(addresses)
        for version in (4, 6):
            source = next((it for it in addresses if _version(it) == version), None)
            if source is not None:
                self._programs.route(version, "", _PAIR, source=source)
            else:
                self._programs.route(version, "", _PAIR, kind=_DELETE_ROUTE)

    def _listen(self, fds: list[int], *ports: str) -> None:
        """Listen on ports, at every address of a kind; first packets are taken only with the mark."""
        for port in map(int, ports):
            for version in (4, 6):
                sock = _bound(version, _socket.SOCK_STREAM, port)
                _filter(sock, _ONLY_MARKED)
                sock.listen(512)
                fds.append(sock.detach())

    def _datagrams(self, fds: list[int], port: str) -> None:
        for version in (4, 6):
            sock = _bound(version, _socket.SOCK_DGRAM, int(port))
            if version == 4:
                sock.setsockopt(_socket.IPPROTO_IP, _IP_PKTINFO, 1)
            else:
                sock.setsockopt(_socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
            fds.append(sock.detach())

    def _first_packets(self, fds: list[int]) -> None:
        """A socket that hears of the first packet of each connection, and two that send packets."""
        heard = _socket.socket(_socket.AF_PACKET, _socket.SOCK_DGRAM, 0)
        _filter(heard, _ONLY_FIRST)
        heard.bind(("mailnet0", _ETH_P_ALL))
        fds.append(heard.detach())
        for version in (4, 6):
            sends = _socket.socket(_FAMILIES[version], _socket.SOCK_RAW, _socket.IPPROTO_RAW)
            sends.setsockopt(_socket.SOL_SOCKET, _SO_MARK, _MARK)
            fds.append(sends.detach())


class _Routes:
    """Devices, addresses and routes of the network namespace in which it is made."""

    def __init__(self) -> None:
        self._netlink = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, _socket.NETLINK_ROUTE)
        self._up(_LOOPBACK, _UP)

    def join(self, other: int) -> None:
        """Make a pair of devices, one end here and one in another network namespace, given as descriptor.

        Both have one hardware address and no ARP: each sends to its own address, which is the other's, too.
        """
        name = _attribute(3, b"mailnet0\0") + _attribute(1, _SAME_AT_BOTH_ENDS)
        there = _link(_PAIR, 0) + name + _attribute(28, struct.pack("=i", other))
        kind = _attribute(1, b"veth") + _attribute(2, _attribute(1, there))
        self._ask(_NEW_LINK, _CREATE, _link(_PAIR, 0) + name + _attribute(18, kind))

    def switch_on(self) -> None:
        """Let the device of the pair carry packets, and say nothing by itself."""
        # No link-local addresses, for which the two devices would talk to each other.
        quiet = _attribute(26, _attribute(_socket.AF_INET6, _attribute(8, b"\1")))
        self._ask(_NEW_LINK, 0, _link(_PAIR, 0) + quiet)
        self._up(_PAIR, _UP | _NO_ARP)

    def address(self, ip: str, kind: int = _NEW_ADDRESS) -> None:
        """Give the device of the pair an address, or take it away."""
        version = _version(ip)
        packed = _socket.inet_pton(_FAMILIES[version], ip)
        tested_already = 2 if version == 6 else 0  # IFA_F_NODAD
        body = struct.pack("=BBBBI", _FAMILIES[version], len(packed) * 8, tested_already, 0, _PAIR)
        self._ask(kind, _CREATE | _REPLACE, body + _attribute(1, packed) + _attribute(2, packed))

    def route(
        self,
        version: int,
        ip: str,
        device: int,
        route_type: int = _UNICAST,
        *,
        source: str = "",
        kind: int = _NEW_ROUTE,
    ) -> None:
        """Add or replace the route to an address, or to all if there is none; or take it away."""
        family = _FAMILIES[version]
        to = _socket.inet_pton(family, ip) if ip else b""
        scope = {(_UNICAST, 4): 253, (_LOCAL, 4): 254}.get((route_type, version), 0)
        body = struct.pack("=BBBBBBBBI", family, len(to) * 8, 0, 0, _MAIN, 3, scope, route_type, 0)
        body += (_attribute(1, to) if to else b"") + _attribute(4, struct.pack("=i", device))
        if source:
            body += _attribute(7, _socket.inet_pton(family, source))
        try:
            self._ask(kind, _CREATE | _REPLACE, body)
        except OSError:
            if kind == _NEW_ROUTE:
                raise

    def _up(self, device: int, flags: int) -> None:
        self._ask(_NEW_LINK, 0, _link(device, flags))

    def _ask(self, kind: int, flags: int, body: bytes) -> None:
        self._netlink.send(struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | _ACK | flags, 1, 0) + body)
        answer = self._netlink.recv(1 << 16)
        kind_of_answer, error = struct.unpack_from("=4xH10xi", answer)
        if kind_of_answer != _ERROR or error:
            raise OSError(-error, os.strerror(-error))


def _link(device: int, flags: int) -> bytes:
    return struct.pack("=BxHiII", _socket.AF_UNSPEC, 0, device, flags, flags)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _version(ip: str) -> int:
    return 6 if ":" in ip else 4


def _bound(version: int, kind: int, port: int) -> _socket.socket:
    sock = _socket.socket(_FAMILIES[version], kind)
    sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    if version == 6:
        sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 1)
    sock.bind(("::" if version == 6 else "0.0.0.0", port))  # noqa: S104  # of this namespace
    return sock


def _filter(sock: _socket.socket, program: tuple[tuple[int, int, int, int], ...]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *it) for it in program))
    sock.setsockopt(
        _socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(code))
    )


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
            _reap()
        except OSError as error:
            os.write(writes, str(error.errno).encode())
        finally:
            os._exit(1)
    os.close(writes)
    told = os.read(reads, 16)
    os.close(reads)
    if told != b"0":
        failed = int(told or b"5")
        raise OSError(failed, f"/proc could not be mounted: {os.strerror(failed)}")
    return number


def _reap() -> None:
    """Wait for orphans until the end of the namespace."""
    # The kernel reaps the children of a process that ignores their signals.
    _libc.signal(_OF_CHILDREN, ctypes.c_void_p(_IGNORED))
    while True:
        _libc.pause()


def _map_one(user: int, group: int) -> None:
    """Let the user be root in the namespace, and there be no other."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        fd = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(fd, text.encode())
        os.close(fd)


def _unshare(flags: int) -> None:
    if _libc.unshare(flags):
        _raise("unshare")


def _mount(what: str, where: str, kind: str | None, flags: int) -> None:
    if _libc.mount(what.encode(), where.encode(), kind and kind.encode(), ctypes.c_ulong(flags), None):
        _raise(f"mount {where}")


def _raise(what: str) -> None:
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")


def _answer(control: _socket.socket, *words: str, fds: Sequence[int] = ()) -> None:
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"={len(fds)}i", *fds))] if fds else []
    control.sendmsg(["\0".join(words).encode()], rights)


if __name__ == "__main__":
    main(sys.argv[1:])
