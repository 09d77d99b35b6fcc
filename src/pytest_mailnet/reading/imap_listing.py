"""The commands of IMAP that tell which folders there are, and what is in them (RFC 3501, 6.3.8 to 6.3.10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_mailnet.imap.command_arguments import BadCommand
from pytest_mailnet.imap.mailbox_names import encoded_name, matches_pattern, quoted
from pytest_mailnet.reading.imap_dialogue import Done
from pytest_mailnet.reading.view import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_mailnet.imap.command_arguments import Arguments
    from pytest_mailnet.mailboxes.shelf import Shelf
    from pytest_mailnet.reading.imap_dialogue import ImapDialogue

__all__ = ["list_folders", "list_subscribed", "namespace", "status"]

_STATUS: dict[str, Callable[[View], int]] = {
    "MESSAGES": lambda view: len(view.mails),
    "RECENT": lambda view: view.recent,
    "UIDNEXT": lambda view: view.shelf.uid_next,
    "UIDVALIDITY": lambda view: view.shelf.validity,
    "UNSEEN": lambda view: sum("\\Seen" not in it.flags for it in view.mails),
    "SIZE": lambda view: sum(len(it.content) for it in view.mails),
    "DELETED": lambda view: sum("\\Deleted" in it.flags for it in view.mails),
}


def list_folders(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """LIST (RFC 3501, 6.3.8; RFC 5258 and 5819 as far as clients use them)."""
    arguments.space()
    chosen: tuple[str, ...] = ()
    if arguments.next_is("("):
        chosen = arguments.list_of(arguments.keyword)
        _check_options(chosen, _CHOSEN)
        arguments.space()
    reference = arguments.mailbox()
    arguments.space()
    patterns = _patterns(arguments)
    wanted = _returned(arguments) if arguments.follows(" ") else ()
    arguments.end()
    every, delimiter = [it.name for it in dialogue.shelves.all], dialogue.shelves.layout.delimiter
    found = _matching(
        dialogue, reference, patterns, _subscribed(dialogue) if "SUBSCRIBED" in chosen else every
    )
    if "SPECIAL-USE" in chosen:
        found = [it for it in found if (shelf := dialogue.shelves.find(it)) is not None and shelf.use]
    if patterns == ("",):
        lines = [f'* LIST (\\Noselect) "{delimiter}" ""']
    else:
        subscribed = "SUBSCRIBED" in {*chosen, *wanted}
        lines = [_listed(dialogue, dialogue.step.verb, it, subscribed=subscribed) for it in found]
    if status := [it for it in wanted if it in _STATUS]:
        shelves = map(dialogue.shelves.find_selectable, found)
        lines += [_status_line(dialogue, it, status) for it in shelves if it is not None]
    return Done(dialogue.host.words("list_ok"), [f"{it}\r\n".encode() for it in lines])


def _patterns(arguments: Arguments) -> tuple[str, ...]:
    return arguments.list_of(arguments.pattern) if arguments.next_is("(") else (arguments.pattern(),)


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
    reference = arguments.mailbox()
    arguments.space()
    patterns = _patterns(arguments)
    arguments.end()
    subscribed, delimiter = dialogue.shelves.subscriptions, dialogue.shelves.layout.delimiter
    above = (it[:at] for it in subscribed for at in range(len(it)) if it.startswith(delimiter, at))
    lines = []
    for name in _matching(dialogue, reference, patterns, (*_subscribed(dialogue), *above)):
        if name in subscribed:
            lines.append(_listed(dialogue, "LSUB", name))
        elif patterns[0].endswith("%"):
            # One that is in it is subscribed, and not found by this pattern.
            lines.append(f'* LSUB (\\Noselect) "{delimiter}" {_written(dialogue, name)}')
    return Done(dialogue.host.words("lsub_ok"), [f"{it}\r\n".encode() for it in lines])


def _subscribed(dialogue: ImapDialogue) -> list[str]:
    """The names on the list of LSUB: those of folders in their order, then those whose folder is gone."""
    subscribed = dialogue.shelves.subscriptions
    there = [it.name for it in dialogue.shelves.all if it.name in subscribed]
    return [*there, *(it for it in subscribed if it not in there)]


def _matching(
    dialogue: ImapDialogue, reference: str, patterns: tuple[str, ...], names: Iterable[str]
) -> list[str]:
    """Those of the names that one of the patterns is for, each once."""
    delimiter = dialogue.shelves.layout.delimiter
    return [
        name
        for name in dict.fromkeys(names)
        if any(matches_pattern(reference + it, name, delimiter) for it in patterns)
    ]


def _listed(dialogue: ImapDialogue, verb: str, name: str, *, subscribed: bool = False) -> str:
    """A line of LIST or LSUB.

    Args:
        dialogue: the session.
        verb: which of them.
        name: the folder's; it may be gone, and still be subscribed.
        subscribed: whether to tell if it is.
    """
    shelves = dialogue.shelves
    delimiter = shelves.layout.delimiter
    shelf = shelves.find(name)
    flags: list[str] = []
    if shelf is not None:
        children = any(it.name.startswith(name + delimiter) for it in shelves.all)
        flags = ["\\HasChildren" if children else "\\HasNoChildren"]
        if not shelf.selectable:
            flags.append("\\Noselect")
        elif shelf.use:
            flags.append(shelf.use)
    elif verb != "LSUB":  # there \\Noselect is for what is not subscribed
        flags = ["\\NonExistent"]
    if subscribed and name in shelves.subscriptions:
        flags.append("\\Subscribed")
    return f'* {verb} ({" ".join(flags)}) "{delimiter}" {_written(dialogue, name)}'


def _written(dialogue: ImapDialogue, name: str) -> str:
    return quoted(name if dialogue.utf8 else encoded_name(name)).decode()


def namespace(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """NAMESPACE (RFC 2342): all folders are the user's own."""
    arguments.end()
    said = f'* NAMESPACE (("" "{dialogue.shelves.layout.delimiter}")) NIL NIL\r\n'
    return Done(dialogue.host.words("namespace_ok"), [said.encode()])


def status(dialogue: ImapDialogue, arguments: Arguments) -> Done:
    """STATUS (RFC 3501, 6.3.10)."""
    shelf = dialogue.shelves.find_selectable(dialogue.folder_named(arguments))
    arguments.space()
    items = arguments.list_of(arguments.keyword)
    arguments.end()
    wrong = [it for it in items or ["()"] if it not in _STATUS]
    if wrong:
        raise BadCommand(f"Expected {', '.join(_STATUS)}, not {wrong[0][:40]}")
    if shelf is None:
        return Done(dialogue.host.words("folder_unknown"))
    return Done(dialogue.host.words("status_ok"), [f"{_status_line(dialogue, shelf, items)}\r\n".encode()])


def _status_line(dialogue: ImapDialogue, shelf: Shelf, items: Sequence[str]) -> str:
    view, own = View(shelf, dialogue.shelves, read_only=True), dialogue.view
    if own is not None and own.shelf is shelf:  # what is recent in this session stays so (RFC 3501, 2.3.2)
        recent = {it.uid for it in own.mails if it.recent}
        for it in view.mails:
            it.recent = it.recent or it.uid in recent
    told = " ".join(f"{it} {_STATUS[it](view)}" for it in items)
    return f"* STATUS {_written(dialogue, shelf.name)} ({told})"
