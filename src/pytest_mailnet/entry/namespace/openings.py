"""The sockets that the helper makes in the net's namespace: listening, for datagrams, for first packets."""

from __future__ import annotations

import _socket
import ctypes
import struct

from pytest_mailnet.entry.namespace.netlink import DEVICE, FAMILIES

__all__ = ["calling", "datagrams", "first_packets", "listening", "sending"]

_BACKLOG = 512
_MARK = 0x6D61696C
"""What the net puts on a connection's first packet when it lets it pass; listeners take no others."""

# BPF, classic. A TCP segment with SYN and without ACK is dropped unless it has the mark.
_ONLY_MARKED = (
    (0x30, 0, 0, 13),  # A = flags
    (0x54, 0, 0, 0x12),  # A &= SYN | ACK
    (0x15, 0, 2, 0x02),  # SYN alone?
    (0x20, 0, 0, 0xFFFFF000 + 20),  # A = mark
    (0x15, 0, 1, _MARK),
    (0x06, 0, 0, 0xFFFFFFFF),  # take it
    (0x06, 0, 0, 0),  # drop it
)
# Such segments alone are heard of. A packet socket that gets no frames sees them from the IP header on.
_ONLY_FIRST = (
    (0x28, 0, 0, 0xFFFFF000),  # A = protocol of the frame
    (0x15, 0, 5, 0x0800),  # IPv4, or go on with IPv6
    (0x30, 0, 0, 9),
    (0x15, 0, 8, 6),  # TCP
    (0xB1, 0, 0, 0),  # X = length of the IPv4 header
    (0x50, 0, 0, 13),  # A = flags
    (0x05, 0, 0, 3),
    (0x30, 0, 0, 6),
    (0x15, 0, 3, 6),  # TCP
    (0x30, 0, 0, 53),  # A = flags
    (0x54, 0, 0, 0x12),
    (0x15, 1, 0, 0x02),  # SYN alone
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 0xFFFFFFFF),
)
# Of the kernel's headers; the module has no names for them.
_SO_ATTACH_FILTER, _SO_MARK, _ETH_P_ALL = 26, 36, 3
_IP_PKTINFO, _IPV6_RECVPKTINFO, _IPV6_FREEBIND = 8, 49, 78


def listening(version: int, port: int) -> int:
    """A socket that listens at a port of every address, and takes connections that the net has let pass."""
    sock = _bound(version, _socket.SOCK_STREAM, port)
    _filter(sock, _ONLY_MARKED)
    sock.listen(_BACKLOG)
    return sock.detach()


def datagrams(version: int, port: int) -> int:
    """A socket for datagrams to a port of every address, which tells to which of them each came."""
    sock = _bound(version, _socket.SOCK_DGRAM, port)
    if version == 4:
        sock.setsockopt(_socket.IPPROTO_IP, _IP_PKTINFO, 1)
    else:
        sock.setsockopt(_socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
        sock.setsockopt(_socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)  # to answer from addresses of no device
    return sock.detach()


def first_packets() -> int:
    """A socket that hears of the first packet of each connection of a program."""
    sock = _socket.socket(_socket.AF_PACKET, _socket.SOCK_DGRAM, 0)
    _filter(sock, _ONLY_FIRST)
    sock.bind((DEVICE, _ETH_P_ALL))
    return sock.detach()


def sending(version: int) -> int:
    """A socket that sends packets as they are, with the mark."""
    sock = _socket.socket(FAMILIES[version], _socket.SOCK_RAW, _socket.IPPROTO_RAW)
    sock.setsockopt(_socket.SOL_SOCKET, _SO_MARK, _MARK)
    return sock.detach()


def calling(version: int) -> int:
    """A socket that can be bound to every address, and connected to a program's."""
    sock = _socket.socket(FAMILIES[version], _socket.SOCK_STREAM)
    if version == 6:
        sock.setsockopt(_socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
    return sock.detach()


def _bound(version: int, kind: int, port: int) -> _socket.socket:
    sock = _socket.socket(FAMILIES[version], kind)
    sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    if version == 6:
        sock.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 1)
    sock.bind(("::" if version == 6 else "0.0.0.0", port))  # noqa: S104  # of this namespace
    return sock


def _filter(sock: _socket.socket, program: tuple[tuple[int, int, int, int], ...]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *it) for it in program))
    given = struct.pack("@HP", len(program), ctypes.addressof(code))
    sock.setsockopt(_socket.SOL_SOCKET, _SO_ATTACH_FILTER, given)
