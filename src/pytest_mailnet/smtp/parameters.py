"""What a server offers in reply to EHLO, and the parameters of MAIL and RCPT that it allows (RFC 5321, 2.2).

One table, `_PARAMETERS`, decides both what a server accepts and what a relay passes on to the next server.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from pytest_mailnet.smtp.manners import USUAL, Manners
from pytest_mailnet.smtp.paths import CommandError, well_formed

__all__ = [
    "LINE_LIMIT",
    "NOTHING",
    "NO_PARAMETERS",
    "MailParameters",
    "Offer",
    "check_rcpt_parameters",
    "offer_of",
    "parameter_of",
    "parameters_to_relay",
    "read_mail_parameters",
    "xtext_decoded",
]

LINE_LIMIT: Final = 512
"""The longest command line without extensions, line end included (RFC 5321, 4.5.3.1.4)."""

_SIZE = re.compile(r"[0-9]{1,20}")  # RFC 1870, 5
# Few mails have these; `re` compiles them with the first.
_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+"  # RFC 3461, 4
_ORCPT = rf"(?i:[A-Za-z0-9-]+;{_XTEXT}|utf-8;\S+)"  # RFC 3461, 4.2; RFC 6533, 3
_NOTICES = frozenset({"SUCCESS", "FAILURE", "DELAY"})
_HEXADECIMAL = re.compile(r"\+([0-9A-F]{2})")


class Offer(NamedTuple):
    """The extensions of a server, as they stand at one moment.

    Attributes:
        keywords: of the extensions, in upper case.
        size_limit: the largest message in bytes (RFC 1870, 4); None for no limit.
        mechanisms: the SASL mechanisms, in upper case.
    """

    keywords: frozenset[str]
    size_limit: int | None
    mechanisms: tuple[str, ...]

    def line_limit(self, verb: bytes) -> int:
        """The longest command line in bytes, line end included; extensions allow longer ones."""
        room = _ROOM.get(verb, ())
        return LINE_LIMIT + sum(more for keyword, more in room if keyword in self.keywords)


# RFC 1870, 3; RFC 6531, 3.4; RFC 3461, 4.2 to 4.4 (500 for ORCPT, 100 for ENVID); RFC 4954, 3 and 4.
_ROOM = {
    b"MAIL": (("SIZE", 26), ("SMTPUTF8", 10), ("DSN", 118), ("AUTH", 500)),
    b"RCPT": (("DSN", 540),),
    b"AUTH": (("AUTH", 12288 - LINE_LIMIT),),
}


class MailParameters(NamedTuple):
    """What the parameters of MAIL say.

    Attributes:
        size: the message's size in bytes as the client declares it; None if it does not.
        utf8: whether addresses and headers may be in UTF-8 (RFC 6531).
        binary: whether the content comes as it is, lines or not, and in chunks (RFC 3030).
    """

    size: int | None = None
    utf8: bool = False
    binary: bool = False


NO_PARAMETERS: Final = MailParameters()
"""What MAIL says without parameters."""


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
"""What a server offers to a client that said HELO."""


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value.upper() in values


def _is_notify(value: str) -> bool:
    return value.upper() == "NEVER" or _NOTICES.issuperset(value.upper().split(","))


_Command: TypeAlias = Literal["MAIL", "RCPT"]


class _Parameter(NamedTuple):
    """What is known of one parameter.

    Attributes:
        extension: the extension that allows it.
        accepts: whether a value is well-formed; the value is "" where the client gave none.
        relayed: whether a relay passes it on. It declares a SIZE of its own, and vouches for no AUTH.
    """

    extension: str
    accepts: Callable[[str], object]
    relayed: bool = True


_PARAMETERS: Mapping[_Command, Mapping[str, _Parameter]] = MappingProxyType(
    {
        "MAIL": {
            "SIZE": _Parameter("SIZE", _SIZE.fullmatch, relayed=False),
            "BODY": _Parameter("8BITMIME", _one_of("7BIT", "8BITMIME", "BINARYMIME")),  # RFC 6152; RFC 3030
            "SMTPUTF8": _Parameter("SMTPUTF8", _one_of("")),  # RFC 6531, 3.4
            "RET": _Parameter("DSN", _one_of("FULL", "HDRS")),  # RFC 3461, 4.3
            "ENVID": _Parameter("DSN", functools.partial(re.fullmatch, _XTEXT)),  # RFC 3461, 4.4
            "AUTH": _Parameter("AUTH", functools.partial(re.fullmatch, _XTEXT), relayed=False),  # RFC 4954, 5
        },
        "RCPT": {
            "NOTIFY": _Parameter("DSN", _is_notify),  # RFC 3461, 4.1
            "ORCPT": _Parameter("DSN", functools.partial(re.fullmatch, _ORCPT)),
        },
    }
)


def read_mail_parameters(
    parameters: tuple[str, ...], offer: Offer, manners: Manners = USUAL
) -> MailParameters:
    """Read the parameters of MAIL.

    Args:
        parameters: each as the client wrote it, "SIZE=120".
        offer: what the server offers to the client.
        manners: which of them it takes besides, and which it does not look at.

    Raises:
        CommandError: with "mail_syntax", "mail_size_syntax", "mail_body_syntax" or "mail_option_syntax" for a
            malformed parameter, "mail_parameter" for one that is not offered, "message_too_big_declared" for
            a size over the limit.
    """
    size, utf8, binary = None, False, False
    for parameter in parameters:
        keyword, value = _accepted("MAIL", parameter, offer, manners)
        match keyword:
            case "SIZE" if not _SIZE.fullmatch(value):
                pass
            case "SIZE":
                size = int(value)
                limit = offer.size_limit if manners.declared_size_checked else None
                if limit is not None and size > limit:
                    raise CommandError("message_too_big_declared")
            case "BODY":
                binary = value.upper() == "BINARYMIME"
                _check(
                    not binary or {"BINARYMIME", "CHUNKING"} <= offer.keywords, "mail_body_syntax", parameter
                )
            case "SMTPUTF8":
                utf8 = True
    return MailParameters(size, utf8, binary)


def check_rcpt_parameters(parameters: tuple[str, ...], offer: Offer, manners: Manners = USUAL) -> None:
    """Check the parameters of RCPT.

    Args:
        parameters: each as the client wrote it, "NOTIFY=NEVER".
        offer: what the server offers to the client.
        manners: as in `read_mail_parameters`.

    Raises:
        CommandError: with "rcpt_syntax" or "rcpt_option_syntax" for a malformed parameter, "rcpt_parameter"
            for one that is not offered.
    """
    for parameter in parameters:
        _check(well_formed(parameter) or _keyword(parameter) in manners.unchecked, "rcpt_syntax", parameter)
    for parameter in parameters:
        _accepted("RCPT", parameter, offer, manners)


def parameters_to_relay(command: _Command, parameters: Iterable[str], offer: Offer) -> list[str]:
    """The parameters that a relay passes on to the next server.

    Args:
        command: "MAIL" or "RCPT".
        parameters: of the command that brought the mail to the relay, each as written.
        offer: what the next server offers.
    """
    known = _PARAMETERS[command]
    allowed = {name for name, it in known.items() if it.relayed and it.extension in offer.keywords}
    return [it for it in parameters if it.partition("=")[0].upper() in allowed]


def parameter_of(parameters: tuple[str, ...], keyword: str) -> str:
    """The value of one parameter.

    Args:
        parameters: each as written, "RET=HDRS".
        keyword: the parameter's name, in upper case.

    Returns:
        The value as written; "" where the parameter was not given.
    """
    pairs = (parameter.partition("=") for parameter in parameters)
    return next((value for name, _, value in pairs if name.upper() == keyword), "")


def xtext_decoded(text: str) -> str:
    """What an xtext stands for: "bob+2Btag" is "bob+tag" (RFC 3461, 4)."""
    return _HEXADECIMAL.sub(lambda found: chr(int(found[1], 16)), text)


def _accepted(command: _Command, parameter: str, offer: Offer, manners: Manners) -> tuple[str, str]:
    """The keyword and the value of a parameter, by the table; raises the conditions for what is wrong."""
    keyword, value, verb = _keyword(parameter), parameter.partition("=")[2], command.lower()
    known = _PARAMETERS[command].get(keyword)
    malformed = _MALFORMED.get(keyword, f"{verb}_option_syntax")
    if keyword not in manners.unchecked:
        _check(well_formed(parameter), malformed if known else f"{verb}_syntax", parameter)
    if known is None or not (known.extension in offer.keywords or keyword in manners.parameters):
        unknown = "smtputf8_not_offered" if known and keyword == "SMTPUTF8" else f"{verb}_parameter"
        raise CommandError(unknown, option=parameter, keyword=keyword)
    if keyword not in manners.unchecked:
        _check(known.accepts(value), malformed, parameter)
    return keyword, value


_MALFORMED = {"SIZE": "mail_size_syntax", "BODY": "mail_body_syntax"}


def _keyword(parameter: str) -> str:
    return parameter.partition("=")[0].upper()


def _check(good: object, condition: str, option: str = "") -> None:
    if not good:
        value = option.partition("=")[2]
        raise CommandError(condition, option=option, keyword=_keyword(option), value=value)
