"""What an operator asks of the relay, which stands in front of other servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from pytest_mailnet.record.session import Message, Session
    from pytest_mailnet.smtp.state import Step
    from pytest_mailnet.values import Reply

__all__ = ["Relay"]

Taker_contra = TypeVar("Taker_contra", contravariant=True)
"""The operator: the module that has it imports this one."""


class Relay(Protocol[Taker_contra]):
    """The relay to which an operator hands what does not stay in its mailboxes."""

    def accept(self, operator: Taker_contra, step: Step, message: Message, elsewhere: list[int]) -> None:
        """Take a mail for its recipients elsewhere; one without any, if its sender asks for reports (DSN).

        Args:
            operator: the operator that took it.
            step: the session in which it came.
            message: the mail.
            elsewhere: the recipients without a mailbox here, as indexes into the envelope's.
        """
        ...

    def forward(self, operator: Taker_contra, step: Step, message: Message) -> None:
        """Take a mail that a mailbox forwards.

        Args:
            operator: the operator that took it.
            step: the session in which it came.
            message: the mail, for the one to whom it goes on.
        """
        ...

    def bounce(
        self,
        operator: Taker_contra,
        step: Step,
        message: Message,
        *,
        said: Reply | None = None,
        why: str = "",
    ) -> None:
        """Return a mail that the operator has said yes to, to its sender, when the queue runs.

        Args:
            operator: the operator.
            step: the session in which it came.
            message: the mail, for the recipients for whom it is returned.
            said: the reason, as a reply; None if it is `why`.
            why: the reason in words.
        """
        ...

    def post(self, operator: Taker_contra, to: str, content: bytes, about: Session) -> None:
        """Send a mail of the operator's own, from the null sender.

        Args:
            operator: the operator.
            to: the recipient.
            content: the mail.
            about: the session of the mail that it answers.
        """
        ...

    def send(self, operator: Taker_contra, author: str, to: tuple[str, ...], content: bytes) -> None:
        """Send a mail of a user's: to mailboxes here at once, to others when the queue runs.

        Args:
            operator: the operator.
            author: the reverse-path.
            to: the recipients.
            content: the mail.
        """
        ...

    def complain(self, operator: Taker_contra, message: Message, to: str) -> None:
        """Send a feedback report on a message (ARF, RFC 5965).

        Args:
            operator: the operator that sends it.
            message: the message that was reported as spam.
            to: the address to which the report goes.
        """
        ...
