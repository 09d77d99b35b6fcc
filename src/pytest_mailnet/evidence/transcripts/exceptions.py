"""Exceptions of Python's mail libraries: single ones, and chains of one raised while handling another."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, cast

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.transcripts.one_mail import each_once
from pytest_mailnet.evidence.transcripts.python_code import Call, call_in, literal_at
from pytest_mailnet.evidence.transcripts.server_lines import lines_with_code, split_host
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.values import Stage

__all__ = ["KINDS", "Frame", "Raised", "failures_of", "through_mail"]

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
            ("SMTPDataError", "SMTPResponseException", "SMTPServerDisconnected", "SMTPException")
        ),
        **dict.fromkeys(
            ("SMTPReadTimeoutError", "SMTPTimeoutError", "SMTPNotSupported", "SMTPNotSupportedError")
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
_LIBRARY = re.compile(r"(?:^|[\\/.])(?:smtplib|aiosmtplib)(?:[\\/.]|$)")
_MAIL = re.compile(r"(?:^|[\\/.])(?:smtplib|aiosmtplib|core[\\/.]mail|flask_mail|fastapi_mail)(?:[\\/.]|$)")
_DIALS = frozenset({"create_connection", "_get_socket", "sock_connect", "_connect_sock", "_sock_connect"})


class Frame(NamedTuple):
    """A frame of a traceback.

    Attributes:
        file: the path of the file, or the name of the module.
        function: the name of the function.
        code: the line of code; "" if it is not shown.
    """

    file: str
    function: str
    code: str = ""


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


class _Place(NamedTuple):
    """The point in a session at which an exception was raised: amid content, while connecting, or after."""

    stage: Stage | None = None
    amid: bool = False
    dialling: bool = False
    over: bool = False  # no mail was under way, such as while the session was being closed


_DATA = "(?:data|execute_data_command) "
_OF_MESSAGE = r"(?:\(code, msg\)|\bresponse = await|SMTPDataError\((?:response\.|code, resp\)))"
# A function of smtplib or aiosmtplib, and its line of code; "!" is before the innermost one.
_PLACES = tuple(
    (re.compile(rf"!?(?:{pattern})", re.DOTALL), place)
    for pattern, place in (
        (r"(?:__init__|connect|_get_socket|_create_connection) ", _Place(Stage.CONNECT)),
        (r"(?:ehlo|helo|_?ehlo_or_helo_if_needed) ", _Place(Stage.EHLO)),
        (r"(?:start_?tls|_maybe_start_tls_on_connect) ", _Place(Stage.STARTTLS)),
        (r"(?:login|auth|auth_\w*|_maybe_login_on_connect) ", _Place(Stage.AUTH)),
        ("mail ", _Place(Stage.MAIL)),
        ("(?:rcpt|_send_recipients) ", _Place(Stage.RCPT)),
        (r"(?:quit|_?rset|noop|close|__a?exit__|vrfy|verify|expn) ", _Place(over=True)),
        (_DATA + r".*(?:self\.send\(q\)|self\.write\(message\))", _Place(Stage.MESSAGE, amid=True)),
        (_DATA + r".*(?:putcmd\(.data.\)|\brepl\b|start_response|DATA)", _Place(Stage.DATA)),
        (f"(?:{_DATA}|sendmail ).*{_OF_MESSAGE}", _Place(Stage.MESSAGE)),
        # smtplib's data() itself raises only for a reply to DATA, and returns the reply to the dot.
        ("(?<=!)data ", _Place(Stage.DATA)),
        ("(?<=!)sendmail ", _Place(Stage.MESSAGE)),
    )
)


def through_mail(frames: Iterable[Frame]) -> bool:
    """Whether a traceback goes through a library that sends mail."""
    return any(_MAIL.search(it.file) for it in frames)


def failures_of(chain: Sequence[Raised], calls: Iterable[Call] = ()) -> list[Failure]:
    """The failed recipients in a chain of exceptions, each once.

    Args:
        chain: the exceptions in the order in which they were raised.
        calls: calls that are known besides those in the frames' lines of code.
    """
    calls = [*calls, *(call for it in chain for frame in it.frames if (call := call_in(frame.code)))]
    read_as = "a traceback of Python" if any(it.frames for it in chain) else "an exception of Python"
    told = each_once(it for raised in chain for it in _refusals(raised)) or _trouble(chain)
    return [dataclasses.replace(full, read_as=(read_as,)) for it in told for full in _completed(it, calls)]


def _place_of(frames: Sequence[Frame]) -> _Place:
    """The point in a session, inferred from the innermost function that shows it."""
    dialling = any(it.function in _DIALS for it in frames)
    innermost = "!"
    for frame in reversed(frames):
        if _LIBRARY.search(frame.file):
            text = f"{innermost}{frame.function} {frame.code}"
            if place := next((place for pattern, place in _PLACES if pattern.match(text)), None):
                return place._replace(dialling=dialling and place.stage is Stage.CONNECT)
            innermost = ""
    return _Place(dialling=dialling)


def _refusals(raised: Raised) -> Iterator[Failure]:
    """The failures by replies of a server, from the arguments of an exception."""
    place = _place_of(raised.frames)
    if raised.name not in KINDS or (raised.name, raised.text) == _OWN_REPLY or place.over:
        return
    stage = KINDS[raised.name] or place.stage or _OF_CONTENT.get(raised.name)
    values = literal_at(raised.text).values
    step = 3 if KINDS[raised.name] is Stage.RCPT else len(values) or 1
    for at in range(0, len(values), step):
        match values[at : at + step]:
            case [str(recipient), int(code), text] if step == 3:  # of smtplib's dictionary
                rest = [recipient]
            case [int(code), text, *others]:
                rest = [str(it) for it in others]
            case _:
                continue
        if 400 <= code <= 599:  # libraries have codes of their own, such as -1 for an unreadable reply
            failure = Failure(stage=stage, reply=lines_with_code(code, str(text)))
            path = next(iter(rest), None)
            if raised.name == "SMTPSenderRefused":
                failure = dataclasses.replace(failure, sender=path)
            yield dataclasses.replace(failure, recipient=path) if stage is Stage.RCPT else failure


def _trouble(chain: Sequence[Raised]) -> list[Failure]:
    """The failure of a chain of exceptions without a reply; empty if it is not about mail."""
    if not any(it.name in KINDS or through_mail(it.frames) for it in chain):
        return []
    chain = [it for it in chain if it.name in KINDS or _OF_SYSTEM.fullmatch(it.name)]
    places = [_place_of(it.frames) for it in chain]
    if not chain or places[-1].over:
        return []
    told = [KINDS.get(it.name) or place.stage for it, place in zip(chain, places, strict=True)]
    stage = next((it for it in reversed(told) if it is not None), None)
    if any("SSL" in it.name or "Certificate" in it.name for it in chain) and stage in {None, Stage.CONNECT}:
        stage = Stage.STARTTLS
    last = chain[-1]
    words = f"{last.name}: {last.text}" if last.text else last.name
    host, address = split_host(found[1]) if (found := _CALLED.search(last.text)) else (None, None)
    failure = Failure(host=host, address=address, stage=stage, words=words[:_LONGEST_WORDS])
    for raised, place in zip(reversed(chain), reversed(places), strict=True):
        if trouble := trouble_in(_said(raised, place), stage):
            fault = trouble.fault
            if any(it.amid for it in places):
                fault = cast("FaultName", fault.replace("-after-dot", "-in-content"))
            return [dataclasses.replace(failure, stage=trouble.stage, fault=fault)]
    return [failure]


def _said(raised: Raised, place: _Place) -> str:
    """The text of an exception; in front a word for what its class and place add: connecting, or TLS."""
    said = raised.text[:_LONGEST_WORDS].removeprefix(_AND_WHY) or raised.name
    if place.dialling and "connect" not in said.lower():
        return f"connecting: {said}"
    return f"TLS: {said}" if "SSL" in raised.name else said


def _completed(failure: Failure, calls: list[Call]) -> list[Failure]:
    """Complete a failure by the arguments of calls; one failure for each recipient."""
    for call in calls:
        host, address = split_host(call.host) if call.host else (None, None)
        failure = failure.completed_by(Failure(host=host, address=address, sender=call.sender))
    recipients = next((it.recipients for it in calls if it.recipients), ())
    if failure.recipient is not None or not recipients:
        return [failure]
    return [dataclasses.replace(failure, recipient=it) for it in recipients]
