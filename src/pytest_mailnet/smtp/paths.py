"""The paths and parameters in the arguments of MAIL and RCPT (RFC 5321, 4.1.2)."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

__all__ = [
    "CommandError",
    "Path",
    "forward_path",
    "reverse_path",
    "well_formed",
    "why_malformed",
    "written_address",
    "written_path",
]

# What nearly every client sends. The email package, with which aiosmtpd reads paths, needs half of a small
# mail's time for it; and it would decode a local part like "=?utf-8?q?bob?=", which SMTP takes as it stands.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ORDINARY = re.compile(
    rf"<({_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)>(?:[ \t]+([A-Za-z0-9].*))?", re.DOTALL
)
_DOTTED = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_POSTMASTER = re.compile(r"<(postmaster)>(?:[ \t]+(.*))?", re.IGNORECASE | re.DOTALL)
_NULL = re.compile(r"<()>(?:[ \t]+(.*))?", re.DOTALL)
# What servers take that do not ask for the form of RFC 5321: Postfix without strict_rfc821_envelopes.
_WORD = r"(?:[^<>\s@\"]|\"[^\"]*\")+"
_LOOSE = rf"(?:<(?:@[^<>\s:]+:)?({_WORD}(?:@{_WORD})*)>|({_WORD}(?:@{_WORD})*))(?:[ \t]+(.*))?"
_BARE_PATH = re.compile(r"<([^\s<>@:\"]*)(@?)([^\s<>@:\"]*)>")
_FIRST_WORD = re.compile(r"[ :]")
_LONGEST_DOMAIN = 255  # RFC 5321, 4.5.3.1.2
_PARAMETER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?:=[^\0- =\x7f]+)?")


class CommandError(Exception):
    """A command that is not carried out.

    Attributes:
        condition: the key of the reply in the phrasebook, "mail_syntax".
        details: the values of the reply's variables that only the command tells, such as `option`.
    """

    def __init__(self, condition: str, **details: str) -> None:
        super().__init__(condition)
        self.condition = condition
        self.details = details


class Path(NamedTuple):
    """A path and the parameters after it.

    Attributes:
        address: the mailbox, without a source route; "" for the null reverse-path.
        parameters: each as written, "SIZE=120".
    """

    address: str
    parameters: tuple[str, ...]


@functools.lru_cache(maxsize=1024)  # the same few addresses come again, and one copy of each is enough
def reverse_path(argument: str, *, lenient: bool = False) -> Path:
    """Read the argument of MAIL, "FROM:<alice@gmail.com> SIZE=120".

    Args:
        argument: what follows the verb.
        lenient: whether an address can be anything without a space, with or without angle brackets.

    Raises:
        CommandError: with "mail_syntax" or "bad_sender_syntax".
    """
    return _path(argument, "FROM:", _NULL, "mail_syntax", "bad_sender_syntax", lenient=lenient)


@functools.lru_cache(maxsize=1024)
def forward_path(argument: str, *, lenient: bool = False) -> Path:
    """Read the argument of RCPT, "TO:<alice@gmail.com>"; `<postmaster>` takes no domain (RFC 5321, 4.5.1).

    Args:
        argument: what follows the verb.
        lenient: as in `reverse_path`.

    Raises:
        CommandError: with "rcpt_syntax" or "bad_recipient_syntax".
    """
    return _path(argument, "TO:", _POSTMASTER, "rcpt_syntax", "bad_recipient_syntax", lenient=lenient)


def written_path(argument: str) -> str:
    """The path in the argument of MAIL or RCPT as it was written: "<alice@gmail.com>" without parameters."""
    written = argument.partition(":")[2].strip()
    end = written.find(">") if written.startswith("<") else -1
    return written[: end + 1] if end >= 0 else written.partition(" ")[0]


def written_address(argument: str) -> str:
    """The address in the argument of MAIL or RCPT as it was written: the path without its angle brackets."""
    return written_path(argument).removeprefix("<").removesuffix(">")


def well_formed(parameter: str) -> bool:
    """Whether a parameter is a keyword, perhaps with "=" and a value (RFC 5321, 4.1.2; RFC 6531, 3.3)."""
    return _PARAMETER.fullmatch(parameter) is not None


def _path(
    argument: str, keyword: str, special: re.Pattern[str], syntax: str, malformed: str, *, lenient: bool
) -> Path:
    if argument[: len(keyword)].upper() != keyword:
        raise CommandError(syntax, keyword=_FIRST_WORD.split(argument, maxsplit=1)[0])
    written = argument[len(keyword) :].strip()
    usual = _ORDINARY.fullmatch(written) or special.fullmatch(written)
    if usual is not None:
        address, rest = usual.groups()
        if len(address) > _LONGEST_DOMAIN and len(address.rpartition("@")[2]) > _LONGEST_DOMAIN:
            raise CommandError(malformed)
        return Path(address, tuple(rest.split()) if rest else ())
    if not written:
        raise CommandError(syntax, keyword=argument[: len(keyword) - 1])
    if lenient:
        loose = re.fullmatch(_LOOSE, written, re.DOTALL)
        if loose is None:
            raise CommandError(why_malformed(written, malformed))
        return Path(_plain(loose[1] or loose[2] or ""), tuple((loose[3] or "").split()))
    # Few clients send such a path, and the parser takes as long to load as all of SMTP here.
    from email._header_value_parser import get_addr_spec, get_angle_addr  # noqa: PLC0415
    from email.errors import InvalidHeaderDefect  # noqa: PLC0415

    try:
        parsed, rest = get_angle_addr(written) if written[0] == "<" else get_addr_spec(written)
        address = parsed.addr_spec
    except Exception as error:  # HeaderParseError, and whatever else that parser trips over
        raise CommandError(why_malformed(written, malformed)) from error
    # aiosmtpd lets pass what its parser calls invalid, such as an address without a domain or a path without
    # its ">". The obsolete forms are no errors: source routes are ignored (RFC 5321, appendix C).
    local, _, _ = address.rpartition("@")
    invalid = any(isinstance(defect, InvalidHeaderDefect) for defect in parsed.all_defects)
    if invalid or not (local and address.isprintable()):
        raise CommandError(why_malformed(written, malformed))
    return Path(address, tuple(rest.split()))


def why_malformed(written: str, usual: str) -> str:
    """The condition of a malformed path: what an address in brackets lacks has one of its own.

    Args:
        written: the path, from its beginning.
        usual: "bad_sender_syntax" or "bad_recipient_syntax".
    """
    if written.startswith("<>"):
        return usual.replace("bad_", "").replace("syntax", "empty")
    if written.count("<") != written.count(">"):
        side = "unclosed" if "<" in written else "unopened"
        return usual.replace("bad_", "").replace("syntax", side)
    bare = _BARE_PATH.match(written)
    if bare is None:
        return usual
    lacks = "domain" if not bare[2] else "local_part" if not bare[1] else "host" if not bare[3] else ""
    return usual.replace("bad_", "").replace("syntax", f"without_{lacks}") if lacks else usual


def _plain(address: str) -> str:
    """An address without quotes that its local part does not need, and without a dot at its domain's end."""
    local, at, domain = address.rpartition("@")
    unquoted = local[1:-1] if local[:1] == '"' == local[-1:] else ""
    return f"{unquoted if _DOTTED.fullmatch(unquoted) else local}{at}{domain.removesuffix('.')}"
