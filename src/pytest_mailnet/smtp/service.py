"""What a conversation needs from its host."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from pytest_mailnet.smtp.manners import Manners
from pytest_mailnet.smtp.state import HangUp, Step
from pytest_mailnet.values import Envelope, Reply, Stage

__all__ = ["Answer", "Reading", "SmtpHost"]

Answer: TypeAlias = Reply | HangUp | None
"""The service's own answer; None for the usual reply."""


class SmtpHost(Protocol):
    """A host as its conversations use it. All methods are called by who has the engine's turn."""

    @property
    def hostname(self) -> str:
        """Its host name."""
        ...

    @property
    def manners(self) -> Manners:
        """How it holds its conversations."""
        ...

    def phrase(self, condition: str) -> Reply:
        """The usual reply for a condition."""
        ...

    def extension_lines(self, step: Step) -> tuple[str, ...] | None:
        """The lines after the first of the EHLO reply, for the session's present state; None without EHLO."""
        ...

    def decide(self, stage: Stage, step: Step) -> Answer:
        """The host's own answer at a stage.

        Args:
            stage: the stage.
            step: the session.

        Returns:
            A reply, or `HANG_UP`; None for the usual reply.
        """
        ...

    def user_of(self, identity: str) -> str:
        """The user that logs in by an identity: "alice" may be alice@gmail.com."""
        ...

    def has_mailbox(self, address: str) -> bool | None:
        """Whether there is a mailbox, "alice" or "alice@gmail.com"; None for an address that is another's."""
        ...

    @property
    def challenges_tokens(self) -> bool:
        """Whether a challenge before the reply says what is wrong with a token (RFC 7628, 3.2.2)."""
        ...

    def deliver(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Take a message. Called before the client gets the positive reply.

        Args:
            step: the session.
            envelope: sender and recipients.
            content: the message.
        """
        ...

    def value_of(self, step: Step, variable: str) -> str:
        """The value of a variable in a reply.

        Args:
            step: the session.
            variable: its name, "queue_id".
        """
        ...

    def failed(self, error: Exception, stage: Stage | None, step: Step, told: str | None = None) -> None:
        """Note an exception in `decide` or `deliver`, or in a hook of a handler.

        Args:
            error: the exception.
            stage: the stage at which it was raised; None for a command that decides none.
            step: the session.
            told: the reply that the client got; None for that of the condition "local_error".
        """
        ...


class Reading(Protocol):
    """Reads bytes that are no commands: content up to its final dot, or a chunk of so many octets."""

    @property
    def begun(self) -> bytes:
        """The bytes so far, or only the last of them."""
        ...

    def feed(self, data: bytes) -> bytes | None:
        """Add bytes; return those after the end, or None while the end has not come."""
        ...

    def finish(self) -> bytes:
        """Return the reply to the content or chunk."""
        ...
