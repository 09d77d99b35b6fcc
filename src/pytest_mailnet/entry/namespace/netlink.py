"""Devices, addresses and routes of a network namespace, as the kernel is asked for them (rtnetlink(7)).

These few messages are all that the helper sends. pyroute2 has all that there are, and takes ten times as long
to load as the helper to start.
"""

from __future__ import annotations

import _socket
import os
import struct
import time

__all__ = ["DEVICE", "FAMILIES", "Netlink", "version_of"]

FAMILIES = {4: _socket.AF_INET, 6: _socket.AF_INET6}
"""The address families, by the version of IP."""
DEVICE = "mailnet0"
"""The name of the net's device; of the programs' too, unless there are several."""

_LOOPBACK, _FIRST_PAIR = 1, 2  # the numbers of the devices
_GET_LINK = 18
_NEW_LINK, _NEW_ADDRESS, _DELETE_ADDRESS, _NEW_ROUTE, _DELETE_ROUTE = 16, 20, 21, 24, 25
_REQUEST, _ACK, _REPLACE, _CREATE = 1, 4, 0x100, 0x400
_ERROR = 2
_UP, _NO_ARP = 1, 0x80
_TESTED = 2  # IFA_F_NODAD: an address of IPv6 that nobody else can have
_MAIN, _BOOT = 254, 3  # table and origin of all routes here
_UNICAST, _LOCAL = 1, 2
_SCOPES = {(_UNICAST, 4): 253, (_LOCAL, 4): 254}  # on the link, on the host; IPv6 has none
_CARRIES = struct.pack("=HHB", 5, 16, 6)  # IFLA_OPERSTATE is IF_OPER_UP (RFC 2863)
_PATIENCE = 2  # seconds
_SAME_AT_BOTH_ENDS = b"\x02mlnet"  # a hardware address


class Netlink:
    """Devices, addresses and routes of the network namespace in which it is made.

    Args:
        number: of the pair of devices that these are about, of which one is here.
    """

    def __init__(self, number: int = 0) -> None:
        self._pair = _FIRST_PAIR + number
        self._netlink = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW, _socket.NETLINK_ROUTE)
        self._ask(_NEW_LINK, 0, _link(_LOOPBACK, _UP))

    def join(self, other: int, number: int) -> None:
        """Make a pair of devices, one end here and one in another network namespace.

        Both have one hardware address and no ARP: each sends to its own address, which is the other's, too.

        Args:
            other: the descriptor of that namespace.
            number: of the pair there.
        """
        there = _named(_FIRST_PAIR + number, number) + _attribute(28, struct.pack("=i", other))
        kind = _attribute(1, b"veth") + _attribute(2, _attribute(1, there))
        self._ask(_NEW_LINK, _CREATE, _named(self._pair, 0) + _attribute(18, kind))

    def switch_on(self) -> None:
        """Let the device of the pair carry packets, and say nothing by itself."""
        # No link-local addresses, for which the two devices would talk to each other.
        quiet = _attribute(26, _attribute(_socket.AF_INET6, _attribute(8, b"\1")))
        self._ask(_NEW_LINK, 0, _link(self._pair, 0) + quiet)
        self._ask(_NEW_LINK, 0, _link(self._pair, _UP | _NO_ARP))

    def wait_until_it_carries(self) -> None:
        """Wait until packets get through from the end that was switched on first, once the other is on, too.

        Until then it has no carrier. When it has, the kernel drops what is sent until it gets round to giving
        it a queue (`linkwatch`), milliseconds later, or when somebody asks for its state (since Linux 6.8).
        The first answer to a program must not be lost: it would ask again after seconds.
        """
        until = time.monotonic() + _PATIENCE
        while not self._carries() and time.monotonic() < until:
            time.sleep(0.001)

    def close(self) -> None:
        """Close the socket."""
        self._netlink.close()

    def add_address(self, ip: str) -> None:
        """Give the device of the pair an address."""
        self._ask(_NEW_ADDRESS, _CREATE | _REPLACE, _address(ip, self._pair))

    def remove_address(self, ip: str) -> None:
        """Take an address from the device of the pair."""
        self._ask(_DELETE_ADDRESS, 0, _address(ip, self._pair))

    def lead(self, version: int, ip: str = "", source: str = "") -> None:
        """Lead packets to the other end of the pair.

        Args:
            version: that of IP.
            ip: the address that they go to; all without a route of their own if there is none.
            source: the address that they come from unless their socket is bound.
        """
        self._ask(_NEW_ROUTE, _CREATE | _REPLACE, _route(version, ip, self._pair, _UNICAST, source))

    def lead_no_more(self, version: int, ip: str = "") -> None:
        """Take such a route away, if it is there."""
        try:  # noqa: SIM105  # contextlib takes as long to load as half of this
            self._ask(_DELETE_ROUTE, 0, _route(version, ip, self._pair, _UNICAST, ""))
        except ProcessLookupError:  # as the kernel says where there is no such route
            pass

    def have_all(self, version: int) -> None:
        """Let this host have all addresses without a route."""
        self._ask(_NEW_ROUTE, _CREATE | _REPLACE, _route(version, "", _LOOPBACK, _LOCAL, ""))

    def _carries(self) -> bool:
        self._netlink.send(_message(_GET_LINK, 0, _link(self._pair, 0)))
        return _CARRIES in self._netlink.recv(1 << 16)

    def _ask(self, kind: int, flags: int, body: bytes) -> None:
        self._netlink.send(_message(kind, _ACK | flags, body))
        kind_of_answer, error = struct.unpack_from("=4xH10xi", self._netlink.recv(1 << 16))
        if kind_of_answer != _ERROR or error:
            raise OSError(-error, os.strerror(-error))


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, _REQUEST | flags, 1, 0) + body


def version_of(ip: str) -> int:
    """The version of IP that an address is of."""
    return 6 if ":" in ip else 4


def _address(ip: str, device: int) -> bytes:
    version = version_of(ip)
    packed = _socket.inet_pton(FAMILIES[version], ip)
    flags = _TESTED if version == 6 else 0
    body = struct.pack("=BBBBI", FAMILIES[version], len(packed) * 8, flags, 0, device)
    return body + _attribute(1, packed) + _attribute(2, packed)


def _route(version: int, ip: str, device: int, kind: int, source: str) -> bytes:
    family = FAMILIES[version]
    to = _socket.inet_pton(family, ip) if ip else b""
    scope = _SCOPES.get((kind, version), 0)
    body = struct.pack("=BBBBBBBBI", family, len(to) * 8, 0, 0, _MAIN, _BOOT, scope, kind, 0)
    body += (_attribute(1, to) if to else b"") + _attribute(4, struct.pack("=i", device))
    return body + (_attribute(7, _socket.inet_pton(family, source)) if source else b"")


def _named(device: int, number: int) -> bytes:
    name = f"{DEVICE[:-1]}{number}\0".encode()
    return _link(device, 0) + _attribute(3, name) + _attribute(1, _SAME_AT_BOTH_ENDS)


def _link(device: int, flags: int) -> bytes:
    return struct.pack("=BxHiII", _socket.AF_UNSPEC, 0, device, flags, flags)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
