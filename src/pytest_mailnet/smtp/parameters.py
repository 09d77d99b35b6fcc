"""What a server offers in reply to EHLO, and the parameters of MAIL and RCPT by that (RFC 5321, 2.2)."""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

from pytest_mailnet.smtp.paths import CommandError, well_formed

__all__ = [
    "NOTHING",
    "MailParameters",
    "Offer",
    "check_rcpt_parameters",
    "offer_of",
    "parameter_of",
    "read_mail_parameters",
    "xtext_decoded",
]

_LINE_LIMIT = 512  # RFC 5321, 4.5.3.1.4, line end included
_SIZE = re.compile(r"[0-9]{1,20}")  # RFC 1870, 5
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")  # RFC 3461, 4
_ORCPT = re.compile(rf"[A-Za-z0-9-]+;{_XTEXT.pattern}|utf-8;\S+", re.IGNORECASE)  # RFC 3461, 4.2; RFC 6533, 3
_NOTICES = frozenset({"SUCCESS", "FAILURE", "DELAY"})
_HEXADECIMAL = re.compile(r"\+([0-9A-F]{2})")


class Offer(NamedTuple):
    """The extensions of a server, as they stand at one moment.

    Attributes:
        keywords: in upper case.
        size_limit: what a message may have in bytes (RFC 1870, 4); None for no limit.
        mechanisms: with which clients may log in, in upper case.
    """

    keywords: frozenset[str]
    size_limit: int | None
    mechanisms: tuple[str, ...]

    def line_limit(self, verb: bytes) -> int:
        """What a command may have in bytes, line end included, with the room that extensions make."""
        room = _ROOM.get(verb, ())
        return _LINE_LIMIT + sum(more for keyword, more in room if keyword in self.keywords)


# RFC 1870, 3; RFC 6531, 3.4; RFC 3461, 4.2 to 4.4 (500 for ORCPT, 100 for ENVID); RFC 4954, 3 and 4.
_ROOM = {
    b"MAIL": (("SIZE", 26), ("SMTPUTF8", 10), ("DSN", 118), ("AUTH", 500)),
    b"RCPT": (("DSN", 540),),
    b"AUTH": (("AUTH", 12288 - _LINE_LIMIT),),
}


class MailParameters(NamedTuple):
    """What the parameters of MAIL say.

    Attributes:
        size: the message's size in bytes as the client declares it; None if it does not.
        utf8: whether addresses and headers may be in UTF-8 (RFC 6531).
        binary: whether the content comes as it is, lines or not, and in chunks (RFC 3030).
    """

    size: int | None
    utf8: bool
    binary: bool


@functools.lru_cache(maxsize=256)
def offer_of(lines: tuple[str, ...]) -> Offer:
    """Read the lines of an EHLO reply after the first, "SIZE 35651584"; () for a session after HELO."""
    words = [line.upper().split() for line in lines if line.strip()]
    keywords = frozenset(first for first, *_ in words)
    sizes = [values[0] for first, *values in words if first == "SIZE" and values]
    limit = int(sizes[0]) if sizes and _SIZE.fullmatch(sizes[0]) else 0
    mechanisms = tuple(name for first, *values in words if first == "AUTH" for name in values)
    return Offer(keywords, limit or None, mechanisms)


NOTHING: Final = offer_of(())
"""What there is in a session after HELO."""


def read_mail_parameters(parameters: tuple[str, ...], offer: Offer) -> MailParameters:
    """Read the parameters of MAIL.

    Raises:
        CommandError: with "mail_syntax" for a malformed one, "mail_parameter" for one that is not offered,
            "message_too_big_declared" for a size over the limit.
    """
    size, utf8, binary = None, False, False
    for parameter in parameters:
        if not well_formed(parameter):
            raise CommandError("mail_syntax")
        keyword, equals, value = parameter.partition("=")
        keyword = keyword.upper()
        if _NEEDED.get(keyword, keyword) not in offer.keywords:
            raise CommandError("mail_parameter")
        match keyword:
            case "SIZE":
                _check(_SIZE.fullmatch(value))
                size = int(value)
                if offer.size_limit is not None and size > offer.size_limit:
                    raise CommandError("message_too_big_declared")
            case "BODY":
                binary = value.upper() == "BINARYMIME" and {"BINARYMIME", "CHUNKING"} <= offer.keywords
                _check(binary or value.upper() in {"7BIT", "8BITMIME"})
            case "SMTPUTF8":
                _check(not equals)
                utf8 = True
            case "RET":
                _check(value.upper() in {"FULL", "HDRS"})
            case "ENVID" | "AUTH":
                _check(_XTEXT.fullmatch(value))
            case _:
                raise CommandError("mail_parameter")
    return MailParameters(size, utf8, binary)


# Which extension brings a parameter of another name.
_NEEDED = {"BODY": "8BITMIME", "RET": "DSN", "ENVID": "DSN"}


def check_rcpt_parameters(parameters: tuple[str, ...], offer: Offer) -> None:
    """Refuse parameters of RCPT that are not in order: NOTIFY and ORCPT are all that there are (RFC 3461).

    Raises:
        CommandError: with "rcpt_syntax" for a malformed one, "rcpt_parameter" for one that is not offered.
    """
    _check(all(map(well_formed, parameters)), "rcpt_syntax")
    for parameter in parameters:
        keyword, _, value = parameter.partition("=")
        if "DSN" not in offer.keywords or keyword.upper() not in {"NOTIFY", "ORCPT"}:
            raise CommandError("rcpt_parameter")
        if keyword.upper() == "ORCPT":
            _check(_ORCPT.fullmatch(value), "rcpt_syntax")
        else:
            _check(value.upper() == "NEVER" or _NOTICES.issuperset(value.upper().split(",")), "rcpt_syntax")


def parameter_of(parameters: tuple[str, ...], keyword: str) -> str:
    """The value of one parameter as written; "" where it was not given."""
    pairs = (parameter.partition("=") for parameter in parameters)
    return next((value for name, _, value in pairs if name.upper() == keyword), "")


def xtext_decoded(text: str) -> str:
    """What an xtext stands for: "bob+2Btag" is "bob+tag" (RFC 3461, 4)."""
    return _HEXADECIMAL.sub(lambda found: chr(int(found[1], 16)), text)


def _check(good: object, condition: str = "mail_syntax") -> None:
    if not good:
        raise CommandError(condition)
