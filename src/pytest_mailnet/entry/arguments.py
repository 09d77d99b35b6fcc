"""Reads the hosts and ports that applications give to the functions of the standard library."""

from __future__ import annotations

import ipaddress
import operator
import re
import socket
from typing import Any

__all__ = ["host_name", "numeric", "port_number", "port_wanted"]

# Names that every machine knows without asking a name server.
_LOCAL_NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "<broadcast>"}
_NUMBER = re.compile(r"\s*[+-]?[0-9]+")  # what strtoul takes


def numeric(host: Any) -> str | None:
    """The IP address that a host is given by; None if it is given by a name.

    A mapped address is returned as IPv4, and an IPv6 address without its zone. Like the machine's resolver,
    this takes "127.1" and "0x7f000001" for addresses.
    """
    text = _text(host)
    if text is None:
        return None
    if ":" in text:
        try:
            ip = ipaddress.IPv6Address(text.partition("%")[0])
        except ValueError:
            return None
        return str(ip.ipv4_mapped or ip)
    # inet_aton ignores whatever follows a space.
    if not text[:1].isdigit() or text.split() != [text]:
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(text))
    except OSError:
        return None


def port_number(port: Any) -> int | None:
    """A port as an int, from anything that the kernel accepts as an index (numpy.int64); else None."""
    try:
        return int(operator.index(port))
    except TypeError:
        return None


def port_wanted(port: Any) -> int | None:
    """The port that `getaddrinfo` is asked for, by number or service name; None if there is no such port."""
    if isinstance(port, (str, bytes, bytearray)):
        text = port if isinstance(port, str) else port.decode("ascii", "replace")
        if _NUMBER.fullmatch(text):
            port = int(text)
        else:
            try:
                return socket.getservbyname(text)
            except (OSError, ValueError):
                return None
    number = port_number(port)
    return None if number is None else number & 0xFFFF or None  # cut off as the C library does


def host_name(host: Any) -> str | None:
    """A host's name if DNS could know it; None for addresses and for the machine's own names."""
    text = _text(host)
    if text is None or text.lower() in _LOCAL_NAMES or numeric(text) is not None:
        return None
    return text


def _text(host: Any) -> str | None:
    if isinstance(host, (bytes, bytearray)):
        return host.decode("ascii", "replace")
    return host if isinstance(host, str) else None
