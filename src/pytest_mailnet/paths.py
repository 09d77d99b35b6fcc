"""The arguments of MAIL and RCPT: paths and parameters (RFC 5321, 4.1.2)."""

from __future__ import annotations

import re
from email._header_value_parser import get_addr_spec, get_angle_addr
from email.errors import HeaderParseError
from typing import NamedTuple

__all__ = ["Path", "parse_path", "well_formed"]

# What nearly every client sends; the email package, which reads all the rest, takes half of a small
# mail's time.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ORDINARY = re.compile(
    rf"<(?P<address>{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    rf"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)>(?:\s+(?P<rest>\S.*))?"
)
_ROUTE = re.compile(r"<@[^:>]*:")  # a source route; servers ignore it (RFC 5321, appendix C)
_PARAMETER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?:=[^\s=\x00-\x1f]+)?")


class Path(NamedTuple):
    """A path and what stands behind it.

    Attributes:
        address: the mailbox; "" for the null reverse-path.
        parameters: each as written, "SIZE=120".
    """

    address: str
    parameters: tuple[str, ...]


def parse_path(argument: str, keyword: str) -> Path | str:
    """Read "FROM:<alice@gmail.com> SIZE=120".

    Args:
        argument: what stands behind the verb.
        keyword: "FROM" or "TO".

    Returns:
        The path; or "syntax" or "address" for what is wrong.
    """
    if argument[: len(keyword) + 1].upper() != f"{keyword}:":
        return "syntax"
    written = argument[len(keyword) + 1 :].strip()
    ordinary = _ORDINARY.fullmatch(written)
    if ordinary is not None:
        return (
            Path(ordinary["address"], _parameters(ordinary["rest"]))
            if ordinary["rest"]
            else Path(ordinary["address"], ())
        )
    if not written:
        return "syntax"
    if written.startswith("<>"):
        address, rest = "", written[2:]
    elif re.fullmatch(r"<postmaster>(\s.*)?", written, re.IGNORECASE) and keyword == "TO":
        address, _, rest = written[1:].partition(">")
    else:
        written = _ROUTE.sub("<", written, count=1)
        try:
            parsed, rest = get_angle_addr(written) if written.startswith("<") else get_addr_spec(written)
        except (HeaderParseError, IndexError):
            return "address"
        address = parsed.addr_spec
        if not address or "@" not in address:
            return "address"
    if rest and not rest[0].isspace():
        return "syntax"
    return Path(address, _parameters(rest))


def _parameters(rest: str) -> tuple[str, ...]:
    return tuple(rest.split())


def well_formed(parameter: str) -> bool:
    """Whether a parameter has the form of RFC 5321, 4.1.2: a keyword, and perhaps "=" and a value."""
    return _PARAMETER.fullmatch(parameter) is not None
