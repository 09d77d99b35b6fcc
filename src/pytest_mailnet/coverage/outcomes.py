"""What an exchange or a handshake came to, as its client met it: read from the record of its session."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pytest_mailnet.certificates import Certificate
from pytest_mailnet.faults import FAULTS, Fault, Manner
from pytest_mailnet.faults.fault import CERTIFICATES
from pytest_mailnet.record.session import HUNG_UP, Exchange, Session
from pytest_mailnet.values import Stage

__all__ = ["fault_of_dial", "faults_of_session", "handshake_of", "outcome_of", "told_fault"]

_LONGEST = 8192  # what smtplib and others read of a line; RFC 5321, 4.5.3.1.5 has 512, and servers exceed it
_LINE = re.compile(rb"([2-5][0-9][0-9])([- ]?)[^\r\n]*\r\n")
_CODES: Mapping[bytes, str] = MappingProxyType({b"2": "2yz", b"3": "2yz", b"4": "4yz", b"5": "5yz"})
_ENDS = (Manner.CLOSED, Manner.RESET, Manner.CUT)
_LATE = re.compile(r"comes \S+ s late$")
_LEFT = "client closed the connection"
_FAILED = re.compile(r"TLS (?:handshake )?failed: (\w+)")
_SHOWN = re.compile(r"has this certificate: (.+)$")
_UNTRUSTED = re.compile(r"ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_|UNSUPPORTED_CERTIFICATE)")


def _by_what_they_do() -> dict[str, Fault]:
    faults = (it for it in FAULTS.values() if isinstance(it, Fault))
    return {_LATE.sub("comes late", it.does): it for it in faults}


_DOES: Mapping[str, Fault] = MappingProxyType(_by_what_they_do())
_SHOWING: Mapping[str, Fault] = MappingProxyType(
    {CERTIFICATES[it.manner].value: it for it in _DOES.values() if it.manner in CERTIFICATES}
)


def told_fault(exchange: Exchange) -> Fault | None:
    """The fault that an exchange has met; None for none."""
    finding = exchange.finding
    if finding is None or finding.rule != "fault":
        return None
    return _DOES.get(_LATE.sub("comes late", finding.why))


def outcome_of(exchange: Exchange, session: Session, *, last: bool) -> str:
    """What an exchange came to: "2yz", "4yz", "5yz", "cut", "silent" or "unreadable".

    Args:
        exchange: the exchange.
        session: its session.
        last: whether nothing was said after it.
    """
    reply, fault = exchange.reply, told_fault(exchange)
    if fault is not None and fault.manner is Manner.LATE and last and session.ended == _LEFT:
        return "silent"  # the client did not wait for it
    code, begin = b"", 0
    while found := _LINE.match(reply, begin):
        if len(found[0]) > _LONGEST or (code and found[1] != code):
            return "unreadable"
        code, begin = found[1], found.end()
        if found[2] != b"-":
            return _CODES[code[:1]]
    rest = reply[begin:]
    if b"\n" in rest:
        return "unreadable"
    ended = session.ended or ""
    if fault is None:
        return "cut" if ended.startswith((HUNG_UP, "closed by the server")) else "silent"
    return "cut" if fault.manner in _ENDS else "silent"


def handshake_of(session: Session, exchanges: Sequence[Exchange]) -> str | None:
    """What a session's TLS handshake came to, as a column of the table; None if none was begun.

    Args:
        session: the session.
        exchanges: its exchanges.
    """
    asked = [it for it in exchanges if it.stage is Stage.STARTTLS]
    if asked and outcome_of(asked[-1], session, last=asked[-1] is exchanges[-1]) != "2yz":
        return None
    ended = session.ended or ""
    failed = _FAILED.match(ended)
    if failed is not None:
        return _failure(failed[1], _SHOWN.search(ended), established=session.tls is not None)
    if ended.startswith(("fault handshake-closed", "fault no-close-notify-at-starttls")):
        return "cut"
    if ended == f"{_LEFT} in the TLS handshake":
        faults = [fault.manner for it in exchanges if (fault := told_fault(it))]
        return "untrusted" if any(it in CERTIFICATES for it in faults) else "silent"
    return None if session.tls is None else "done"


def _failure(reason: str, shown: re.Match[str] | None, *, established: bool) -> str:
    if shown is not None and shown[1] == Certificate.NONE.value:
        return "refused"
    if _UNTRUSTED.search(reason):
        return "untrusted"
    return "version" if "PROTOCOL" in reason and not established else "broken"


def faults_of_session(session: Session, exchanges: Sequence[Exchange]) -> set[str]:
    """The ids of the faults that a session has met.

    Args:
        session: the session.
        exchanges: its exchanges.
    """
    ended = session.ended or ""
    found = {fault.id for it in exchanges if (fault := told_fault(it))}
    shown = _SHOWN.search(ended)
    if shown is not None and shown[1] in _SHOWING:
        found.add(_SHOWING[shown[1]].id)
    if ended.startswith("fault "):
        found.add(FAULTS[ended.removeprefix("fault ")].id)  # type: ignore[index]  # a text, until it is found
    return set(map(str, found))


def fault_of_dial(why: str) -> str | None:
    """The id of the fault for which a connection could not be made; None for another cause."""
    fault = why.rpartition(": ")[2]
    return fault if fault in FAULTS else None
