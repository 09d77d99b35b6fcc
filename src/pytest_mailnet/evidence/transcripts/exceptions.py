"""Exceptions of Python's mail libraries: single ones, and chains of one raised while handling another."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, cast

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.transcripts.calls import Call, call_in
from pytest_mailnet.evidence.transcripts.frames import Frame, Place, place_of, through_mail
from pytest_mailnet.evidence.transcripts.literals import literal_at
from pytest_mailnet.evidence.transcripts.server_lines import lines_with_code, split_host
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.values import Stage

__all__ = ["KINDS", "Raised", "failures_of"]

KINDS: Mapping[str, Stage | None] = MappingProxyType(
    {
        "SMTPSenderRefused": Stage.MAIL,
        "SMTPRecipientsRefused": Stage.RCPT,
        "SMTPRecipientRefused": Stage.RCPT,
        "SMTPConnectError": Stage.CONNECT,
        "SMTPConnectResponseError": Stage.CONNECT,
        "SMTPConnectTimeoutError": Stage.CONNECT,
        "SMTPHeloError": Stage.EHLO,
        "SMTPAuthenticationError": Stage.AUTH,
        **dict.fromkeys(
            (
                "SMTPDataError",
                "SMTPResponseException",
                "SMTPServerDisconnected",
                "SMTPReadTimeoutError",
                "SMTPTimeoutError",
                "SMTPNotSupported",
                "SMTPNotSupportedError",
                "SMTPException",
            )
        ),
    }
)
"""The exceptions of smtplib and aiosmtplib, each with the stage that its class implies, or None."""

_OF_CONTENT = {"SMTPDataError": Stage.MESSAGE}  # rarely of DATA itself: frames tell the two apart
_OF_SYSTEM = re.compile(
    r"Connection(?:Refused|Reset|Aborted)?Error|BrokenPipeError|TimeoutError|timeout|gaierror|herror"
    r"|OSError|IOError|error|SSL\w*Error|CertificateError"
)
_CALLED = re.compile(r"connecting to (\S{1,255}) on port \d")
_AND_WHY = "Connection unexpectedly closed: "
_OWN_REPLY = ("SMTPResponseException", "(500, 'Line too long.')")  # smtplib's own, from no server
_LONGEST_WORDS = 500


class Raised(NamedTuple):
    """An exception.

    Attributes:
        name: the name of its class, without the module.
        text: its text, or its arguments in brackets.
        frames: the frames of its traceback; the innermost is the last.
    """

    name: str
    text: str
    frames: tuple[Frame, ...] = ()


def failures_of(chain: Sequence[Raised], calls: Iterable[Call] = ()) -> list[Failure]:
    """The failed recipients in a chain of exceptions, each once.

    Args:
        chain: the exceptions in the order in which they were raised.
        calls: calls that are known besides those in the frames' lines of code.
    """
    calls = [*calls, *(call for it in chain for frame in it.frames if (call := call_in(frame.code)))]
    refused: dict[tuple[str | None, tuple[str, ...]], Failure] = {}
    for raised in chain:
        for failure in _refusals(raised):
            known = refused.get((failure.recipient, failure.reply))
            refused[failure.recipient, failure.reply] = known.completed_by(failure) if known else failure
    if refused:
        return [full for it in refused.values() for full in _completed(it, calls)]
    trouble = _trouble(chain)
    return [] if trouble is None else list(_completed(trouble, calls))


def _refusals(raised: Raised) -> Iterator[Failure]:
    """The failures by replies of a server, from the arguments of an exception."""
    if raised.name not in KINDS or (raised.name, raised.text) == _OWN_REPLY:
        return
    values = literal_at(raised.text).values
    place = place_of(raised.frames)
    if place.over:
        return
    stage = KINDS[raised.name] or place.stage or _OF_CONTENT.get(raised.name)
    if raised.name == "SMTPRecipientsRefused" and values[:1] and isinstance(values[0], str):
        for recipient, code, text in zip(values[::3], values[1::3], values[2::3], strict=False):
            if isinstance(code, int) and (reply := _reply(code, str(text))):
                yield Failure(recipient=str(recipient), stage=stage, reply=reply)
        return
    step = 3 if raised.name in {"SMTPRecipientsRefused", "SMTPRecipientRefused"} else len(values) or 1
    for at in range(0, len(values) - 1, step):
        code, text, *rest = values[at : at + step]
        reply = _reply(code, str(text)) if isinstance(code, int) else ()
        if not reply:
            continue
        path = str(rest[0]) if rest else None
        if raised.name == "SMTPSenderRefused":
            yield Failure(sender=path, stage=stage, reply=reply)
        elif stage is Stage.RCPT:
            yield Failure(recipient=path, stage=stage, reply=reply)
        else:
            yield Failure(stage=stage, reply=reply)


def _trouble(chain: Sequence[Raised]) -> Failure | None:
    """The failure of a chain of exceptions without a reply; None if it is not about mail."""
    if not any(it.name in KINDS or through_mail(it.frames) for it in chain):
        return None
    chain = [it for it in chain if it.name in KINDS or _OF_SYSTEM.fullmatch(it.name)]
    if not chain or place_of(chain[-1].frames).over:
        return None
    places = [place_of(it.frames) for it in chain]
    told = [KINDS.get(it.name) or place.stage for it, place in zip(chain, places, strict=True)]
    stage = next((it for it in reversed(told) if it is not None), None)
    if any("SSL" in it.name or "Certificate" in it.name for it in chain) and stage in {None, Stage.CONNECT}:
        stage = Stage.STARTTLS
    last = chain[-1]
    words = f"{last.name}: {last.text}" if last.text else last.name
    host, address = None, None
    if found := _CALLED.search(last.text):
        host, address = split_host(found[1])
    failure = Failure(host=host, address=address, stage=stage, words=words[:_LONGEST_WORDS])
    for raised, place in zip(reversed(chain), reversed(places), strict=True):
        trouble = trouble_in(_said(raised, place), stage)
        if trouble is None:
            continue
        fault = trouble.fault
        if any(it.amid for it in places):
            fault = cast("FaultName", fault.replace("-after-dot", "-in-content"))
        return dataclasses.replace(failure, stage=trouble.stage, fault=fault)
    return failure


def _said(raised: Raised, place: Place) -> str:
    """The text of an exception; in front a word for what its class and place add: connecting, or TLS."""
    said = raised.text[:_LONGEST_WORDS].removeprefix(_AND_WHY) or raised.name
    if place.dialling and "connect" not in said.lower():
        return f"connecting: {said}"
    return f"TLS: {said}" if "SSL" in raised.name else said


def _completed(failure: Failure, calls: list[Call]) -> Iterator[Failure]:
    """Complete a failure by the arguments of calls; one failure for each recipient."""
    for call in calls:
        host, address = split_host(call.host) if call.host else (None, None)
        failure = failure.completed_by(Failure(host=host, address=address, sender=call.sender))
    recipients = next((it.recipients for it in calls if it.recipients), ())
    if failure.recipient is not None or not recipients:
        yield failure
    else:
        yield from (dataclasses.replace(failure, recipient=it) for it in recipients)


def _reply(code: int, text: str) -> tuple[str, ...]:
    """The lines of a refusal; empty for codes that libraries have of their own, such as -1."""
    return lines_with_code(code, text) if 400 <= code <= 599 else ()
