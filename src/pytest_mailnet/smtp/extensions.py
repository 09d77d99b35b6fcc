"""The extensions that a host offers in its EHLO reply; a test can change each of them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

from pytest_mailnet.errors import InvalidSetting, UnknownName
from pytest_mailnet.handles.attributes import steady

__all__ = ["Extensions"]

# The IANA registry of SMTP service extensions: by it a typo differs from an extension that is not offered.
_REGISTERED = [
    "8BITMIME",
    "ATRN",
    "AUTH",
    "BINARYMIME",
    "BURL",
    "CHECKPOINT",
    "CHUNKING",
    "CONNEG",
    "CONPERM",
    "DELIVERBY",
    "DSN",
    "ENHANCEDSTATUSCODES",
    "ETRN",
    "EXPN",
    "FUTURERELEASE",
    "HELP",
    "LIMITS",
    "MT-PRIORITY",
    "MTRK",
    "NO-SOLICITING",
    "PIPELINING",
    "REQUIRETLS",
    "RRVS",
    "SIZE",
    "SMTPUTF8",
    "STARTTLS",
    "SUBMITTER",
    "UTF8SMTP",
    "VRFY",
    "XCLIENT",
    "XFORWARD",
]


@steady("a host's extensions", {"lines": ".add('SIZE 1000'), .discard('SIZE') and .clear() change them"})
class Extensions:
    """The EHLO keywords of a host, with their parameters, in the order in which it lists them.

    Args:
        lines: as in an EHLO reply: "SIZE 35651584", "8BITMIME".
    """

    __slots__ = ("_lines",)

    def __init__(self, lines: Iterable[str] = ()) -> None:
        # Replaced as a whole and never changed in place: the servers read while the test writes.
        self._lines = tuple(lines)

    def add(self, line: str) -> None:
        """Offer an extension, "SIZE 1000" or "SMTPUTF8", in place of one with the same keyword.

        Raises:
            UnknownName: if no extension is registered by that keyword; those that begin with X need not be.
            InvalidSetting: for a SIZE that is no number.
        """
        keyword = self._checked(line)
        size = line.partition(" ")[2]
        if keyword == "SIZE" and size and not (size.isascii() and size.isdigit()):
            raise InvalidSetting(
                f"{line!r}: SIZE takes a number of bytes, as in 'SIZE 35651584' (RFC 1870, 3)"
            )
        kept = [line if _keyword(old) == keyword else old for old in self._lines]
        self._lines = tuple(kept if keyword in self else [*kept, line])

    def discard(self, keyword: str) -> None:
        """Stop offering an extension; nothing happens if it is not offered.

        Raises:
            UnknownName: if no extension is registered by that keyword.
        """
        keyword = self._checked(keyword)
        self._lines = tuple(line for line in self._lines if _keyword(line) != keyword)

    def clear(self) -> None:
        """Offer no extensions: EHLO still works, and its reply has one line."""
        self._lines = ()

    def value(self, keyword: str) -> str | None:
        """The parameters of a keyword ("35651584"), "" for none; None if the keyword is not offered."""
        for line in self._lines:
            if _keyword(line) == keyword.upper():
                return line.partition(" ")[2]
        return None

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the EHLO reply after the first, for all kinds of sessions."""
        return self._lines

    def lines_for(self, *, tls: bool, auth: bool) -> tuple[str, ...]:
        """The lines that apply to one session.

        Args:
            tls: whether the session is encrypted; STARTTLS is not offered then (RFC 3207, 4.2).
            auth: whether the client may log in.
        """
        return _lines_for(self._lines, tls, auth)

    def _checked(self, line: str) -> str:
        if not isinstance(line, str):
            raise InvalidSetting(f"{line!r} is no line of an EHLO reply, as in 'SIZE 35651584'")
        keyword = _keyword(line)
        if keyword in _REGISTERED or keyword.startswith("X") or keyword in self:
            return keyword
        known = {*_REGISTERED, *map(_keyword, self._lines)}
        raise UnknownName(
            "SMTP extension", keyword, known, "Extensions of one's own begin with X (RFC 5321, 2.2.2)."
        )

    def __contains__(self, keyword: object) -> bool:
        return isinstance(keyword, str) and self.value(keyword) is not None

    def __iter__(self) -> Iterator[str]:
        return iter([_keyword(line) for line in self._lines])

    def __len__(self) -> int:
        return len(self._lines)

    def __repr__(self) -> str:
        return f"Extensions({list(self._lines)})"


@functools.lru_cache(maxsize=256)
def _lines_for(lines: tuple[str, ...], tls: bool, auth: bool) -> tuple[str, ...]:  # noqa: FBT001
    without = {"STARTTLS"} if tls else set()
    without |= set() if auth else {"AUTH"}
    # Some servers repeat AUTH in the form of a draft, for clients of the last century: AUTH=LOGIN PLAIN.
    return tuple(line for line in lines if _keyword(line).partition("=")[0] not in without)


def _keyword(line: str) -> str:
    return line.partition(" ")[0].upper()
