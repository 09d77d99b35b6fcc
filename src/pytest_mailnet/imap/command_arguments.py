r"""The arguments of one command, read from its bytes, literals included (RFC 3501, 9)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import NamedTuple, TypeVar

from pytest_mailnet.imap.mailbox_names import decoded_name
from pytest_mailnet.imap.sequence_set import LARGEST, SequenceSet

__all__ = ["MONTHS", "AnnouncedLiteral", "Arguments", "BadCommand", "InvalidName", "literal_announced"]

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""The months as IMAP writes them, whatever the locale."""

_Item = TypeVar("_Item")

# All but controls, space and what separates arguments; an astring may have "]", a tag may not have "+".
_TAG = re.compile(rb"[!#$&',-\[\]^-z|}~]++")
_ATOM = re.compile(rb"[!#$&'+-\[^-z|}~]++")
_ASTRING = re.compile(rb"[!#$&'+-\[\]^-z|}~]++")
_PATTERN = re.compile(rb"[!#$%&'*+-\[\]^-z|}~]++")
_QUOTED = re.compile(rb'"((?:[^\r\n\0"\\]|\\["\\])*+)"')
_ESCAPED = re.compile(rb'\\(["\\])')
_LITERAL = re.compile(rb"~?\{([0-9]++)\+?\}\r\n")
_NUMBER = re.compile(rb"[0-9]{1,10}(?![0-9])")
_SEQUENCE = re.compile(rb"[0-9*:,]++")
_FLAG = re.compile(rb"\\?[!#$&'+-\[^-z|}~]++")
_DATE = re.compile(rb'("?)([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})\1')
_DATE_TIME = re.compile(
    rb'"([ 0-9][0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"'
)
_ANNOUNCED = re.compile(rb"\{0*([0-9]+)(\+?)\}")
_MONTH_NUMBERS = {name.upper(): number for number, name in enumerate(MONTHS, 1)}
_SYSTEM_FLAGS = {
    it.upper(): it for it in ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Recent")
}
_BEYOND_ALL = 10**20
_LONGEST_SIZE = 20


class BadCommand(Exception):
    """A command that is not in the form that it has to have; the answer to it is BAD.

    Attributes:
        text: what was expected, and what is there; ASCII in one line.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class InvalidName(BadCommand):
    """A mailbox name that is not encoded as it has to be; Dovecot answers NO to it, with this text."""


class AnnouncedLiteral(NamedTuple):
    """A literal whose bytes come after the line.

    Attributes:
        size: how many bytes; numbers beyond 20 digits are 10 to the 20.
        waits: whether the client sends them only when told to go on; it does not after "{5+}" (RFC 7888).
    """

    size: int
    waits: bool


def literal_announced(line: bytes) -> AnnouncedLiteral | None:
    """The literal that the end of a line announces, "{5}", "{5+}" or "~{5}", or None.

    Args:
        line: the line, with or without its CRLF; of a long one, its end is enough.
    """
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    if not line.endswith(b"}"):
        return None
    announced = _ANNOUNCED.fullmatch(line, max(0, line.rfind(b"{")))
    if announced is None:
        return None
    digits, plus = announced.groups()
    return AnnouncedLiteral(int(digits) if len(digits) <= _LONGEST_SIZE else _BEYOND_ALL, not plus)


class Arguments:
    r"""A place in the bytes of one command, which goes forward as arguments are read.

    Every reading raises BadCommand if something else is there, and leaves the place where it was.

    Args:
        command: the command from its tag on, literals in their places, with or without its last CRLF:
            b'a1 APPEND "INBOX" (\\Seen) {5}\r\nhello\r\n'.
        utf8: whether names of mailboxes are in UTF-8 (RFC 6855, 3), instead of modified UTF-7.
    """

    __slots__ = ("_at", "_command", "_end", "_utf8")

    def __init__(self, command: bytes, *, utf8: bool = False) -> None:
        self._command, self._utf8 = command, utf8
        self._at = 0
        self._end = len(command.removesuffix(b"\n").removesuffix(b"\r"))

    def tag(self) -> str:
        """A tag, "a1"."""
        return self._word(_TAG, "a tag").decode()

    def atom(self) -> str:
        """An atom, such as the name of a command."""
        return self._word(_ATOM, "an atom").decode()

    def keyword(self) -> str:
        """An atom in capitals."""
        return self.atom().upper()

    def string(self) -> bytes:
        """A quoted string or a literal; quoted ones may hold UTF-8."""
        command, at = self._command, self._at
        found = _QUOTED.match(command, at, self._end)
        if found is not None:
            self._at = found.end()
            return _ESCAPED.sub(rb"\1", found[1])
        found = _LITERAL.match(command, at)
        if found is None:
            raise self._bad("a string")
        digits = found[1].lstrip(b"0") or b"0"
        end = found.end() + int(digits) if len(digits) <= _LONGEST_SIZE else _BEYOND_ALL
        if end > len(command):
            raise self._bad("a literal with all its bytes")
        self._at = end
        self._end = max(self._end, end)
        return command[found.end() : end]

    def astring(self) -> bytes:
        """An atom or a string."""
        return self._or_string(_ASTRING)

    def nstring(self) -> bytes | None:
        """A string, or None for NIL."""
        if self._command[self._at : self._at + 3].upper() == b"NIL":
            self._at += 3
            return None
        return self.string()

    def number(self, least: int = 0) -> int:
        """A number of 32 bits.

        Args:
            least: the smallest that is allowed, 0 or 1.
        """
        found = _NUMBER.match(self._command, self._at, self._end)
        if found is None or not least <= int(found[0]) <= LARGEST:
            raise self._bad(f"a number from {least} to {LARGEST}")
        self._at = found.end()
        return int(found[0])

    def number64(self) -> int:
        """A number of 64 bits, such as an X-GM-MSGID."""
        at = self._at
        digits = self._word(_DIGITS, "a number")
        if len(digits) > _LONGEST_SIZE or int(digits) >= 1 << 64:
            self._at = at
            raise self._bad("a number of 64 bits")
        return int(digits)

    def sequence_set(self) -> SequenceSet:
        """A set of message numbers or UIDs, "1,3:5,9:*"."""
        at = self._at
        text = self._word(_SEQUENCE, "a sequence set").decode()
        try:
            return SequenceSet.parse(text)
        except ValueError as error:
            self._at = at
            raise BadCommand(f"Invalid sequence set: {error}") from None

    def flag(self) -> str:
        r"""A flag; those of the system are returned as RFC 3501 writes them, `\Seen`."""
        written = self._word(_FLAG, "a flag").decode()
        return _SYSTEM_FLAGS.get(written.upper(), written)

    def flags(self) -> tuple[str, ...]:
        """Flags in parentheses, or bare ones up to the end, as STORE takes them (RFC 3501, 9)."""
        return self._in_parentheses_or_bare(self.flag)

    def label(self) -> str:
        r"""One of Gmail's labels: `\Inbox`, or a name as of a mailbox."""
        if self._command.startswith(b"\\", self._at):
            return self._word(_FLAG, "a label").decode()
        return self._name(_ASTRING)

    def labels(self) -> tuple[str, ...]:
        r"""Gmail's labels, in parentheses or bare: `\Inbox`, or names as of mailboxes."""
        return self._in_parentheses_or_bare(self.label)

    def list_of(self, read: Callable[[], _Item]) -> tuple[_Item, ...]:
        """Arguments of one kind in parentheses, perhaps none: `list_of(arguments.atom)`."""
        self.take("(")
        if self.follows(")"):
            return ()
        items = [read()]
        while not self.follows(")"):
            self.space()
            items.append(read())
        return tuple(items)

    def mailbox(self) -> str:
        """A mailbox name; "INBOX" in capitals, however it is written."""
        return self._name(_ASTRING)

    def pattern(self) -> str:
        """A mailbox name with wildcards, as LIST takes it."""
        return self._name(_PATTERN)

    def date(self) -> date:
        """A date, 1-Feb-1994, quoted or not."""
        found = _DATE.match(self._command, self._at, self._end)
        if found is None:
            raise self._bad("a date such as 1-Feb-1994")
        try:
            day = date(int(found[4]), _month(found[3]), int(found[2]))
        except ValueError:
            raise self._bad("a date that exists") from None
        self._at = found.end()
        return day

    def date_time(self) -> datetime:
        """A quoted date with time and zone, as APPEND takes it; returned in UTC."""
        found = _DATE_TIME.match(self._command, self._at, self._end)
        if found is None:
            raise self._bad('a date and time such as "17-Jul-1996 02:44:25 -0700"')
        day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == b"-" else 1)
        time_of_day = (int(hour), int(minute), int(second))
        try:
            zone = timezone(offset)
            moment = datetime(int(year), _month(month), int(day), *time_of_day, tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self._bad("a date and time that exist") from None
        self._at = found.end()
        return moment

    def space(self) -> None:
        """One space."""
        self.take(" ")

    def take(self, text: str) -> None:
        """What has to stand here, "(" or "<"."""
        if not self.follows(text):
            raise self._bad("a space" if text == " " else f"'{text}'")

    def follows(self, text: str) -> bool:
        """Whether a text in capitals comes next, in any case; it is read if so."""
        end = self._at + len(text)
        if end > self._end or self._command[self._at : end].upper() != text.encode():
            return False
        self._at = end
        return True

    def next_is(self, characters: str) -> bool:
        """Whether the next character is one of these; nothing is read."""
        return not self.at_end() and self._command[self._at] in characters.encode()

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at >= self._end

    def end(self) -> None:
        """Nothing more."""
        if not self.at_end():
            raise self._bad("the end of the command")

    def _word(self, form: re.Pattern[bytes], expected: str) -> bytes:
        found = form.match(self._command, self._at, self._end)
        if found is None:
            raise self._bad(expected)
        self._at = found.end()
        return found[0]

    def _or_string(self, form: re.Pattern[bytes]) -> bytes:
        found = form.match(self._command, self._at, self._end)
        if found is None:
            return self.string()
        self._at = found.end()
        return found[0]

    def _name(self, form: re.Pattern[bytes]) -> str:
        at, utf8 = self._at, self._utf8
        written = self._or_string(form)
        try:
            name = written.decode() if utf8 else decoded_name(written.decode("ascii"))
        except ValueError:
            self._at = at
            raise InvalidName(f"Mailbox name is not valid {'UTF-8' if utf8 else 'mUTF-7'}") from None
        return "INBOX" if name.upper() == "INBOX" else name

    def _in_parentheses_or_bare(self, read: Callable[[], _Item]) -> tuple[_Item, ...]:
        if self._command.startswith(b"(", self._at):
            return self.list_of(read)
        items = [read()]
        while self.follows(" "):
            items.append(read())
        return tuple(items)

    def _bad(self, expected: str) -> BadCommand:
        found = self._command[self._at : min(self._at + 20, self._end)]
        if not found:
            return BadCommand(f"Expected {expected} at the end of the command")
        return BadCommand(f"Expected {expected}, not {found.decode('latin-1')!a}")


_DIGITS = re.compile(rb"[0-9]++")


def _month(name: bytes) -> int:
    number = _MONTH_NUMBERS.get(name.decode().upper())
    if number is None:
        raise ValueError
    return number
