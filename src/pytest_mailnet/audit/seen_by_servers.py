"""What servers have seen of a mail: that they took it, that they refused it for good, that it came again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_mailnet.audit.cases import Case, Rejection
from pytest_mailnet.audit.verdicts import Rejected, Taken
from pytest_mailnet.faults import Fault
from pytest_mailnet.faults.fault import Manner
from pytest_mailnet.record.journal import Attempt, Entry, Query
from pytest_mailnet.record.session import Exchange, Message, Session
from pytest_mailnet.values import Stage

__all__ = ["CallEnd", "all_well_since", "refused_in", "taken_in"]


@dataclass(frozen=True, slots=True)
class CallEnd:
    """The end of a call of the application, by what the net's record held then.

    Attributes:
        messages: how many messages.
        sessions: how many sessions.
        entries: how many entries of all kinds.
    """

    messages: int
    sessions: int
    entries: int


def taken_in(messages: Sequence[Message], ends: Sequence[CallEnd], case: Case) -> Iterator[Taken]:
    """The mails that servers took.

    Args:
        messages: all messages of the net.
        ends: what was before the first call, and the end of each call.
        case: what happened.
    """
    slow = any(isinstance(it, Fault) and it.manner is Manner.SLOW for it in case.steps)
    for number, message in enumerate(messages):
        if number >= ends[0].messages:
            call = sum(it.messages <= number for it in ends) - 1
            to = tuple(it.lower() for it in message.recipients)
            yield Taken(
                to, heard=not slow and not _harmed(message.session, _last_dot(message.session)), call=call
            )


def refused_in(
    sessions: Sequence[Session], ends: Sequence[CallEnd], case: Case, *, own_queue: bool
) -> Iterator[Rejected]:
    """The permanent refusals of a case that were given, and heard.

    Args:
        sessions: all sessions of the net.
        ends: as above.
        case: what happened.
        own_queue: whether the application itself decides in a later call what it asks for again.
    """
    permanent = {(it.stage, it.reply.code): it for it in case.refusals if it.permanent}
    for number, session in enumerate(sessions if permanent else ()):
        call = _call_of(number, ends)
        rest = [
            each
            for other, it in enumerate(sessions)
            if other > number and it.host == session.host and (own_queue or _call_of(other, ends) == call)
            for each in it.exchanges
        ]
        asked: list[str] = []
        for at, exchange in enumerate(session.exchanges):
            asked = [] if exchange.stage is Stage.MAIL else asked
            if to := _recipient(exchange):
                asked = [*asked, to]
            refusal = (
                permanent.get((exchange.stage, exchange.code)) if exchange.stage and exchange.code else None
            )
            if refusal is not None and not _harmed(session, at):
                whom = (to,) if to else tuple(asked)
                later = (it for it in [*session.exchanges[at + 1 :], *rest] if it.reply)
                # MAIL may be said again with fewer parameters, or by another name.
                again = refusal.stage is not Stage.MAIL and any(_recipient(it) in whom for it in later)
                yield Rejected(whom, call, _shown(exchange, refusal), again)


def all_well_since(entries: Sequence[Entry], end: CallEnd) -> bool:
    """Whether nothing has gone wrong in a net after a call: no refusal, no fault, no failed look-up.

    Args:
        entries: the net's record.
        end: the end of the call.
    """
    sessions = [it for it in entries if isinstance(it, Session) and it.protocol == "SMTP"][end.sessions :]
    said = [exchange for session in sessions for exchange in session.exchanges]
    failed = any(
        isinstance(it, Attempt) or (isinstance(it, Query) and it.rcode != "NOERROR")
        for it in entries[end.entries :]
    )
    return not failed and all(it.finding is None and it.reply[:1] in {b"2", b"3"} for it in said)


def _call_of(session: int, ends: Sequence[CallEnd]) -> int:
    return sum(it.sessions <= session for it in ends) - 1


def _recipient(exchange: Exchange) -> str:
    """Whom a RCPT names; "" for another command."""
    if exchange.stage is not Stage.RCPT:
        return ""
    return exchange.request.partition(b"<")[2].partition(b">")[0].decode("utf-8", "replace").lower()


def _last_dot(session: Session) -> int:
    return max((at for at, it in enumerate(session.exchanges) if it.stage is Stage.MESSAGE), default=-1)


def _harmed(session: Session, at: int) -> bool:
    """Whether something went wrong in a session up to an exchange, whose reply may not be heard then."""
    return any(it.finding is not None and it.finding.is_harm for it in session.exchanges[: at + 1])


def _shown(exchange: Exchange, refusal: Rejection) -> str:
    where = "after the dot" if refusal.stage is Stage.MESSAGE else f"at {refusal.stage.upper()}"
    return f"{exchange.code} {where}"
