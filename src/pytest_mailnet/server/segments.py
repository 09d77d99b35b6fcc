"""The first packet of a TCP connection, and the packets that a network answers it with."""

from __future__ import annotations

import errno
import socket
import struct
from dataclasses import dataclass

from pytest_mailnet.values import Endpoint

__all__ = ["FirstPacket"]

_ICMP, _TCP, _ICMP6 = 1, 6, 58
_RST_ACK = 0x14
_HOPS = 64
# ICMP's type and code, of IPv4 (RFC 792) and IPv6 (RFC 4443, 3.1), by the error that a kernel makes of them.
_UNREACHABLE = {
    (4, errno.EHOSTUNREACH): (3, 1),
    (4, errno.ENETUNREACH): (3, 0),
    (6, errno.EHOSTUNREACH): (1, 3),
    (6, errno.ENETUNREACH): (1, 0),
}


@dataclass(frozen=True, slots=True)
class FirstPacket:
    """A TCP segment with SYN and without ACK (RFC 9293, 3.5), with its IP header.

    Attributes:
        packet: its bytes.
        version: that of IP, 4 or 6.
        source: who connects.
        destination: to where.
        sequence: its sequence number; the same when it is sent again.
    """

    packet: bytes
    version: int
    source: Endpoint
    destination: Endpoint
    sequence: int

    @classmethod
    def read(cls, packet: bytes) -> FirstPacket:
        """Read a packet that is such a one."""
        version = packet[0] >> 4
        family, begin, length, header = (
            (socket.AF_INET, 12, 4, (packet[0] & 15) * 4) if version == 4 else (socket.AF_INET6, 8, 16, 40)
        )
        ends = [socket.inet_ntop(family, packet[at : at + length]) for at in (begin, begin + length)]
        source, destination, sequence = struct.unpack_from("!HHI", packet, header)
        return cls(packet, version, Endpoint(ends[0], source), Endpoint(ends[1], destination), sequence)

    @property
    def _header(self) -> int:
        return (self.packet[0] & 15) * 4 if self.version == 4 else 40

    def passed_on(self) -> bytes:
        """The packet with its checksum, which the sending kernel leaves to a network device."""
        header = self._header
        segment = bytearray(self.packet[header:])
        segment[16:18] = bytes(2)
        segment[16:18] = self._checksum(_TCP, segment, self.packet)
        return self.packet[:header] + segment

    def refused(self) -> bytes:
        """The answer of a host where nothing listens at the port: RST."""
        segment = bytearray(
            struct.pack(
                "!HHIIBBHHH",
                *(self.destination.port, self.source.port, 0, self.sequence + 1 & 0xFFFFFFFF),
                *(5 << 4, _RST_ACK, 0, 0, 0),
            )
        )
        segment[16:18] = self._checksum(_TCP, segment, self.packet)
        return self._back(_TCP, segment)

    def unreachable(self, error: int) -> bytes:
        """The answer of a router that has no way to the host.

        Args:
            error: EHOSTUNREACH or ENETUNREACH, which the client is to get.
        """
        kind = _UNREACHABLE[self.version, error]
        message = bytearray(struct.pack("!BBHI", *kind, 0, 0) + self.packet[: self._header + 20])
        if self.version == 4:
            message[2:4] = _sum(message)
            return self._back(_ICMP, message)
        message[2:4] = self._checksum(_ICMP6, message, self.packet)
        return self._back(_ICMP6, message)

    def _back(self, protocol: int, body: bytes | bytearray) -> bytes:
        """A packet from the destination to the source."""
        if self.version == 6:
            ends = self.packet[24:40] + self.packet[8:24]
            return struct.pack("!IHBB", 6 << 28, len(body), protocol, _HOPS) + ends + body
        ends = self.packet[16:20] + self.packet[12:16]
        # The kernel puts in the length and the checksum (raw(7)).
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, _HOPS, protocol, 0) + ends + body

    def _checksum(self, protocol: int, body: bytes | bytearray, ends: bytes) -> bytes:
        """The checksum with the two addresses, in whichever order (RFC 9293, 3.1; RFC 8200, 8.1)."""
        addresses = ends[12:20] if self.version == 4 else ends[8:40]
        return _sum(addresses + struct.pack("!II", len(body), protocol) + body)


def _sum(data: bytes | bytearray) -> bytes:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data = data + b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)
