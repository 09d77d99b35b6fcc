"""The commands of IMAP about the mails of the folder that is selected (RFC 3501, 6.4)."""

from __future__ import annotations

import functools
from bisect import bisect_left
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_mailnet.imap.command_arguments import BadCommand
from pytest_mailnet.imap.fetching import FetchItem, fetch_items, fetched, marks_seen, with_uid
from pytest_mailnet.imap.searching import UnknownCharset, found_by, search_answer, search_asked
from pytest_mailnet.imap.sequence_set import SequenceSet
from pytest_mailnet.reading.imap_dialogue import Done
from pytest_mailnet.reading.view import View, Viewed

if TYPE_CHECKING:
    from pytest_mailnet.imap.command_arguments import Arguments
    from pytest_mailnet.reading.imap_dialogue import ImapDialogue

__all__ = [
    "SYSTEM_FLAGS",
    "close",
    "copy",
    "expunge",
    "fetch",
    "move",
    "search",
    "settable_flags",
    "store",
    "uid_copy",
    "uid_expunge",
    "uid_fetch",
    "uid_move",
    "uid_search",
    "uid_store",
    "unselect",
]

SYSTEM_FLAGS = ("\\Answered", "\\Flagged", "\\Draft", "\\Deleted", "\\Seen")
"""The flags of RFC 3501 that a client can set."""

_DELETED, _SEEN = "\\Deleted", "\\Seen"
Numbered = list[tuple[int, Viewed]]


def _view(dialogue: ImapDialogue) -> View:
    assert dialogue.view is not None
    return dialogue.view


def _chosen(dialogue: ImapDialogue, arguments: Arguments, *, by_uid: bool) -> Numbered:
    """The mails of a sequence set, with their numbers; uids of no mail are left out (RFC 3501, 6.4.8)."""
    arguments.space()
    wanted = arguments.sequence_set()
    mails = _view(dialogue).mails
    if by_uid:
        uids = [mail.uid for mail in mails]
        numbers = [bisect_left(uids, uid) + 1 for uid in wanted.among(uids)]
    else:
        if not mails or max(map(max, wanted.ranges)) > len(mails):
            raise BadCommand("Invalid sequence set: there is no mail of that number")
        numbers = wanted.among(range(1, len(mails) + 1))
    return [(number, mails[number - 1]) for number in numbers]


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
    items = fetch_items(arguments)
    arguments.end()
    _check_gmails(view, [it.name for it in items])
    if by_uid:
        items = with_uid(items)
    if marks_seen(items) and not view.read_only:
        _set_flags(view, [it for _, it in chosen], "+", frozenset({_SEEN}))
    data = []
    flags = FetchItem("FLAGS")
    with_flags = items if flags in items else (*items, flags)
    for number, mail in chosen:
        asked = items if mail.told == mail.flags else with_flags
        if asked is with_flags:
            mail.told = mail.flags
        data.append(b"* %d FETCH %s\r\n" % (number, fetched(asked, mail, utf8=dialogue.utf8)))
    return Done(dialogue.host.words("fetch_ok"), data)


def _check_gmails(view: View, names: Iterable[str]) -> None:
    """Check that what only Gmail has is asked of Gmail."""
    for name in names:
        if name.startswith("X-GM-") and not view.shelves.layout.labels:
            raise BadCommand(f"Unknown item {name}")


def store(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """STORE (RFC 3501, 6.4.6)."""
    return _stored(dialogue, arguments, by_uid=False)


def uid_store(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """UID STORE (RFC 3501, 6.4.8)."""
    return _stored(dialogue, arguments, by_uid=True)


def _stored(dialogue: ImapDialogue, arguments: Arguments, *, by_uid: bool) -> Done:
    view = _view(dialogue)
    chosen = _chosen(dialogue, arguments, by_uid=by_uid)
    arguments.space()
    item = arguments.keyword()
    arguments.space()
    quiet = item.endswith(".SILENT")
    sign, what = (item[0], item[1:]) if item[0] in "+-" else ("", item)
    what = what.removesuffix(".SILENT")
    _check_gmails(view, [what])
    if view.read_only:
        return Done(dialogue.host.words("folder_read_only"))
    if what == "X-GM-LABELS":
        labels = arguments.labels()
        arguments.end()
        for _, mail in chosen:
            view.shelves.set_labels(mail.entry, sign, labels)
    elif what == "FLAGS":
        flags = settable_flags(arguments)
        arguments.end()
        _set_flags(view, [it for _, it in chosen], sign, flags)
    else:
        raise BadCommand("Expected FLAGS, +FLAGS or -FLAGS")
    told: tuple[FetchItem, ...] = (FetchItem(what),)
    if by_uid:
        told = with_uid(told)
    data = []
    for number, mail in chosen:
        mail.told = mail.flags
        if not quiet:
            data.append(b"* %d FETCH %s\r\n" % (number, fetched(told, mail, utf8=dialogue.utf8)))
    return Done(dialogue.host.words("store_ok"), data)


def settable_flags(arguments: Arguments) -> frozenset[str]:
    r"""Read flags that a client can set: not `\Recent`, and no others of the system (RFC 3501, 2.3.2)."""
    flags = frozenset(arguments.flags())
    if unknown := [it for it in flags if it.startswith("\\") and it not in SYSTEM_FLAGS]:
        raise BadCommand(
            f"{min(unknown)[:40]} is no flag that can be set: {', '.join(SYSTEM_FLAGS)} and keywords are"
        )
    return flags


def _set_flags(view: View, mails: Iterable[Viewed], sign: str, flags: frozenset[str]) -> None:
    changed = False
    for mail in mails:
        kept = mail.flags
        new = _with_flags(kept, sign, flags) if sign else flags
        if new != kept:
            view.shelves.set_flags(mail.entry, new, view.shelf)
            changed = True
    if changed:
        view.shelves.changed()


def _with_flags(kept: frozenset[str], sign: str, flags: frozenset[str]) -> frozenset[str]:
    """Flags with others or without them, in whatever case (RFC 9051, 2.3.2)."""
    if sign == "+":
        there = {it.lower() for it in kept}
        return kept | {it for it in flags if it.lower() not in there}
    named = {it.lower() for it in flags}
    return frozenset(it for it in kept if it.lower() not in named)


def search(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """SEARCH (RFC 3501, 6.4.4; RFC 4731)."""
    return _searched(dialogue, arguments, by_uid=False)


def uid_search(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """UID SEARCH (RFC 3501, 6.4.8)."""
    return _searched(dialogue, arguments, by_uid=True)


def _searched(dialogue: ImapDialogue, arguments: Arguments, *, by_uid: bool) -> Done:
    view = _view(dialogue)
    arguments.space()
    try:
        search = search_asked(arguments)
    except UnknownCharset:
        return Done(dialogue.host.words("charset_unknown"))
    found = found_by(search, view.mails)
    numbers = [view.mails[it - 1].uid for it in found] if by_uid else found
    answer = search_answer(search, numbers, dialogue.tag, by_uid=by_uid)
    return Done(dialogue.host.words("search_ok"), [b"* %b\r\n" % answer])


def copy(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """COPY (RFC 3501, 6.4.7)."""
    return _copied(dialogue, arguments, by_uid=False)


def uid_copy(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """UID COPY (RFC 3501, 6.4.8)."""
    return _copied(dialogue, arguments, by_uid=True)


def move(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """MOVE (RFC 6851)."""
    return _copied(dialogue, arguments, by_uid=False, moves=True)


def uid_move(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """UID MOVE (RFC 6851)."""
    return _copied(dialogue, arguments, by_uid=True, moves=True)


def _copied(dialogue: ImapDialogue, arguments: Arguments, *, by_uid: bool, moves: bool = False) -> Done:
    view = _view(dialogue)
    chosen = _chosen(dialogue, arguments, by_uid=by_uid)
    target = view.shelves.find_selectable(dialogue.folder_named(arguments))
    arguments.end()
    if target is None:
        return Done(dialogue.host.words("append_folder_unknown"))
    if moves and view.read_only:
        return Done(dialogue.host.words("folder_read_only"))
    entries = [it.entry for _, it in chosen]
    if not entries:
        return Done(dialogue.host.words("nothing_copied"))
    carried = functools.partial(view.shelves.move, source=view.shelf) if moves else view.shelves.copy
    copies = carried(entries, target=target)
    uids, new_uids = (str(SequenceSet.of(it.uid for it in mails)) for mails in (entries, copies))
    dialogue.tell(uidvalidity=str(target.validity), uids=uids, new_uids=new_uids)
    if not moves:
        return Done(dialogue.host.words("copy_ok"))
    # The uids are told before the numbers change (RFC 6851, 4.3), but for hosts that tell them with the OK.
    told = dialogue.line("move_copied")
    return Done(dialogue.host.words("move_ok"), [*([told + b"\r\n"] if told else []), *dialogue.news()])


def expunge(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """EXPUNGE (RFC 3501, 6.4.3)."""
    arguments.end()
    return _expunged(dialogue, _view(dialogue).mails)


def uid_expunge(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """UID EXPUNGE (RFC 4315, 2.1)."""
    chosen = _chosen(dialogue, arguments, by_uid=True)
    arguments.end()
    return _expunged(dialogue, [it for _, it in chosen])


def _expunged(dialogue: ImapDialogue, mails: Iterable[Viewed]) -> Done:
    view = _view(dialogue)
    if view.read_only:
        return Done(dialogue.host.words("folder_read_only"))
    _remove_deleted(view, mails)
    return Done(dialogue.host.words("expunge_ok"), dialogue.news())


def _remove_deleted(view: View, mails: Iterable[Viewed]) -> None:
    deleted = [it.entry for it in mails if _DELETED in it.flags]
    if deleted:
        view.shelves.remove(deleted, view.shelf)


def close(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """CLOSE (RFC 3501, 6.4.2): what is marked as deleted goes without a word."""
    arguments.end()
    view = _view(dialogue)
    if not view.read_only:
        _remove_deleted(view, view.mails)
    dialogue.select(None)
    return Done(dialogue.host.words("close_ok"))


def unselect(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """UNSELECT (RFC 3691)."""
    arguments.end()
    dialogue.select(None)
    return Done(dialogue.host.words("unselect_ok"))
