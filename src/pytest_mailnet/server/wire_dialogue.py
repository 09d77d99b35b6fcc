"""What a server on the wire needs: a conversation, and the host that holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import ssl

    from pytest_mailnet.certificates import Certificate
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.faults.armed import Armed
    from pytest_mailnet.smtp.service import Reading

__all__ = ["WireDialogue", "WireHost"]


class WireDialogue(Protocol):
    """A conversation without sockets: bytes in, bytes out.

    Attributes:
        closing: whether the connection is closed once the bytes are sent.
        starting_tls: whether a TLS handshake comes next.
        awaiting: whether the reply to a command is still to come.
        reading: reads the bytes that are no lines; None while lines come.
        owed: replies that are still to be given.
        longest_line: how many bytes are kept of a line without an end.
    """

    closing: bool
    starting_tls: bool
    awaiting: bool
    reading: Reading | None
    owed: list[Callable[[], bytes]]
    longest_line: int

    def greet(self) -> bytes:
        """Greet the client."""
        ...

    def command(self, line: bytes, *, pipelined: bool = False) -> bytes:
        """Answer one line; b"" where the reply comes later, or none.

        Args:
            line: what came, line end included.
            pipelined: whether more had come behind it before it was answered.
        """
        ...

    def content(self, *, pipelined: bool = False) -> bytes:
        """Answer what `reading` has read to its end.

        Args:
            pipelined: whether more had come behind it.
        """
        ...

    def further(self) -> bytes:
        """Give the next of the replies that are owed."""
        ...

    def encrypted(self, version: str) -> bytes:
        """Go on after a handshake.

        Args:
            version: of TLS.
        """
        ...

    def timed_out(self, unanswered: bytes) -> bytes:
        """Hang up on a client that has been silent for too long.

        Args:
            unanswered: bytes that came from it and got no reply.
        """
        ...

    def lost(self, how: str, unanswered: bytes = b"") -> None:
        """Record how the connection ended, unless the record has it already.

        Args:
            how: in words.
            unanswered: bytes that came from the client and got no reply.
        """
        ...


class WireHost(Protocol):
    """A host, as a server on the wire uses it."""

    @property
    def hostname(self) -> str:
        """Its host name."""
        ...

    @property
    def idle_seconds(self) -> int:
        """How long a client may be silent, in seconds; 0 for as long as it likes."""
        ...

    @property
    def faults(self) -> Armed:
        """The faults of its connections."""
        ...

    @property
    def clock(self) -> Clock:
        """The net's clock."""
        ...

    def begins_with_tls(self, port: int) -> bool:
        """Whether TLS begins with the first byte at one of its ports (RFC 8314, 3.3)."""
        ...

    @property
    def certificate(self) -> Certificate:
        """The certificate that it shows, unless a fault has it show another."""
        ...

    def tls_context(self, certificate: Certificate) -> ssl.SSLContext:
        """The context for handshakes that show this certificate."""
        ...
