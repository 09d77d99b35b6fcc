"""What the patches ask of a net; in a child process the answers come from the parent."""

from __future__ import annotations

import ipaddress
import operator
import re
import socket
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from pytest_mailnet.values import Endpoint

__all__ = ["PARENT", "Dialled", "Network", "Resolution", "host_name", "numeric", "port_number", "port_wanted"]

PARENT = "PYTEST_MAILNET_PARENT"
"""In the environment of processes that are in the net: where to ask their parent."""

# What the machine knows without asking anybody.
_LOCAL_NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "<broadcast>"}
_NUMBER = re.compile(r"\s*[+-]?[0-9]+")  # what strtoul takes


class Resolution(NamedTuple):
    """What a look-up of a host name found.

    Attributes:
        addresses: IP addresses, in the order of the answer.
        canonical: the name at the end of the CNAME chain.
        error: an `EAI_` number where nothing was found, else 0.
        text: the error in words: which name, what there is, how to add it.
    """

    addresses: tuple[str, ...]
    canonical: str
    error: int = 0
    text: str = ""


class Dialled(NamedTuple):
    """Where a connection to a destination really goes.

    Attributes:
        where: the loopback address to connect to; None where the kernel shall fail or the errno says it.
        errno: the error that `connect` fails with, 0 where it does not.
        text: the error in words.
        resets: whether the connection is reset as soon as `Network.connected` is told.
    """

    where: Endpoint | None
    errno: int = 0
    text: str = ""
    resets: bool = False


class Network(Protocol):
    """A net, as the patches see it. Called in the application's threads."""

    def takes(self, kind: int, destination: Endpoint) -> bool:
        """Whether a destination is the net's to answer or refuse; others are left to the kernel."""

    def bind(self, kind: int, port: int, source: str | None) -> None:
        """Note that a client has got a port: by binding to a sender's address, or (None) otherwise.

        Whatever was noted of a client that had the port before is forgotten.
        """

    def dial(self, kind: int, port: int, destination: Endpoint) -> Dialled:
        """Note that a client's loopback port calls a destination.

        Args:
            kind: `socket.SOCK_STREAM` or `SOCK_DGRAM`.
            port: the client's port on loopback; where nothing is noted of it, the sender of the moment calls.
            destination: the virtual address and port.
        """

    def connected(self, port: int) -> None:
        """Note that a client's connect has returned, to a server that waits for that with its reset."""

    def far_end(self, kind: int, port: int) -> Endpoint | None:
        """The virtual destination that a client's loopback port has dialled."""

    def near_end(self, kind: int, port: int) -> Endpoint | None:
        """The virtual source that a client's loopback port has dialled from."""

    def is_sender(self, ip: str) -> bool:
        """Whether an address is one of the senders', so that a client may bind to it."""

    def is_engine(self, endpoint: Endpoint) -> bool:
        """Whether a loopback end point is the net's own listener or name server."""

    def claims(self, name: str, port: int | None) -> bool:
        """Whether the net answers a look-up of a name; `port` is what it is wanted for, if known."""

    def resolve(self, name: str, family: int, via: str, port: int | None = None) -> Resolution:
        """Look a host name up; `via` is the function that asked, `port` what it is wanted for, if known."""

    def passed(self, name: str, addresses: Sequence[str]) -> None:
        """Note what the machine found for a name that was left to it."""

    def owns(self, ip: str) -> bool:
        """Whether what an address resolves back to is the net's to say; else it is the machine's."""

    def reverse(self, ip: str, via: str) -> str | None:
        """The name that an address resolves back to, None for none."""

    def fqdn(self) -> str:
        """The name that the application finds for its own machine; "" for the machine's own."""

    def name_server(self) -> Endpoint:
        """The loopback address of the net's name server, for resolvers that cannot be led otherwise."""

    def serves(self, host: str, port: int) -> bool:
        """Whether a TLS client that calls a host, by name or address, calls the net.

        `port` tells end points on loopback apart, which is where connections into the net really go.
        """

    def authority(self) -> str:
        """The certificate that those shall trust who trust the machine's authorities, in PEM; "" for none."""

    def after_fork(self) -> None:
        """Forget, in a process that was forked off, what the other threads of its parent were about."""

    def instead_of(self, refused: Endpoint) -> str:
        """Where mail could go in place of a loopback address that has refused it; "" for no word on it."""

    def leaked(self, what: str) -> None:
        """Remember a leak that the guard stopped."""

    def overheard(self, what: str) -> None:
        """Remember what was stopped of somebody who does not belong to this net."""

    def started(self, command: str) -> None:
        """Remember that a process was started which is not in the net."""


def numeric(host: Any) -> str | None:
    """The IP address that a host is given by, mapped ones as IPv4 and without a zone; None for a name.

    As the machine's resolver does, it takes "127.1" and "0x7f000001" for addresses.
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
    # inet_aton lets anything follow behind a space.
    if not text[:1].isdigit() or text.split() != [text]:
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(text))
    except OSError:
        return None


def port_number(port: Any) -> int | None:
    """A port that is given as a number, which anything that is an index is to the kernel (numpy.int64)."""
    try:
        return int(operator.index(port))
    except TypeError:
        return None


def port_wanted(port: Any) -> int | None:
    """The port that `getaddrinfo` is asked for, by number or service; None for none that there is."""
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
    return None if number is None else number & 0xFFFF or None  # as the C library cuts it


def host_name(host: Any) -> str | None:
    """A host's name that DNS could know; None for addresses and for the machine's own names."""
    text = _text(host)
    if text is None or text.lower() in _LOCAL_NAMES or numeric(text) is not None:
        return None
    return text


def _text(host: Any) -> str | None:
    if isinstance(host, (bytes, bytearray)):
        return host.decode("ascii", "replace")
    return host if isinstance(host, str) else None
