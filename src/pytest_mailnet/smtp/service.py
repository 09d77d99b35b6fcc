"""What a conversation asks of the host that it is held with."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from pytest_mailnet.smtp.state import HangUp, Step
from pytest_mailnet.values import Envelope, Reply, Stage

__all__ = ["Answer", "Reading", "SmtpHost"]

Answer: TypeAlias = Reply | HangUp | None
"""An answer of the service's own; None for the usual one."""


class SmtpHost(Protocol):
    """What a host does with its sessions. Called in the engine's thread."""

    @property
    def hostname(self) -> str:
        """The name that it goes by."""

    def phrase(self, condition: str) -> Reply:
        """The reply for a condition."""

    def extension_lines(self, step: Step) -> tuple[str, ...] | None:
        """What follows the first line of the EHLO reply as the session stands; None if it knows no EHLO."""

    def decide(self, stage: Stage, step: Step) -> Answer:
        """An answer of its own at a stage; None for the usual one."""

    def user_of(self, identity: str) -> str:
        """The user that a log-in's identity means: "alice" may be alice@gmail.com."""

    @property
    def challenges_tokens(self) -> bool:
        """Whether it tells in a challenge, before the reply, what is wrong with a token (RFC 7628, 3.2.2)."""

    def deliver(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Take a message; called before the reply that says so is sent."""

    def value_of(self, step: Step, variable: str) -> str:
        """What stands for a variable of a reply."""

    def failed(self, error: Exception, stage: Stage | None, step: Step, told: str | None = None) -> None:
        """Told of an exception in `decide` or `deliver`; the client gets the reply for "local_error"."""


class Reading(Protocol):
    """What takes the bytes that are no commands: content up to its dot, or a chunk of so many octets."""

    @property
    def begun(self) -> bytes:
        """What has come so far, or the last of it."""

    def feed(self, data: bytes) -> bytes | None:
        """Take more; return what stands behind the end, or None while that has not come."""

    def finish(self) -> bytes:
        """Return the reply to what was taken."""
