"""What the commands of a POP3 session work on: its state, its maildrop, the log-in under way."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pytest_mailnet.reading.conversation import ReadingDialogue
from pytest_mailnet.reading.maildrop import Maildrop
from pytest_mailnet.reading.response import Response
from pytest_mailnet.smtp.state import HangUp

if TYPE_CHECKING:
    from pytest_mailnet.reading.host import ReadingHost
    from pytest_mailnet.reading.sasl_login import Outcome, SaslLogin
    from pytest_mailnet.record.journal import Journal
    from pytest_mailnet.smtp.state import Step

__all__ = ["Pop3Done", "Pop3Session", "Pop3State"]


class Pop3State(Enum):
    """Where a session is (RFC 1939, 3); the update at its end takes no commands."""

    AUTHORIZATION = "authorization"
    TRANSACTION = "transaction"


class Pop3Done(NamedTuple):
    """What came of a command.

    Attributes:
        answer: what the server says; None where it asks for more.
        data: the bytes behind it.
    """

    answer: Response | HangUp | None
    data: bytes = b""

    @property
    def agreed(self) -> bool:
        """Whether the server said yes."""
        return isinstance(self.answer, Response) and self.answer.positive


class Pop3Session(ReadingDialogue):
    """The state of one POP3 session.

    Args:
        host: decides what is said.
        step: the session.
        journal: where it is recorded.

    Attributes:
        user: what USER said; None before, and after PASS.
        utf8: whether the client has said UTF8 (RFC 6856, 2); mails are sent as they are with or without.
        authentication: the SASL exchange under way, to which the next line belongs; None for none.
    """

    def __init__(self, host: ReadingHost, step: Step, journal: Journal) -> None:
        super().__init__(host, step, journal)
        self.user: str | None = None
        self.utf8: bool = False
        self.authentication: SaslLogin | None = None
        self._drop: Maildrop | None = None

    @property
    def state(self) -> Pop3State:
        """Where the session is."""
        return Pop3State.AUTHORIZATION if self._drop is None else Pop3State.TRANSACTION

    @property
    def drop(self) -> Maildrop:
        """The mails of the user who has logged in."""
        assert self._drop is not None
        return self._drop

    @property
    def totals(self) -> dict[str, str]:
        """How many mails there are, and their octets, as variables of a response; {} before the log-in."""
        drop = self._drop
        return {} if drop is None else {"count": str(drop.count), "octets": str(drop.octets)}

    def told(self, condition: str, data: bytes = b"", **details: object) -> Pop3Done:
        """The words for a condition, with what stands for their variables.

        Args:
            condition: a name of the host's words.
            data: the bytes behind them.
            **details: values of variables.
        """
        self.tell(**self.totals, **{name: str(it) for name, it in details.items()})
        return Pop3Done(self.host.words(condition), data)

    def went_on(self, outcome: Outcome) -> Pop3Done:
        """What comes of a SASL exchange as far as it has gone."""
        if isinstance(outcome, bytes):
            return Pop3Done(None, outcome)
        self.authentication = None
        return self.logged_in(outcome)

    def logged_in(self, answer: Response | HangUp) -> Pop3Done:
        """What comes of a log-in: after a yes, the mails are there.

        Args:
            answer: what `log_in` has returned.
        """
        done = Pop3Done(answer)
        if done.agreed:
            self._drop = Maildrop(self.shelves)
            self.tell(**self.totals)
        return done

    def left(self) -> None:
        """Let go of the maildrop; what is marked as deleted stays (RFC 1939, 6)."""
        self._drop = self.authentication = None
