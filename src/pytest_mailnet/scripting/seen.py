"""What came by at a stage of a session, as the globs of a test's own answers see it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_mailnet.record.session import Exchange, Session
from pytest_mailnet.values import DELIVERY, Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = ["Seen", "seen_at", "seen_in"]

_PATH = re.compile(rb"[^<]*<([^>\r\n]*)>")


@dataclass(frozen=True, slots=True)
class Seen:
    """What came by at a stage.

    Attributes:
        session: the session's number.
        subjects: what a glob is compared with; for a mail to many, each recipient.
        reverse_path: "" at stages before MAIL.
        client: the sender's address.
    """

    session: int
    subjects: tuple[str, ...]
    reverse_path: str
    client: str


def seen_at(stage: Stage, step: Step) -> Seen:
    """What comes by now.

    Args:
        stage: the stage of the session.
        step: the session, and the command that is to be answered.
    """
    match stage:
        case Stage.CONNECT:
            subjects: tuple[str, ...] = (step.client.ip,)
        case Stage.EHLO | Stage.STARTTLS:
            subjects = (step.helo,)
        case Stage.AUTH:
            subjects = (step.credentials.identity if step.credentials else "",)
        case Stage.MAIL:
            subjects = (step.reverse_path or "",)
        case Stage.RCPT:
            subjects = (step.recipient or "",)
        case _:
            subjects = tuple(step.recipients) if stage in DELIVERY else (step.verb,)
    return Seen(step.session.number, subjects, step.reverse_path or "", step.client.ip)


def seen_in(session: Session) -> Iterator[tuple[Exchange, Seen]]:
    """What came by in each exchange of a session, read from its record."""
    helo, reverse_path, recipients = "", "", list[str]()
    for exchange in session.exchanges:
        if exchange.stage is None:
            continue
        path = _PATH.match(exchange.request)
        named = path[1].decode("utf-8", "backslashreplace") if path else ""
        match exchange.stage:
            case Stage.CONNECT:
                subjects: tuple[str, ...] = (session.client.ip,)
            case Stage.EHLO:
                helo = exchange.request.decode("utf-8", "backslashreplace").strip().partition(" ")[2]
                reverse_path, recipients = "", []
                subjects = (helo,)
            case Stage.STARTTLS:
                subjects = (helo,)
            case Stage.AUTH:
                subjects = (session.user or "",)
            case Stage.MAIL:
                reverse_path, recipients = named, []
                subjects = (named,)
            case Stage.RCPT:
                subjects = (named,)
                if (exchange.code or 500) < 400:
                    recipients.append(named)
            case _:
                subjects = tuple(recipients) if exchange.stage in DELIVERY else (_verb(exchange),)
        yield exchange, Seen(session.number, subjects, reverse_path, session.client.ip)


def _verb(exchange: Exchange) -> str:
    return exchange.request.partition(b" ")[0].strip().decode("ascii", "replace").upper()
