"""The lines of an exchange as a timeline has them, and whether it went wrong, by the session's protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pytest_mailnet.printable import lines_of
from pytest_mailnet.record.session import Exchange, Session
from pytest_mailnet.values import Stage

__all__ = ["Spoken", "spoken_in"]

_SHOWN_LINES = 12
_SHOWN_BYTES = 600
_CREDENTIALS = "[credentials]"  # more people read a log than a test


class Spoken(NamedTuple):
    """An exchange as it is told.

    Attributes:
        exchange: the exchange.
        request: the lines of what the client said; none for a banner, or where it said nothing new.
        reply: the lines of what the server said; none where it said nothing.
        wrong: whether a command got a refusal, no reply, or one that is no reply, or met a fault.
    """

    exchange: Exchange
    request: list[str]
    reply: list[str]
    wrong: bool

    @property
    def is_content(self) -> bool:
        """Whether the client sent a mail, and no command."""
        return self.exchange.stage is Stage.MESSAGE


def spoken_in(session: Session) -> Iterator[Spoken]:
    """The exchanges of a session as they are told, by its protocol."""
    language = _SMTP if session.protocol == "SMTP" else _READING
    stage = None
    for exchange in tuple(session.exchanges):
        # LMTP's further replies after the dot have no request of their own.
        again = exchange.stage is Stage.MESSAGE and stage is Stage.MESSAGE
        stage = exchange.stage
        request = [] if again else language.request(exchange)
        yield Spoken(exchange, request, language.reply(exchange), language.went_wrong(exchange))


class _Language(NamedTuple):
    request: Callable[[Exchange], list[str]]
    reply: Callable[[Exchange], list[str]]
    went_wrong: Callable[[Exchange], bool]


def _smtp_request(exchange: Exchange) -> list[str]:
    lines = lines_of(exchange.request[:_SHOWN_BYTES])
    if exchange.stage is Stage.AUTH:
        words = " ".join(lines).split(maxsplit=2)
        command = words[:2] if words and words[0].upper() == "AUTH" else []
        return [" ".join(command if words == command else [*command, _CREDENTIALS])]
    if exchange.stage is not Stage.MESSAGE:
        return lines
    return [*_shortened(lines, len(exchange.request)), "."]


def _smtp_reply(exchange: Exchange) -> list[str]:
    return lines_of(exchange.reply)


def _smtp_went_wrong(exchange: Exchange) -> bool:
    return _of_a_fault(exchange) or not exchange.reply.startswith((b"2", b"3"))


def _reading_request(exchange: Exchange) -> list[str]:
    lines = _shortened(lines_of(exchange.request[:_SHOWN_BYTES]), len(exchange.request))
    if exchange.stage is Stage.AUTH and lines:
        words = lines[0].split()
        named = next((n for n, it in enumerate(words[:2], 1) if it.upper() in _LOG_INS), 0)
        named += words[named - 1].upper() in {"AUTH", "AUTHENTICATE"} if named else 0
        return [" ".join([*words[:named], *([_CREDENTIALS] if len(words) > named else [])])]
    return lines


_LOG_INS = {"LOGIN", "AUTHENTICATE", "PASS", "AUTH"}


def _reading_reply(exchange: Exchange) -> list[str]:
    lines = lines_of(exchange.reply)
    if len(lines) <= _SHOWN_LINES:
        return lines
    told = f"... ({len(exchange.reply):,} bytes in all)"
    return [*lines[: _SHOWN_LINES - 2], told, lines[-1]]


def _reading_went_wrong(exchange: Exchange) -> bool:
    if _of_a_fault(exchange):
        return True
    last = exchange.reply.rstrip(b"\r\n").rpartition(b"\n")[2]
    if last.startswith(b"* BYE"):
        return exchange.stage is not Stage.QUIT
    return last.startswith(b"-ERR") or last.split(b" ", 2)[1:2] in ([b"NO"], [b"BAD"])


def _of_a_fault(exchange: Exchange) -> bool:
    return exchange.finding is not None and exchange.finding.is_harm


def _shortened(lines: list[str], size: int) -> list[str]:
    shown = lines[:_SHOWN_LINES]
    if len(shown) < len(lines) or size > _SHOWN_BYTES:
        shown.append(f"... ({size:,} bytes in all)")
    return shown


_SMTP = _Language(_smtp_request, _smtp_reply, _smtp_went_wrong)
_READING = _Language(_reading_request, _reading_reply, _reading_went_wrong)
