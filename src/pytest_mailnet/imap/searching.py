"""SEARCH: what a client looks for, and the answer (RFC 3501, 6.4.4; RFC 4731)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from pytest_mailnet.imap.command_arguments import Arguments, BadCommand
from pytest_mailnet.imap.gmail_search import gmail_query, has_label
from pytest_mailnet.imap.mailbox_names import quoted
from pytest_mailnet.imap.readable import Readable
from pytest_mailnet.imap.search_keys import (
    All,
    Each,
    Either,
    Not,
    Numbers,
    SearchKey,
    has_flag,
    in_body,
    in_field,
    in_text,
    sent_on,
)
from pytest_mailnet.imap.sequence_set import SequenceSet

__all__ = ["Search", "UnknownCharset", "found_by", "search_answer", "search_asked"]

_DEEPEST = 50
_CHARSETS = {"UTF-8", "US-ASCII", "ASCII"}
_RETURNED = ("MIN", "MAX", "ALL", "COUNT")


class UnknownCharset(Exception):
    """A charset in which no search can be made; the answer to it is NO.

    Attributes:
        code: the response code of that answer, which names those that can be used.
    """

    code = "[BADCHARSET (UTF-8 US-ASCII)]"


@dataclass(frozen=True, slots=True)
class Search:
    """A search.

    Attributes:
        key: what it looks for.
        returns: what it wants to be told, of MIN, MAX, ALL and COUNT; None for all in a SEARCH answer.
    """

    key: SearchKey
    returns: frozenset[str] | None = None


def search_asked(arguments: Arguments) -> Search:
    """Read the arguments of SEARCH up to the end of the command.

    Raises:
        BadCommand: if something else is there, or keys nest more than 50 deep.
        UnknownCharset: for a charset other than UTF-8 and US-ASCII.
    """
    returns = None
    if arguments.follows("RETURN "):
        names = {it.upper() for it in arguments.list_of(arguments.atom)}
        if not names.issubset(_RETURNED):
            raise BadCommand(
                f"Expected {', '.join(_RETURNED)} to return, not {min(names - {*_RETURNED})[:40]!a}"
            )
        returns = frozenset(names or {"ALL"})
        arguments.space()
    if arguments.follows("CHARSET "):
        if arguments.astring().decode("latin-1").upper() not in _CHARSETS:
            raise UnknownCharset
        arguments.space()
    keys = [_key(arguments, 1)]
    while not arguments.at_end():
        arguments.space()
        keys.append(_key(arguments, 1))
    return Search(All(tuple(keys)), returns)


def found_by(search: Search, mails: Sequence[Readable]) -> list[int]:
    """The numbers of the mails that a search finds, in ascending order.

    Args:
        search: the search.
        mails: all mails of the mailbox, in order.
    """
    return list(search.key.among(range(1, len(mails) + 1), mails))


def search_answer(search: Search, numbers: Sequence[int], tag: str, *, by_uid: bool) -> bytes:
    """The untagged answer to a search, without "* " and line end.

    Args:
        search: the search.
        numbers: what was found, in ascending order; UIDs if it is by UID.
        tag: the command's.
        by_uid: whether it was UID SEARCH.
    """
    if search.returns is None:
        return " ".join(["SEARCH", *map(str, numbers)]).encode()
    answer = b"ESEARCH (TAG %b)" % quoted(tag) + (b" UID" if by_uid else b"")
    values = {"COUNT": str(len(numbers))}
    if numbers:
        values |= {"MIN": str(numbers[0]), "MAX": str(numbers[-1]), "ALL": str(SequenceSet.of(numbers))}
    told = [f" {it} {values[it]}" for it in _RETURNED if it in search.returns and it in values]
    return answer + "".join(told).encode()


def _key(arguments: Arguments, depth: int) -> SearchKey:
    if depth > _DEEPEST:
        raise BadCommand(f"Search keys nest more than {_DEEPEST} deep")
    if arguments.follows("("):
        keys = [_key(arguments, depth + 1)]
        while not arguments.follows(")"):
            arguments.space()
            keys.append(_key(arguments, depth + 1))
        return All(tuple(keys))
    if arguments.next_is("0123456789*"):
        return Numbers(arguments.sequence_set(), by_uid=False)
    name = arguments.keyword()
    if name in _PLAIN:
        return _PLAIN[name]
    if name in {"NOT", "OR"}:
        arguments.space()
        one = _key(arguments, depth + 1)
        if name == "NOT":
            return Not(one)
        arguments.space()
        return Either(one, _key(arguments, depth + 1))
    if name not in _WITH_ARGUMENT:
        raise BadCommand(f"Unknown search key {name[:40]!a}")
    arguments.space()
    return _WITH_ARGUMENT[name](arguments)


def _text(arguments: Arguments) -> str:
    try:
        return arguments.astring().decode()
    except UnicodeDecodeError:
        raise BadCommand("Expected a text in UTF-8 to search for") from None


def _header(arguments: Arguments) -> SearchKey:
    name = _text(arguments)
    arguments.space()
    return in_field(name, _text(arguments))


def _sized(arguments: Arguments, *, larger: bool) -> SearchKey:
    size = arguments.number64()
    if larger:
        return Each(lambda mail: len(mail.content) > size)
    return Each(lambda mail: len(mail.content) < size)


def _received(compare: _Compare) -> _Reader:
    def key(arguments: Arguments) -> SearchKey:
        day = arguments.date()
        return Each(lambda mail: compare(mail.received.date(), day))

    return key


def _sent(compare: _Compare) -> _Reader:
    def key(arguments: Arguments) -> SearchKey:
        day = arguments.date()
        return sent_on(lambda sent: compare(sent, day))

    return key


def _field(name: str) -> _Reader:
    return lambda arguments: in_field(name, _text(arguments))


def _by_message_id(arguments: Arguments) -> SearchKey:
    number = arguments.number64()
    return Each(lambda mail: mail.message_id == number)


def _by_thread_id(arguments: Arguments) -> SearchKey:
    number = arguments.number64()
    return Each(lambda mail: mail.thread_id == number)


_Compare = Callable[[date, date], bool]
_Reader = Callable[[Arguments], SearchKey]

_RECENT = Each(lambda mail: mail.recent)
_FLAGS = {it.upper(): has_flag(f"\\{it}") for it in ("Answered", "Deleted", "Draft", "Flagged", "Seen")}
_PLAIN: Mapping[str, SearchKey] = MappingProxyType(
    {
        **_FLAGS,
        **{f"UN{name}": Not(key) for name, key in _FLAGS.items()},
        "ALL": All(),
        "NEW": All((_RECENT, Not(_FLAGS["SEEN"]))),
        "OLD": Not(_RECENT),
        "RECENT": _RECENT,
    }
)
_WITH_ARGUMENT: Mapping[str, _Reader] = MappingProxyType(
    {
        **{it: _field(it) for it in ("BCC", "CC", "FROM", "SUBJECT", "TO")},
        "BEFORE": _received(date.__lt__),
        "ON": _received(date.__eq__),
        "SINCE": _received(date.__ge__),
        "SENTBEFORE": _sent(date.__lt__),
        "SENTON": _sent(date.__eq__),
        "SENTSINCE": _sent(date.__ge__),
        "BODY": lambda arguments: in_body(_text(arguments)),
        "TEXT": lambda arguments: in_text(_text(arguments)),
        "HEADER": _header,
        "KEYWORD": lambda arguments: has_flag(arguments.atom()),
        "UNKEYWORD": lambda arguments: Not(has_flag(arguments.atom())),
        "LARGER": lambda arguments: _sized(arguments, larger=True),
        "SMALLER": lambda arguments: _sized(arguments, larger=False),
        "UID": lambda arguments: Numbers(arguments.sequence_set(), by_uid=True),
        "X-GM-LABELS": lambda arguments: has_label(arguments.label()),
        "X-GM-MSGID": _by_message_id,
        "X-GM-RAW": lambda arguments: gmail_query(_text(arguments)),
        "X-GM-THRID": _by_thread_id,
    }
)
