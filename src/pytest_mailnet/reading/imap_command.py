"""What a command of IMAP is: in which states it can be given, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pytest_mailnet.imap.command_arguments import Arguments
    from pytest_mailnet.reading.imap_dialogue import ImapDialogue
    from pytest_mailnet.reading.response import Response
    from pytest_mailnet.smtp.state import HangUp

__all__ = ["Command", "Done", "State"]


class State(Enum):
    """Where a session is (RFC 3501, 3)."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"


class Done(NamedTuple):
    """What a command has come to.

    Attributes:
        answer: the tagged response; None where the client has to respond to a challenge first.
        data: the lines before it.
    """

    answer: Response | HangUp | None
    data: Sequence[bytes] = ()


class Command(NamedTuple):
    """A command.

    Attributes:
        run: carries it out; raises `BadCommand` for arguments that it does not take.
        states: in which states it can be given.
        needs: the capability without which it is unknown; "" for none.
    """

    run: Callable[[ImapDialogue, Arguments], Done]
    states: frozenset[State]
    needs: str = ""

    def known(self, dialogue: ImapDialogue) -> bool:
        """Whether the server knows it."""
        if not self.needs:
            return True
        return any(it == self.needs for it in dialogue.host.capabilities(dialogue.step))
