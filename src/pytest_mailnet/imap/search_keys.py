"""What SEARCH asks of mails, in pieces that can be joined (RFC 3501, 6.4.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pytest_mailnet.imap.decoded_text import body_text, field_texts, header_text
from pytest_mailnet.imap.readable import Readable
from pytest_mailnet.imap.sequence_set import SequenceSet

__all__ = [
    "All",
    "Each",
    "Either",
    "Not",
    "Numbers",
    "SearchKey",
    "has_flag",
    "in_body",
    "in_field",
    "in_text",
    "sent_on",
]

_LONGEST_DATE = 200


class SearchKey(Protocol):
    """A condition on mails."""

    def among(self, numbers: Sequence[int], mails: Sequence[Readable]) -> Sequence[int]:
        """Those of some mails for which it holds.

        Args:
            numbers: their message numbers, in ascending order.
            mails: all mails of the mailbox; the one with number 1 comes first.
        """


@dataclass(frozen=True, slots=True)
class Each:
    """A condition that each mail meets or not by itself."""

    holds: Callable[[Readable], bool]

    def among(self, numbers: Sequence[int], mails: Sequence[Readable]) -> Sequence[int]:
        """Those for which it holds."""
        holds = self.holds
        return [it for it in numbers if holds(mails[it - 1])]


@dataclass(frozen=True, slots=True)
class Numbers:
    """A set of message numbers or UIDs."""

    numbers: SequenceSet
    by_uid: bool

    def among(self, numbers: Sequence[int], mails: Sequence[Readable]) -> Sequence[int]:
        """Those in the set."""
        if not self.by_uid:
            named = set(self.numbers.among(range(1, len(mails) + 1)))
            return [it for it in numbers if it in named]
        uids = set(self.numbers.among([it.uid for it in mails]))
        return [it for it in numbers if mails[it - 1].uid in uids]


@dataclass(frozen=True, slots=True)
class All:
    """Several conditions at once; all mails if there are none."""

    keys: tuple[SearchKey, ...] = ()

    def among(self, numbers: Sequence[int], mails: Sequence[Readable]) -> Sequence[int]:
        """Those for which each of them holds."""
        for key in self.keys:
            numbers = key.among(numbers, mails)
        return numbers


@dataclass(frozen=True, slots=True)
class Either:
    """One condition or another."""

    one: SearchKey
    other: SearchKey

    def among(self, numbers: Sequence[int], mails: Sequence[Readable]) -> Sequence[int]:
        """Those for which one of them holds."""
        found = set(self.one.among(numbers, mails))
        rest = [it for it in numbers if it not in found]
        found.update(self.other.among(rest, mails))
        return [it for it in numbers if it in found]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary of a condition."""

    key: SearchKey

    def among(self, numbers: Sequence[int], mails: Sequence[Readable]) -> Sequence[int]:
        """Those for which it does not hold."""
        found = set(self.key.among(numbers, mails))
        return [it for it in numbers if it not in found]


def has_flag(flag: str) -> Each:
    """Whether a mail has a flag, in whatever case that is written."""
    if flag.startswith("\\"):
        return Each(lambda mail: flag in mail.flags)
    small = flag.lower()
    return Each(lambda mail: any(it.lower() == small for it in mail.flags))


def in_field(name: str, text: str) -> Each:
    """Whether a field of a name holds a text; "" is in each that is there."""
    wanted = text.casefold()
    return Each(lambda mail: any(wanted in it for it in field_texts(mail.content, name)))


def in_body(text: str) -> Each:
    """Whether the body holds a text; headers of parts do not count, as in Dovecot."""
    wanted = text.casefold()
    return Each(lambda mail: wanted in body_text(mail.content))


def in_text(text: str) -> Each:
    """Whether the body or a header hold a text, that of the mail or of a part."""
    wanted = text.casefold()
    return Each(lambda mail: wanted in header_text(mail.content) or wanted in body_text(mail.content))


def sent_on(holds: Callable[[date], bool]) -> Each:
    """Whether the date in the header, as written and without its time, meets a condition."""

    def sent(mail: Readable) -> bool:
        day = _sent(mail)
        return day is not None and holds(day)

    return Each(sent)


def _sent(mail: Readable) -> date | None:
    # It loads more than all of IMAP here, and few searches ask for it.
    from email.utils import parsedate  # noqa: PLC0415

    written = next(iter(field_texts(mail.content, "date")), "")
    try:
        parsed = parsedate(written[:_LONGEST_DATE])
        return date(*parsed[:3]) if parsed else None
    except (ValueError, OverflowError, IndexError, TypeError):  # what parsedate trips over differs by version
        return None
