"""Frames of tracebacks: infers the stage of a session from the functions of a mail library."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pytest_mailnet.values import Stage

__all__ = ["Frame", "Place", "place_of", "through_mail"]

_LIBRARY = re.compile(r"(?:^|[\\/.])(?:smtplib|aiosmtplib)(?:[\\/.]|$)")
_MAIL = re.compile(r"(?:^|[\\/.])(?:smtplib|aiosmtplib|core[\\/.]mail|flask_mail|fastapi_mail)(?:[\\/.]|$)")
_DIALS = frozenset({"create_connection", "_get_socket", "sock_connect", "_connect_sock", "_sock_connect"})
_NO_MAIL = frozenset(
    {"quit", "rset", "_rset", "noop", "close", "__exit__", "__aexit__", "vrfy", "verify", "expn"}
)
_FUNCTIONS: Mapping[str, Stage] = MappingProxyType(
    {
        **dict.fromkeys(("__init__", "connect", "_get_socket", "_create_connection"), Stage.CONNECT),
        **dict.fromkeys(("ehlo", "helo", "ehlo_or_helo_if_needed", "_ehlo_or_helo_if_needed"), Stage.EHLO),
        **dict.fromkeys(("starttls", "start_tls", "_maybe_start_tls_on_connect"), Stage.STARTTLS),
        **dict.fromkeys(("login", "auth", "_maybe_login_on_connect"), Stage.AUTH),
        "mail": Stage.MAIL,
        **dict.fromkeys(("rcpt", "_send_recipients"), Stage.RCPT),
    }
)
_AFTER_DATA = re.compile(r"self\.send\(q\)|self\.write\(message\)")
_OF_DATA = re.compile(r"putcmd\(.data.\)|\brepl\b|start_response|DATA")
_OF_MESSAGE = re.compile(
    r"\(code, msg\)|\bresponse = await|SMTPDataError\(response\.|SMTPDataError\(code, resp\)"
)


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


class Place(NamedTuple):
    """The point in a session at which an exception was raised.

    Attributes:
        stage: the stage; None if the functions do not show it.
        amid: whether the client was sending content.
        dialling: whether the client was still connecting.
        over: whether no mail was under way, such as while the session was being closed.
    """

    stage: Stage | None = None
    amid: bool = False
    dialling: bool = False
    over: bool = False


def place_of(frames: Sequence[Frame]) -> Place:
    """The point in a session, inferred from the innermost function that shows it.

    Args:
        frames: the frames of a traceback; the innermost is the last.
    """
    dialling = any(it.function in _DIALS for it in frames)
    innermost = True
    for frame in reversed(frames):
        if not _LIBRARY.search(frame.file):
            continue
        stage = _FUNCTIONS.get(frame.function)
        if frame.function.startswith("auth_"):
            stage = Stage.AUTH
        if stage is not None:
            return Place(stage, dialling=dialling and stage is Stage.CONNECT)
        if frame.function in _NO_MAIL:
            return Place(over=True)
        if frame.function in {"data", "execute_data_command"}:
            if place := _of_content(frame, innermost=innermost):
                return place
        elif frame.function == "sendmail" and (innermost or _OF_MESSAGE.search(frame.code)):
            # data() has returned with the reply to the dot, if this is about content at all.
            return Place(Stage.MESSAGE)
        innermost = False
    return Place(dialling=dialling)


def _of_content(frame: Frame, *, innermost: bool) -> Place | None:
    if _AFTER_DATA.search(frame.code):
        return Place(Stage.MESSAGE, amid=True)
    if _OF_DATA.search(frame.code):
        return Place(Stage.DATA)
    if _OF_MESSAGE.search(frame.code):
        return Place(Stage.MESSAGE)
    # smtplib's data() itself raises only for a reply to DATA.
    return Place(Stage.DATA) if innermost and frame.function == "data" else None


def through_mail(frames: Iterable[Frame]) -> bool:
    """Whether a traceback goes through a library that sends mail."""
    return any(_MAIL.search(it.file) for it in frames)
