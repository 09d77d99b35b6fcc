"""The commands of IMAP about folders (RFC 3501, 6.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_mailnet.imap.command_arguments import BadCommand
from pytest_mailnet.imap.mailbox_names import encoded_name, matches_pattern, quoted
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
    from pytest_mailnet.mailboxes.shelf import Shelf
    from pytest_mailnet.reading.imap_dialogue import ImapDialogue

__all__ = [
    "append",
    "create",
    "delete",
    "examine",
    "list_folders",
    "list_subscribed",
    "namespace",
    "rename",
    "select",
    "status",
    "subscribe",
    "unsubscribe",
]

_STATUS: dict[str, Callable[[View], int]] = {
    "MESSAGES": lambda view: len(view.mails),
    "RECENT": lambda view: view.recent,
    "UIDNEXT": lambda view: view.shelf.uid_next,
    "UIDVALIDITY": lambda view: view.shelf.validity,
    "UNSEEN": lambda view: sum("\\Seen" not in it.flags for it in view.mails),
    "SIZE": lambda view: sum(len(it.content) for it in view.mails),
    "DELETED": lambda view: sum("\\Deleted" in it.flags for it in view.mails),
}


def select(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """SELECT (RFC 3501, 6.3.1)."""
    return _opened(dialogue, arguments, read_only=False)


def examine(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """EXAMINE (RFC 3501, 6.3.2)."""
    return _opened(dialogue, arguments, read_only=True)


def _opened(dialogue: ImapDialogue, arguments: Arguments, *, read_only: bool) -> Done:
    shelf = _folder(dialogue, arguments)
    if arguments.follows(" "):
        arguments.list_of(arguments.keyword)  # CONDSTORE (RFC 7162) and others, which change nothing here
    arguments.end()
    dialogue.select(None)
    if shelf is None or not dialogue.shelves.selectable(shelf):
        return Done(dialogue.host.words("folder_unknown"))
    view = View(shelf, dialogue.shelves, read_only=read_only)
    dialogue.select(view)
    keywords = sorted({it for mail in view.mails for it in mail.flags} - set(SYSTEM_FLAGS))
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


def _folder(dialogue: ImapDialogue, arguments: Arguments) -> Shelf | None:
    """The folder that the command names."""
    return dialogue.shelves.find(_name(dialogue, arguments))


def list_folders(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """LIST (RFC 3501, 6.3.8; RFC 5258 and 5819 as far as clients use them)."""
    arguments.space()
    chosen: tuple[str, ...] = ()
    if arguments.next_is("("):
        chosen = arguments.list_of(arguments.keyword)
        _check_options(chosen, _CHOSEN)
        arguments.space()
    reference = arguments.mailbox(utf8=dialogue.utf8)
    arguments.space()
    patterns = _patterns(dialogue, arguments)
    wanted = _returned(arguments) if arguments.follows(" ") else ()
    arguments.end()
    delimiter = dialogue.shelves.layout.delimiter
    lines = []
    if patterns == ("",):
        lines.append(f'* LIST (\\Noselect) "{delimiter}" ""')
    else:
        for shelf in _matching(dialogue, reference, patterns):
            if "SUBSCRIBED" in chosen and not shelf.subscribed:
                continue
            if "SPECIAL-USE" in chosen and not shelf.use:
                continue
            told = _listed(dialogue, dialogue.step.verb, shelf, subscribed="SUBSCRIBED" in {*chosen, *wanted})
            lines.append(told)
    status = [it for it in wanted if it in _STATUS]
    if status:
        lines += [
            _status_line(dialogue, it, status)
            for it in _matching(dialogue, reference, patterns)
            if dialogue.shelves.selectable(it)
        ]
    return Done(dialogue.host.words("list_ok"), [f"{it}\r\n".encode() for it in lines])


def _patterns(dialogue: ImapDialogue, arguments: Arguments) -> tuple[str, ...]:
    def pattern() -> str:
        return arguments.pattern(utf8=dialogue.utf8)

    return arguments.list_of(pattern) if arguments.next_is("(") else (pattern(),)


def _returned(arguments: Arguments) -> tuple[str, ...]:
    """The options behind RETURN (RFC 5258, 4), with the items of STATUS (RFC 5819) among them."""
    arguments.take("RETURN ")
    options: list[str] = []

    def option() -> None:
        options.append(arguments.keyword())
        _check_options(options[-1:], _RETURNED)
        if options[-1] == "STATUS":
            arguments.space()
            options.extend(arguments.list_of(arguments.keyword))

    arguments.list_of(option)
    return tuple(options)


def _check_options(asked: Sequence[str], known: frozenset[str]) -> None:
    """Check that there are such options: the answer to others is BAD (RFC 5258, 3)."""
    if unknown := [it for it in asked if it not in known]:
        raise BadCommand(f"Expected {', '.join(sorted(known))}, not {unknown[0][:40]}")


_CHOSEN = frozenset({"SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE"})
_RETURNED = frozenset({"SUBSCRIBED", "CHILDREN", "SPECIAL-USE", "STATUS"})


def list_subscribed(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """LSUB (RFC 3501, 6.3.9)."""
    arguments.space()
    reference = arguments.mailbox(utf8=dialogue.utf8)
    arguments.space()
    patterns = _patterns(dialogue, arguments)
    arguments.end()
    subscribed = [it.name for it in dialogue.shelves.all if it.subscribed]
    delimiter = dialogue.shelves.layout.delimiter
    lines = []
    for it in _matching(dialogue, reference, patterns):
        if it.subscribed:
            lines.append(_listed(dialogue, "LSUB", it))
        elif patterns[0].endswith("%") and any(name.startswith(it.name + delimiter) for name in subscribed):
            # One that is in it is subscribed, and not found by this pattern.
            lines.append(f'* LSUB (\\Noselect) "{delimiter}" {_name_of(dialogue, it)}')
    return Done(dialogue.host.words("lsub_ok"), [f"{it}\r\n".encode() for it in lines])


def _matching(dialogue: ImapDialogue, reference: str, patterns: tuple[str, ...]) -> Iterator[Shelf]:
    delimiter = dialogue.shelves.layout.delimiter
    for shelf in dialogue.shelves.all:
        if any(matches_pattern(reference + it, shelf.name, delimiter) for it in patterns):
            yield shelf


def _listed(dialogue: ImapDialogue, verb: str, shelf: Shelf, *, subscribed: bool = False) -> str:
    shelves = dialogue.shelves
    delimiter = shelves.layout.delimiter
    children = any(it.name.startswith(shelf.name + delimiter) for it in shelves.all)
    flags = ["\\HasChildren" if children else "\\HasNoChildren"]
    if not shelves.selectable(shelf):
        flags.append("\\Noselect")
    elif shelf.use:
        flags.append(shelf.use)
    if subscribed and shelf.subscribed:
        flags.append("\\Subscribed")
    return f'* {verb} ({" ".join(flags)}) "{delimiter}" {_name_of(dialogue, shelf)}'


def _name_of(dialogue: ImapDialogue, shelf: Shelf) -> str:
    return quoted(shelf.name if dialogue.utf8 else encoded_name(shelf.name)).decode()


def namespace(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """NAMESPACE (RFC 2342): all folders are the user's own."""
    arguments.end()
    said = f'* NAMESPACE (("" "{dialogue.shelves.layout.delimiter}")) NIL NIL\r\n'
    return Done(dialogue.host.words("namespace_ok"), [said.encode()])


def status(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """STATUS (RFC 3501, 6.3.10)."""
    shelf = _folder(dialogue, arguments)
    arguments.space()
    items = arguments.list_of(arguments.keyword)
    arguments.end()
    wrong = [it for it in items or ["()"] if it not in _STATUS]
    if wrong:
        raise BadCommand(f"Expected {', '.join(_STATUS)}, not {wrong[0][:40]}")
    if shelf is None or not dialogue.shelves.selectable(shelf):
        return Done(dialogue.host.words("folder_unknown"))
    return Done(dialogue.host.words("status_ok"), [f"{_status_line(dialogue, shelf, items)}\r\n".encode()])


def _status_line(dialogue: ImapDialogue, shelf: Shelf, items: Sequence[str]) -> str:
    view, own = View(shelf, dialogue.shelves, read_only=True), dialogue.view
    if own is not None and own.shelf is shelf:  # what is recent in this session stays so (RFC 3501, 2.3.2)
        recent = {it.uid for it in own.mails if it.recent}
        for it in view.mails:
            it.recent = it.recent or it.uid in recent
    told = " ".join(f"{it} {_STATUS[it](view)}" for it in items)
    return f"* STATUS {_name_of(dialogue, shelf)} ({told})"


def create(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """CREATE (RFC 3501, 6.3.3)."""
    name = _name(dialogue, arguments)
    arguments.end()
    return _changed(dialogue, "create_ok", lambda: dialogue.shelves.create(name))


def delete(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """DELETE (RFC 3501, 6.3.4)."""
    name = _name(dialogue, arguments)
    arguments.end()
    return _changed(dialogue, "delete_ok", lambda: dialogue.shelves.delete(name))


def rename(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """RENAME (RFC 3501, 6.3.5)."""
    name = _name(dialogue, arguments)
    arguments.space()
    new = arguments.mailbox(utf8=dialogue.utf8)
    arguments.end()
    return _changed(dialogue, "rename_ok", lambda: dialogue.shelves.rename(name, new))


def subscribe(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """SUBSCRIBE (RFC 3501, 6.3.6)."""
    name = _name(dialogue, arguments)
    arguments.end()
    return _changed(dialogue, "subscribe_ok", lambda: dialogue.shelves.subscribe(name, subscribed=True))


def unsubscribe(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """UNSUBSCRIBE (RFC 3501, 6.3.7)."""
    name = _name(dialogue, arguments)
    arguments.end()
    return _changed(dialogue, "unsubscribe_ok", lambda: dialogue.shelves.subscribe(name, subscribed=False))


def _name(dialogue: ImapDialogue, arguments: Arguments) -> str:
    arguments.space()
    name = arguments.mailbox(utf8=dialogue.utf8)
    dialogue.tell(folder=name)
    return name


def _changed(dialogue: ImapDialogue, words: str, change: Callable[[], object]) -> Done:
    try:
        change()
    except FolderError as error:
        words = error.condition
    return Done(dialogue.host.words(words))


def append(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """APPEND (RFC 3501, 6.3.11), with the uid that the mail gets (RFC 4315)."""
    shelf = _folder(dialogue, arguments)
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
    if shelf is None or not dialogue.shelves.selectable(shelf):
        return Done(dialogue.host.words("append_folder_unknown"))
    if not dialogue.host.has_room(dialogue.step.authenticated_as or "", len(content)):
        return Done(dialogue.host.words("over_quota"))
    session = dialogue.step.session
    message = Message(Envelope("", ()), content, session, received, session.provider)
    entry = dialogue.shelves.append(shelf, message, flags)
    dialogue.tell(uidvalidity=str(shelf.validity), uid=str(entry.uid))
    return Done(dialogue.host.words("append_ok"))
