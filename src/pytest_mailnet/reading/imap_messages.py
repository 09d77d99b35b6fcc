"""The commands of IMAP about the mails of the folder that is selected (RFC 3501, 6.4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_mailnet.imap.arguments import BadCommand
from pytest_mailnet.imap.fetching import Fetched, marks_seen, parse_items, rendered
from pytest_mailnet.imap.searching import BadCharset, parse_search
from pytest_mailnet.reading.imap_command import Done
from pytest_mailnet.reading.view import Seen, View

if TYPE_CHECKING:
    from pytest_mailnet.imap.arguments import Arguments
    from pytest_mailnet.mailboxes.shelves import Entry
    from pytest_mailnet.reading.imap_dialogue import ImapDialogue

__all__ = [
    "close",
    "copy",
    "expunge",
    "fetch",
    "move",
    "search",
    "store",
    "uid_copy",
    "uid_expunge",
    "uid_fetch",
    "uid_move",
    "uid_search",
    "uid_store",
    "unselect",
]

_DELETED, _SEEN = "\\Deleted", "\\Seen"
Numbered = list[tuple[int, Seen]]


def _view(dialogue: ImapDialogue) -> View:
    assert dialogue.view is not None
    return dialogue.view


def _chosen(dialogue: ImapDialogue, arguments: Arguments, *, by_uid: bool) -> Numbered:
    """The mails of a sequence set, with their numbers; uids that nobody has are left out (RFC 3501, 6.4.8)."""
    arguments.space()
    wanted = arguments.sequence_set()
    mails = _view(dialogue).mails
    if by_uid:
        return [(it + 1, mails[it]) for it in wanted.positions([mail.uid for mail in mails])]
    if wanted.beyond(len(mails)):
        raise BadCommand("the number of a mail in this folder")
    return [(number, mails[number - 1]) for number in wanted.numbers(len(mails))]


def fetch(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """FETCH (RFC 3501, 6.4.5)."""
    return _fetched(dialogue, arguments, by_uid=False)


def uid_fetch(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """UID FETCH (RFC 3501, 6.4.8)."""
    return _fetched(dialogue, arguments, by_uid=True)


def _fetched(dialogue: ImapDialogue, arguments: Arguments, *, by_uid: bool) -> Done:
    view = _view(dialogue)
    chosen = _chosen(dialogue, arguments, by_uid=by_uid)
    arguments.space()
    items = parse_items(arguments)
    arguments.end()
    if by_uid:
        items = items.with_uid()
    if marks_seen(items) and not view.read_only:
        _set_flags(view, [it for _, it in chosen], lambda flags: flags | {_SEEN})
    data = []
    for number, mail in chosen:
        asked = items.with_flags() if mail.told != mail.flags else items
        mail.told = mail.flags
        data.append(b"* %d FETCH (%s)\r\n" % (number, rendered(asked, mail)))
    return Done(dialogue.host.words("fetch_ok"), data)


def _set_flags(view, mails, change):
    ...
