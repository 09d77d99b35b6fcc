"""The questions that the patches ask of a net, by kind; in a child process its parent answers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pytest_mailnet.values import Endpoint

__all__ = [
    "FORKED",
    "PARENT",
    "ConnectionQuestions",
    "Dialled",
    "EngineSocket",
    "NameQuestions",
    "Network",
    "Notes",
    "Resolution",
    "TlsQuestions",
]


PARENT = "PYTEST_MAILNET_PARENT"
"""The environment variable that tells a process of the net where to ask: "port secret:number"."""

FORKED = ":forked"
"""What a process says behind that which was forked off one of the net's children."""


class Resolution(NamedTuple):
    """What a look-up of a host name found.

    Attributes:
        addresses: IP addresses, in the order of the answer.
        canonical: the name at the end of the CNAME chain.
        error: an `EAI_` number where nothing was found, else 0.
        text: the error message: which name, which names are near it, and how to add it.
    """

    addresses: tuple[str, ...]
    canonical: str
    error: int = 0
    text: str = ""


class Dialled(NamedTuple):
    """Where a connection to a destination really goes.

    Attributes:
        where: the loopback address to connect to; None if `errno` says why there is none.
        errno: the error that `connect` fails with; 0 for none.
        text: the error message.
        resets: whether the server resets the connection as soon as `connected` has been called.
    """

    where: Endpoint | None
    errno: int = 0
    text: str = ""
    resets: bool = False


class ConnectionQuestions(Protocol):
    """Where connections and datagrams go, and between which addresses they seem to run.

    The argument `kind` is `socket.SOCK_STREAM` or `socket.SOCK_DGRAM`. The argument `port` is the client's
    real port on loopback.
    """

    def takes(self, kind: int, destination: Endpoint) -> bool:
        """Whether the net answers or refuses calls to a destination; the kernel connects to all others.

        Args:
            kind: stream or datagram.
            destination: an IP address and port, as the application gave them.
        """
        ...

    def bind(self, kind: int, port: int, source: str | None) -> None:
        """Note that a client has bound a port, and forget what was noted of an earlier client there.

        Args:
            kind: stream or datagram.
            port: the client's.
            source: the sender's address that the client bound to; None if it bound to no sender's.
        """
        ...

    def dial(self, kind: int, port: int, destination: Endpoint) -> Dialled:
        """Note that a client's loopback port calls a destination.

        Args:
            kind: stream or datagram.
            port: the client's; if no sender's address was bound to it, `mailnet.sender` calls.
            destination: the virtual address and port.
        """
        ...

    def connected(self, port: int) -> None:
        """Note that a client's connect has returned; a server that resets at once has waited for this."""
        ...

    def far_end(self, kind: int, port: int) -> Endpoint | None:
        """The virtual destination of a client; None if it has dialled none.

        Args:
            kind: stream or datagram.
            port: the client's.
        """
        ...

    def near_end(self, kind: int, port: int) -> Endpoint | None:
        """The virtual source of a client; None if it has neither dialled nor bound to a sender's address.

        Args:
            kind: stream or datagram.
            port: the client's.
        """
        ...

    def is_sender(self, ip: str) -> bool:
        """Whether an address is a sender's, so that a client may bind to it."""
        ...

    def is_engine(self, endpoint: Endpoint) -> bool:
        """Whether a loopback end point is the net's own listener or name server."""
        ...


class NameQuestions(Protocol):
    """What names lead to, and addresses back to.

    The argument `via` is the name of the function that the application called, for the record of the net.
    """

    def claims(self, name: str, port: int | None) -> bool:
        """Whether the net answers look-ups of a name; the machine answers all others.

        Args:
            name: a host name.
            port: the port that the application will connect to; None if it is not known.
        """
        ...

    def resolve(self, name: str, family: int, via: str, port: int | None) -> Resolution:
        """Look a host name up.

        Args:
            name: the host name.
            family: `socket.AF_INET`, `AF_INET6`, or `AF_UNSPEC` for both.
            via: the function that was called.
            port: the port that the application will connect to; None if it is not known.
        """
        ...

    def passed(self, name: str, addresses: Sequence[str]) -> None:
        """Note the addresses that the machine found for a name.

        Args:
            name: a host name that the net does not claim.
            addresses: its IP addresses; none if the look-up failed.
        """
        ...

    def owns(self, ip: str) -> bool:
        """Whether the net answers reverse look-ups of an address; the machine answers all others."""
        ...

    def reverse(self, ip: str, via: str) -> str | None:
        """The name that an address resolves back to; None if it has no PTR record.

        Args:
            ip: the address.
            via: the function that was called.
        """
        ...

    def fqdn(self) -> str:
        """The name that the application finds for its own machine; "" if it is to find the real one."""
        ...

    def own_address(self) -> str:
        """The IPv4 address that stands for a machine whose name has no dot; "" if it is the real one."""
        ...

    def has_ipv6(self) -> bool:
        """Whether the application's machine has an IPv6 address, for look-ups with AI_ADDRCONFIG."""
        ...

    def name_server(self) -> Endpoint:
        """The loopback address of the net's name server, for DNS libraries that send their own packets."""
        ...


class TlsQuestions(Protocol):
    """Which TLS clients call the net, and which authority they shall trust."""

    def serves(self, host: str, port: int) -> bool:
        """Whether a TLS client that calls a host calls the net.

        Args:
            host: a name, or the address that the client's socket is really connected to.
            port: the real port. It tells end points on loopback apart; 0 if it is not known.
        """
        ...

    def authority(self) -> str:
        """The net's authority, in PEM, for clients that trust the machine's authorities; "" for none."""
        ...


class Notes(Protocol):
    """What the patches report to the net."""

    def leaked(self, what: str) -> None:
        """Record a connection or look-up that got past the patches and that the guard stopped."""
        ...

    def overheard(self, what: str) -> None:
        """Record a connection or look-up that was stopped, of code that a net before this one started."""
        ...

    def started(self, command: str) -> None:
        """Record that a process was started which is not in the net."""
        ...


class EngineSocket(Protocol):
    """A socket at the net's end, whose work a client's thread can do after it has sent something there."""

    def hold(self) -> bool:
        """Let what comes not wake the net's own thread until `serve` is called.

        Returns:
            Whether `serve` is to be called. Nothing is read until then: the client must not block.
        """
        ...

    def serve(self) -> None:
        """Do in the calling thread what has come since `hold`; leave it to the net's if that is at work."""
        ...


class Network(Protocol):
    """A net, as the patches see it. Called in the application's threads.

    Every method of the four attributes' classes can be asked from a child process (`wire`). The methods of
    this class cannot.

    Attributes:
        connections: where connections go.
        names: what look-ups find.
        tls: what TLS clients trust.
        notes: what the patches report.
    """

    connections: ConnectionQuestions
    names: NameQuestions
    tls: TlsQuestions
    notes: Notes

    def instead_of(self, refused: Endpoint) -> str:
        """A hint where mail could go, if a loopback address that refused a connection looks like a server.

        Returns:
            A sentence for the error message; "" for no hint.
        """
        ...

    def of_caller(self) -> Network:
        """The network of the caller, where this one stands for all nets of the process; else this one."""
        ...

    def entrance(self, kind: int) -> EngineSocket | None:
        """Where the clients of this process arrive; None if the net is in another process.

        Args:
            kind: stream or datagram.
        """
        ...

    def end_of(self, port: int) -> EngineSocket | None:
        """The net's end of a client's connection; None if it is in another process, or not there yet.

        Args:
            port: the client's real port.
        """
        ...

    @property
    def answers_all(self) -> bool:
        """Whether clients that do not block are answered in their own thread too, as long as that holds."""
        ...

    def after_fork(self) -> None:
        """Reset, in a process that was just forked off, what the parent's other threads had in use."""
        ...
