"""FETCH: what a client asks of mails, and the answer for one of them (RFC 3501, 6.4.5 and 7.4.2)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from pytest_mailnet.imap.body_structure import body_structure_of
from pytest_mailnet.imap.command_arguments import MONTHS, Arguments, BadCommand
from pytest_mailnet.imap.envelope import envelope_of
from pytest_mailnet.imap.mailbox_names import astring, encoded_name, quoted
from pytest_mailnet.imap.readable import Readable
from pytest_mailnet.imap.sections import MailSection, section_named, section_of
from pytest_mailnet.imap.structure import structure_of

__all__ = [
    "FetchItem",
    "fetch_items",
    "fetched",
    "marks_seen",
    "with_uid",
    "written_date_time",
    "written_flags",
    "written_labels",
]

_FAST = ("FLAGS", "INTERNALDATE", "RFC822.SIZE")
_MACROS = {"FAST": _FAST, "ALL": (*_FAST, "ENVELOPE"), "FULL": (*_FAST, "ENVELOPE", "BODY")}
_SYSTEM_FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
_WHOLE = MailSection()
_HEADER = MailSection(text="HEADER")
_TEXT = MailSection(text="TEXT")
_LABELS = "X-GM-LABELS"
_OLD_NAMES = {"RFC822": _WHOLE, "RFC822.HEADER": _HEADER, "RFC822.TEXT": _TEXT}


@dataclass(frozen=True, slots=True)
class FetchItem:
    """One item of a FETCH.

    Attributes:
        name: such as "FLAGS"; "BODY" is the structure, unless there is a section.
        section: what is to be cut from the mail, or None.
        partial: of the section only so many bytes from an offset, (offset, count), or None for all.
        peek: whether the mail stays unread.
    """

    name: str
    section: MailSection | None = None
    partial: tuple[int, int] | None = None
    peek: bool = True

    def render(self, mail: Readable, *, utf8: bool = False) -> bytes:
        """The item and its value, as they stand in the answer.

        Args:
            mail: whose value it is.
            utf8: whether labels are in UTF-8, as names of mailboxes are then (RFC 6855, 3).
        """
        if self.name == _LABELS:
            return b"X-GM-LABELS " + written_labels(mail.labels, utf8=utf8)
        if self.section is None:
            return _VALUES[self.name](mail)
        name = self.name.encode()
        if self.name == "BODY":
            name = b"BODY[%b]" % self.section.written()
        value = (
            mail.content if self.section == _WHOLE else section_of(structure_of(mail.content), self.section)
        )
        if self.partial is not None:
            first, count = self.partial
            name += b"<%d>" % first
            value = value and value[first : first + count]
        if value is None:
            return name + b" NIL"
        return b"%b {%d}\r\n%b" % (name, len(value), value)


def fetch_items(arguments: Arguments) -> tuple[FetchItem, ...]:
    """Read the items of a FETCH, one, several in parentheses, or the name of a macro; each is kept once.

    Raises:
        BadCommand: if something else is there.
    """
    if arguments.follows("("):
        items = [_item(arguments.atom(), arguments)]
        while not arguments.follows(")"):
            arguments.space()
            items.append(_item(arguments.atom(), arguments))
        return tuple(dict.fromkeys(items))
    word = arguments.atom()
    macro = _MACROS.get(word.upper())
    return tuple(map(FetchItem, macro)) if macro else (_item(word, arguments),)


def with_uid(items: tuple[FetchItem, ...]) -> tuple[FetchItem, ...]:
    """The items with the UID before them, as UID FETCH answers (RFC 3501, 6.4.8)."""
    uid = FetchItem("UID")
    return items if uid in items else (uid, *items)


def marks_seen(items: tuple[FetchItem, ...]) -> bool:
    r"""Whether a FETCH sets `\Seen`."""
    return not all(it.peek for it in items)


def fetched(items: tuple[FetchItem, ...], mail: Readable, *, utf8: bool = False) -> bytes:
    r"""The answer for one mail, what stands behind "* 1 FETCH ": b"(UID 7 FLAGS (\Seen))".

    Args:
        items: what is asked of the mail.
        mail: the mail.
        utf8: whether labels are in UTF-8.
    """
    return b"(%b)" % b" ".join([it.render(mail, utf8=utf8) for it in items])


@functools.lru_cache(maxsize=256)
def written_flags(flags: frozenset[str], *, recent: bool = False) -> bytes:
    r"""Flags in parentheses, those of the system first."""
    system = [it for it in _SYSTEM_FLAGS if it in flags]
    others = sorted(flags.difference(_SYSTEM_FLAGS))
    written = " ".join([*system, *others, *(["\\Recent"] if recent else [])])
    return f"({written})".encode()


def written_labels(labels: tuple[str, ...], *, utf8: bool = False) -> bytes:
    r"""Gmail's labels in parentheses, `("\\Inbox" Work "a b")`.

    Gmail quotes those of the system (github.com/ruby/net-imap, issue 272, has an answer of 2024), though its
    documentation does not. They are names of mailboxes, modified UTF-7 or UTF-8, as MailKit and imapflow read
    them.

    Args:
        labels: the labels.
        utf8: whether they are in UTF-8.
    """
    names = labels if utf8 else map(encoded_name, labels)
    return b"(%b)" % b" ".join([astring(it.encode()) if it.isascii() else quoted(it) for it in names])


def written_date_time(at: datetime) -> bytes:
    """A date with time and zone as IMAP writes it, "17-Jul-1996 02:44:25 +0000" in quotes."""
    return f'"{at.day:02}-{MONTHS[at.month - 1]}-{at.year:04} {at:%H:%M:%S %z}"'.encode()


def _item(word: str, arguments: Arguments) -> FetchItem:
    name, bracket, start = word.upper().partition("[")
    if not bracket:
        if name in _OLD_NAMES:
            return FetchItem(name, _OLD_NAMES[name], peek=name == "RFC822.HEADER")
        if name == _LABELS or name in _VALUES:
            return FetchItem(name)
    elif name in {"BODY", "BODY.PEEK"}:
        section = section_named(start, arguments)
        partial = None
        if arguments.follows("<"):
            first = arguments.number()
            arguments.take(".")
            partial = first, arguments.number(least=1)
            arguments.take(">")
        return FetchItem("BODY", section, partial, peek=name == "BODY.PEEK")
    raise BadCommand(f"Unknown FETCH item {word[:40]!a}")


_VALUES: Mapping[str, Callable[[Readable], bytes]] = MappingProxyType(
    {
        "FLAGS": lambda it: b"FLAGS " + written_flags(it.flags, recent=it.recent),
        "UID": lambda it: b"UID %d" % it.uid,
        "INTERNALDATE": lambda it: b"INTERNALDATE " + written_date_time(it.received),
        "RFC822.SIZE": lambda it: b"RFC822.SIZE %d" % len(it.content),
        "ENVELOPE": lambda it: b"ENVELOPE " + envelope_of(structure_of(it.content)),
        "BODY": lambda it: b"BODY " + body_structure_of(structure_of(it.content), extended=False),
        "BODYSTRUCTURE": lambda it: (
            b"BODYSTRUCTURE " + body_structure_of(structure_of(it.content), extended=True)
        ),
        "X-GM-MSGID": lambda it: b"X-GM-MSGID %d" % it.message_id,
        "X-GM-THRID": lambda it: b"X-GM-THRID %d" % it.thread_id,
    }
)
