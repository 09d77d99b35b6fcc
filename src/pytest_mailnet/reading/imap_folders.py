"""The commands of IMAP that open, change and fill folders (RFC 3501, 6.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_mailnet.mailboxes.shelves import FolderError
from pytest_mailnet.reading.imap_dialogue import Done
from pytest_mailnet.reading.imap_messages import SYSTEM_FLAGS, settable_flags
from pytest_mailnet.reading.response import filled
from pytest_mailnet.reading.view import View
from pytest_mailnet.record.session import Message
from pytest_mailnet.values import Envelope

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_mailnet.imap.command_arguments import Arguments
    from pytest_mailnet.reading.imap_dialogue import ImapDialogue

__all__ = [
    "append",
    "create",
    "delete",
    "examine",
    "rename",
    "select",
    "subscribe",
    "unsubscribe",
]


def select(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """SELECT (RFC 3501, 6.3.1)."""
    return _opened(dialogue, arguments, read_only=False)


def examine(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """EXAMINE (RFC 3501, 6.3.2)."""
    return _opened(dialogue, arguments, read_only=True)


def _opened(dialogue: ImapDialogue, arguments: Arguments, *, read_only: bool) -> Done:
    shelf = dialogue.shelves.find_selectable(dialogue.folder_named(arguments))
    if arguments.follows(" "):
        arguments.list_of(arguments.keyword)  # CONDSTORE (RFC 7162) and others, which change nothing here
    arguments.end()
    dialogue.select(None)
    if shelf is None:
        return Done(dialogue.host.words("folder_unknown"))
    view = View(shelf, dialogue.shelves, read_only=read_only)
    dialogue.select(view)
    kinds = {mail.flags for mail in view.mails}  # few, for whatever number of mails
    keywords = sorted({it for flags in kinds for it in flags} - set(SYSTEM_FLAGS))
    flags = " ".join((*SYSTEM_FLAGS, *keywords))
    unseen = next((n for n, it in enumerate(view.mails, 1) if "\\Seen" not in it.flags), 0)
    dialogue.tell(
        flags=f"({flags})",
        permanent_flags="()" if read_only else f"({flags} \\*)",
        exists=str(len(view.mails)),
        recent=str(view.recent),
        uidvalidity=str(shelf.validity),
        uidnext=str(shelf.uid_next),
        unseen=str(unseen),
    )
    said = [it for it in dialogue.host.line("select").splitlines() if unseen or "{unseen}" not in it]
    data = [f"{filled(it, dialogue.value_of)}\r\n".encode() for it in said]
    return Done(dialogue.host.words("examine_ok" if read_only else "select_ok"), data)


def create(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """CREATE (RFC 3501, 6.3.3)."""
    name = dialogue.folder_named(arguments)
    arguments.end()
    return _changed(dialogue, "create_ok", lambda: dialogue.shelves.create(name))


def delete(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """DELETE (RFC 3501, 6.3.4)."""
    name = dialogue.folder_named(arguments)
    arguments.end()
    return _changed(dialogue, "delete_ok", lambda: dialogue.shelves.delete(name))


def rename(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """RENAME (RFC 3501, 6.3.5)."""
    name = dialogue.folder_named(arguments)
    arguments.space()
    new = arguments.mailbox()
    arguments.end()
    return _changed(dialogue, "rename_ok", lambda: dialogue.shelves.rename(name, new))


def subscribe(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """SUBSCRIBE (RFC 3501, 6.3.6)."""
    name = dialogue.folder_named(arguments)
    arguments.end()
    return _changed(dialogue, "subscribe_ok", lambda: dialogue.shelves.subscribe(name, subscribed=True))


def unsubscribe(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """UNSUBSCRIBE (RFC 3501, 6.3.7)."""
    name = dialogue.folder_named(arguments)
    arguments.end()
    return _changed(dialogue, "unsubscribe_ok", lambda: dialogue.shelves.subscribe(name, subscribed=False))


def _changed(dialogue: ImapDialogue, words: str, change: Callable[[], object]) -> Done:
    try:
        change()
    except FolderError as error:
        words = error.condition
    return Done(dialogue.host.words(words))


def append(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """APPEND (RFC 3501, 6.3.11), with the uid that the mail gets (RFC 4315)."""
    shelf = dialogue.shelves.find_selectable(dialogue.folder_named(arguments))
    arguments.space()
    flags: frozenset[str] = frozenset()
    received = dialogue.host.now()
    if arguments.next_is("("):
        flags = settable_flags(arguments)
        arguments.space()
    if arguments.next_is('"'):
        received = arguments.date_time()
        arguments.space()
    content = arguments.string()
    arguments.end()
    if shelf is None:
        return Done(dialogue.host.words("append_folder_unknown"))
    if not dialogue.host.has_room(dialogue.step.authenticated_as or "", len(content)):
        return Done(dialogue.host.words("over_quota"))
    session = dialogue.step.session
    message = Message(Envelope("", ()), content, session, received, session.provider)
    entry = dialogue.shelves.append(shelf, message, flags)
    dialogue.tell(uidvalidity=str(shelf.validity), uid=str(entry.uid))
    return Done(dialogue.host.words("append_ok"))
