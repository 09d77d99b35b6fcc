"""One thing that can go wrong with a connection, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_mailnet.model import Stage

__all__ = ["Fault", "Manner"]


class Manner(StrEnum):
    """What goes wrong. Each is told by `Fault.does`."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NO_ROUTE = "no-route"
    CLOSED = "closed"
    RESET = "reset"
    STALLED = "stalled"
    CUT = "cut"
    TRICKLING = "trickling"
    UNENDED = "unended"
    MISCONTINUED = "miscontinued"
    OVERLONG = "overlong"
    RUBBISH = "rubbish"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that can go wrong with a connection.

    Attributes:
        manner: what goes wrong.
        stage: where: when the reply of that stage is due.
        in_content: whether it is before that, amid the content that follows DATA.
    """

    manner: Manner
    stage: Stage
    in_content: bool = False

    @property
    def id(self) -> str:
        """Its name: "reset-at-rcpt", "reset-in-content", "reset-after-dot"."""
        if self.in_content:
            return f"{self.manner}-in-content"
        return f"{self.manner}-after-dot" if self.stage is Stage.MESSAGE else f"{self.manner}-at-{self.stage}"

    @property
    def kind(self) -> str:
        """Whether the "connection" ends or stands still, or a "reply" is not as it should be."""
        return "reply" if self.manner in _OF_A_REPLY else "connection"

    @property
    def taken(self) -> bool | None:
        """Whether the server has taken the mail; None where the session can go on, and the client decides."""
        if self.in_content:
            return False
        if self.stage is Stage.MESSAGE:
            return True
        return None if self.manner in _OF_A_REPLY - {Manner.CUT, Manner.UNENDED} else False

    @property
    def does(self) -> str:
        """What goes wrong, in a sentence."""
        where = "amid the content" if self.in_content else f"in place of the reply at {self.stage.upper()}"
        return _DOES[self.manner].format(where=where, reply=f"the reply at {self.stage.upper()}")

    def __str__(self) -> str:
        return self.id


_OF_A_REPLY = frozenset(
    {
        Manner.CUT,
        Manner.TRICKLING,
        Manner.UNENDED,
        Manner.MISCONTINUED,
        Manner.OVERLONG,
        Manner.RUBBISH,
    }
)
_DOES = {
    Manner.REFUSED: "the connection is refused (ECONNREFUSED)",
    Manner.UNREACHABLE: "the host cannot be reached (EHOSTUNREACH)",
    Manner.NO_ROUTE: "there is no route to the host (ENETUNREACH)",
    Manner.CLOSED: "the server closes the connection {where}",
    Manner.RESET: "the server resets the connection {where}",
    Manner.STALLED: "the server says and reads nothing more {where}",
    Manner.CUT: "half of {reply} comes, and the server closes the connection",
    Manner.TRICKLING: "{reply} comes byte by byte",
    Manner.UNENDED: "{reply} comes without its line end, and the server says and reads nothing more",
    Manner.MISCONTINUED: "{reply} has a further line with another code (RFC 5321, 4.2.1)",
    Manner.OVERLONG: "{reply} has a line of 70,000 bytes (RFC 5321, 4.5.3.1.5: 512)",
    Manner.RUBBISH: "bytes that are no text come before {reply}",
}
