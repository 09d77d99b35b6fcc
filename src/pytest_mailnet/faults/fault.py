"""One thing that can go wrong with a connection, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, cast

from pytest_mailnet.certificates import Certificate
from pytest_mailnet.handles.names import FaultKind, FaultName
from pytest_mailnet.values import DELIVERY, Stage

__all__ = [
    "CERTIFICATES",
    "LATE_SECONDS",
    "OF_A_DIAL",
    "OF_A_HANDSHAKE",
    "OF_TLS",
    "SLOW_RATE",
    "Fault",
    "Manner",
]


class Manner(StrEnum):
    """What goes wrong; `Fault.does` explains each."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NO_ROUTE = "no-route"
    DROPPED = "dropped"
    SLOW = "slow"
    CLOSED = "closed"
    RESET = "reset"
    STALLED = "stalled"
    CUT = "cut"
    TRICKLING = "trickling"
    UNENDED = "unended"
    MISCONTINUED = "miscontinued"
    OVERLONG = "overlong"
    RUBBISH = "rubbish"
    LATE = "late"
    EARLY = "early"
    HALF_OPEN = "half-open"
    HANDSHAKE_STALLED = "handshake-stalled"
    HANDSHAKE_CLOSED = "handshake-closed"
    BROKEN_RECORD = "broken-record"
    NO_CLOSE_NOTIFY = "no-close-notify"
    CLEAR_AGAIN = "clear-again"
    STRIPPED = "stripped"
    EXPIRED = "expired"
    WRONG_NAME = "wrong-name"
    SELF_SIGNED = "self-signed"
    OLD_PROTOCOL = "old-protocol"
    HANDSHAKE_REFUSED = "handshake-refused"


@dataclass(frozen=True, slots=True, repr=False)
class Fault:
    """One thing that can go wrong with a connection.

    Attributes:
        manner: what goes wrong.
        stage: the stage whose reply is due when it happens.
        in_content: whether it happens before that reply, amid the content that follows DATA.
        seconds: how late a late reply comes; None for `LATE_SECONDS`, and for all other faults.
    """

    manner: Manner
    stage: Stage
    in_content: bool = False
    seconds: float | None = None

    @property
    def id(self) -> FaultName:
        """Its name: "reset-at-rcpt", "reset-in-content", "reset-after-dot"."""
        if self.in_content:
            return cast("FaultName", f"{self.manner}-in-content")
        where = "after-dot" if self.stage is Stage.MESSAGE else f"at-{self.stage}"
        return cast("FaultName", f"{self.manner}-{where}")

    @property
    def kind(self) -> FaultKind:
        """What is wrong: the "connection", a "reply", or the "tls"."""
        if self.manner in OF_TLS:
            return "tls"
        return "reply" if self.manner in _OF_A_REPLY else "connection"

    @property
    def taken(self) -> bool | None:
        """Whether the server has taken the mail; None if that depends on the client."""
        if self.in_content:
            return False
        if self.stage in {Stage.MESSAGE, Stage.QUIT}:
            return True
        if self.stage not in DELIVERY:
            return None
        return None if self.manner in _GOES_ON else False

    @property
    def does(self) -> str:
        """What goes wrong, in a sentence."""
        reply = f"the reply at {self.stage.upper()}"
        if self.manner is Manner.NO_CLOSE_NOTIFY and self.stage is Stage.QUIT:
            return f"the server closes the connection after {reply}, without close_notify"
        return _DOES[self.manner].format(
            where="amid the content" if self.in_content else f"in place of {reply}",
            reply=reply,
            late=f"{LATE_SECONDS if self.seconds is None else self.seconds:g} s",
        )

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"fault_named({self.id!r})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001
        # Asked for by hypothesis and IPython, which show a dataclass by its fields otherwise.
        printer.text(repr(self))


OF_A_DIAL = (Manner.REFUSED, Manner.UNREACHABLE, Manner.NO_ROUTE, Manner.DROPPED)
"""Faults before there is a connection."""

CERTIFICATES: Mapping[Manner, Certificate] = MappingProxyType(
    {
        Manner.EXPIRED: Certificate.EXPIRED,
        Manner.WRONG_NAME: Certificate.WRONG_NAME,
        Manner.SELF_SIGNED: Certificate.SELF_SIGNED,
        Manner.OLD_PROTOCOL: Certificate.OLD_PROTOCOL,
        Manner.HANDSHAKE_REFUSED: Certificate.NONE,
    }
)
"""What a host shows in the handshake in place of its own certificate."""

OF_A_HANDSHAKE = (
    *CERTIFICATES,
    Manner.HANDSHAKE_STALLED,
    Manner.HANDSHAKE_CLOSED,
    Manner.BROKEN_RECORD,
    Manner.NO_CLOSE_NOTIFY,
    Manner.CLEAR_AGAIN,
)
"""Faults of the TLS handshake, or of the first bytes after it; at ports that begin with it too."""

OF_TLS = (Manner.STRIPPED, *OF_A_HANDSHAKE)
"""What goes wrong with TLS."""

LATE_SECONDS = 30.0
"""How late a late reply comes, in seconds, where the test does not say."""

SLOW_RATE = 50
"""What a slow link carries, in bytes a second."""

_GOES_ON = frozenset(
    {
        Manner.SLOW,
        Manner.TRICKLING,
        Manner.MISCONTINUED,
        Manner.OVERLONG,
        Manner.RUBBISH,
        Manner.LATE,
        Manner.EARLY,
        # Clients that do not look are there, and such as send in the clear then.
        Manner.STRIPPED,
        Manner.EXPIRED,
        Manner.WRONG_NAME,
        Manner.SELF_SIGNED,
        Manner.OLD_PROTOCOL,
    }
)
_OF_A_REPLY = _GOES_ON - {Manner.SLOW} | {Manner.CUT, Manner.UNENDED}
_DOES = {
    Manner.REFUSED: "the connection is refused (ECONNREFUSED)",
    Manner.UNREACHABLE: "the host cannot be reached (EHOSTUNREACH)",
    Manner.NO_ROUTE: "there is no route to the host (ENETUNREACH)",
    Manner.DROPPED: "the connection is never answered",
    Manner.SLOW: f"the link carries {SLOW_RATE} bytes a second to the client",
    Manner.CLOSED: "the server closes the connection {where}",
    Manner.RESET: "the server resets the connection {where}",
    Manner.STALLED: "the server says and heeds nothing more {where}",
    Manner.CUT: "half of {reply} comes, and the server closes the connection",
    Manner.TRICKLING: "{reply} comes byte by byte",
    Manner.UNENDED: "{reply} comes without its line end, and nothing after it",
    Manner.MISCONTINUED: "{reply} has a further line with another code (RFC 5321, 4.2.1)",
    Manner.OVERLONG: "{reply} has a line of 70,000 bytes (RFC 5321, 4.5.3.1.5: 512)",
    Manner.RUBBISH: "bytes that are no text come before {reply}",
    Manner.LATE: "{reply} comes {late} late",
    Manner.EARLY: "{reply} comes before its command, behind the reply to the one before",
    Manner.HALF_OPEN: "the server forgets the connection after {reply}, and resets it at the next word",
    Manner.HANDSHAKE_STALLED: "the server does not answer the TLS handshake",
    Manner.HANDSHAKE_CLOSED: "the server closes the connection in the TLS handshake",
    Manner.BROKEN_RECORD: "the first TLS record after the handshake is damaged",
    Manner.NO_CLOSE_NOTIFY: "the server closes the connection after the TLS handshake, without close_notify",
    Manner.CLEAR_AGAIN: "the server goes on in the clear after the TLS handshake",
    Manner.STRIPPED: "STARTTLS is not offered and not known, as where somebody on the way takes it out",
    Manner.EXPIRED: "the server's certificate has been out of date for a day",
    Manner.WRONG_NAME: "the server's certificate is for another host",
    Manner.SELF_SIGNED: "the server's certificate is signed by no authority",
    Manner.OLD_PROTOCOL: "the server speaks nothing newer than TLS 1.1 (RFC 8996)",
    Manner.HANDSHAKE_REFUSED: "the server answers the TLS handshake with a fatal alert",
}
