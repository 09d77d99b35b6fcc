"""What a conversation that reads mail needs from its host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pytest_mailnet.mailboxes.shelves import Shelves
    from pytest_mailnet.reading.response import Response
    from pytest_mailnet.smtp.sasl import Credentials
    from pytest_mailnet.smtp.state import HangUp, Step
    from pytest_mailnet.values import Stage

__all__ = ["ReadingHost"]


class ReadingHost(Protocol):
    """A host as those use it who read mail there. All methods are called by who has the engine's turn."""

    @property
    def hostname(self) -> str:
        """Its host name."""
        ...

    @property
    def idle_seconds(self) -> int:
        """How long a client may be silent, in seconds; 0 for as long as it likes."""
        ...

    def capabilities(self, step: Step) -> tuple[str, ...]:
        """What it can do, in the session's present state (RFC 3501, 7.2.1; RFC 2449)."""
        ...

    def mechanisms(self, step: Step) -> tuple[str, ...]:
        """The SASL mechanisms by which one can log in now."""
        ...

    def words(self, condition: str) -> Response:
        """What it says for a condition: "login_ok", "folder_unknown"."""
        ...

    def line(self, name: str) -> str:
        """A line of its own that is no status response, "id", "continue"; "" if it has none."""
        ...

    def decide(self, stage: Stage, step: Step) -> Response | HangUp | None:
        """The test's own answer to a command; None for the usual one.

        Args:
            stage: CONNECT, AUTH, or OTHER for each command.
            step: the session, with the command as its `verb`.
        """
        ...

    def objection(self, credentials: Credentials, step: Step) -> str | None:
        """The condition by which a log-in is refused; None where it succeeds.

        Args:
            credentials: what the client has sent.
            step: the session; the finding says why.
        """
        ...

    def refusal(self, step: Step) -> str | None:
        """The condition by which a command of a user who has logged in is refused; None where it is not.

        Args:
            step: the session, with the command as its `verb`; the finding says why.
        """
        ...

    def note_download(self, step: Step, octets: int) -> None:
        """Count what is sent of mails.

        Args:
            step: the session.
            octets: how many.
        """
        ...

    def opened(self, shut_down: Callable[[], object]) -> Callable[[], object]:
        """Note that a session has begun; return what is to be called at its end.

        Args:
            shut_down: has the server hang up on its client; from any thread.
        """
        ...

    def shelves_of(self, identity: str) -> Shelves:
        """The folders of a user who has logged in."""
        ...

    def has_room(self, identity: str, size: int) -> bool:
        """Whether so many bytes more fit into a user's mailbox.

        Args:
            identity: the user.
            size: the bytes.
        """
        ...

    def user_of(self, identity: str) -> str:
        """The user that logs in by a name: "alice" may be alice@gmail.com."""
        ...

    def now(self) -> datetime:
        """The net's time."""
        ...

    def value_of(self, step: Step, variable: str) -> str:
        """The value of a variable in a response: "ip", "host", "user", "session_id".

        Args:
            step: the session.
            variable: its name.
        """
        ...

    def failed(self, error: Exception, stage: Stage | None, step: Step, told: str | None = None) -> None:
        """Note an exception in the test's own code.

        Args:
            error: the exception.
            stage: the stage at which it was raised.
            step: the session.
            told: what the client was told.
        """
        ...
