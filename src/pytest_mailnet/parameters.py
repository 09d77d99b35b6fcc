"""What a server offers in reply to EHLO, and which parameters MAIL may have by that (RFC 5321, 2.2)."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from pytest_mailnet.paths import CommandError, well_formed

__all__ = ["MailParameters", "Offer", "offer_of", "read_mail_parameters"]

_LINE_LIMIT = 512  # RFC 5321, 4.5.3.1.4, line end included
_SIZE = re.compile(r"[0-9]{1,20}")  # RFC 1870, 5


class Offer(NamedTuple):
    """The extensions of a server, as they stand at one moment.

    Attributes:
        keywords: in upper case.
        size_limit: what a message may have in bytes (RFC 1870, 4); None for no limit.
        mail_line_limit: what a MAIL command may have in bytes, line end included.
    """

    keywords: frozenset[str]
    size_limit: int | None
    mail_line_limit: int


class MailParameters(NamedTuple):
    """What the parameters of MAIL say.

    Attributes:
        size: the message's size in bytes as the client declares it; None if it does not.
        utf8: whether addresses and headers may be in UTF-8 (RFC 6531).
    """

    size: int | None
    utf8: bool


@functools.lru_cache(maxsize=64)
def offer_of(lines: tuple[str, ...]) -> Offer:
    """Read the lines of an EHLO reply after the first, "SIZE 35651584"; () for a session after HELO."""
    words = [line.split() for line in lines if line.strip()]
    keywords = frozenset(first.upper() for first, *_ in words)
    sizes = [values[0] for first, *values in words if first.upper() == "SIZE" and values]
    limit = int(sizes[0]) if sizes and _SIZE.fullmatch(sizes[0]) else 0
    # RFC 1870, 3 and RFC 6531, 3.4 make room for their parameters.
    longer = 26 * ("SIZE" in keywords) + 10 * ("SMTPUTF8" in keywords)
    return Offer(keywords, limit or None, _LINE_LIMIT + longer)


def read_mail_parameters(parameters: tuple[str, ...], offer: Offer) -> MailParameters:
    """Read the parameters of MAIL.

    Raises:
        CommandError: with "mail_syntax" for a malformed one, "mail_parameter" for one that is not offered,
            "message_too_big_declared" for a size over the limit.
    """
    size, utf8 = None, False
    for parameter in parameters:
        if not well_formed(parameter):
            raise CommandError("mail_syntax")
        keyword, equals, value = parameter.upper().partition("=")
        if keyword == "SIZE" and "SIZE" in offer.keywords:
            if not _SIZE.fullmatch(value):
                raise CommandError("mail_syntax")
            size = int(value)
            if offer.size_limit is not None and size > offer.size_limit:
                raise CommandError("message_too_big_declared")
        elif keyword == "BODY" and "8BITMIME" in offer.keywords:
            if value not in {"7BIT", "8BITMIME"}:
                raise CommandError("mail_syntax")
        elif keyword == "SMTPUTF8" and "SMTPUTF8" in offer.keywords:
            if equals:
                raise CommandError("mail_syntax")
            utf8 = True
        else:
            raise CommandError("mail_parameter")
    return MailParameters(size, utf8)
