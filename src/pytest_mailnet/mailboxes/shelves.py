"""The folders of a mailbox, and what a mail program does to them (RFC 3501, 6.3 and 6.4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_mailnet.mailboxes.shelf import Entry, FolderLayout, Kept, Shelf
from pytest_mailnet.smtp.headers import header_fields
from pytest_mailnet.system.native import lock

if TYPE_CHECKING:
    from pytest_mailnet.record.session import Message

__all__ = ["INBOX", "FolderError", "Shelves"]

INBOX = "INBOX"
"""The folder in which mail arrives; so called in any case of its letters (RFC 3501, 5.1)."""

_SEEN = "\\Seen"
_ALL, _FLAGGED, _TRASH, _JUNK, _SENT = "\\All", "\\Flagged", "\\Trash", "\\Junk", "\\Sent"
_LABELS = {
    INBOX: "\\Inbox",
    "\\Drafts": "\\Draft",
    _FLAGGED: "\\Starred",
    "\\Important": "\\Important",
    _JUNK: "\\Spam",
    _SENT: _SENT,
    _TRASH: _TRASH,
}


class FolderError(Exception):
    """A folder that is not there, is there already, or cannot be changed.

    Attributes:
        condition: why, as servers have words for it: "folder_unknown", "folder_exists", "folder_fixed",
            "folder_has_children".
    """

    def __init__(self, condition: str) -> None:
        super().__init__(condition)
        self.condition: str = condition


class Shelves:
    """The folders of one mailbox, and what a mail program does to them.

    Whoever has the engine's turn and the test's thread use them; one lock guards them all.

    Args:
        layout: which folders there are.
        inbox: the mailbox's messages.
        junk: those that were filed as junk.
        sent: those that its owner has sent; None for none yet.
        fields: returns what the server puts before a message at its final delivery.

    Attributes:
        layout: as above.
        subscriptions: the names on the list of LSUB, those of deleted folders too (RFC 3501, 6.3.9);
            replaced as a whole.
    """

    def __init__(
        self,
        layout: FolderLayout,
        inbox: list[Message],
        junk: list[Message],
        sent: list[Message] | None = None,
        fields: Callable[[Message], bytes] = lambda _: b"",
    ) -> None:
        self.layout = layout
        self.subscriptions: tuple[str, ...] = ()
        self._fields = fields
        self._lock = lock()
        self._by_name: dict[str, Shelf] = {}
        self._made = self._numbers = 0
        self._shared: dict[Message, Kept] = {}
        self._threads: dict[str, int] = {}
        self._watchers: tuple[Callable[[], object], ...] = ()
        self._add(INBOX, "", inbox)
        self._sent = sent if sent is not None and layout.keeps_sent else []
        lists = {_JUNK: junk, _SENT: self._sent}
        for name, use in layout.folders:
            self._add(name, use, lists.get(use, []))
        self.subscriptions = tuple(self._by_name)

    @property
    def all(self) -> tuple[Shelf, ...]:
        """The folders, INBOX first."""
        return tuple(self._by_name.values())

    def find(self, name: str) -> Shelf | None:
        """The folder of a name; None if there is none."""
        first, slash, rest = name.partition(self.layout.delimiter)
        return self._by_name.get(f"{INBOX}{slash}{rest}" if first.upper() == INBOX else name)

    def find_selectable(self, name: str) -> Shelf | None:
        """The folder of a name, if there can be mail in it; None otherwise."""
        found = self.find(name)
        return found if found is not None and found.selectable else None

    def of_use(self, use: str) -> Shelf | None:
        """The folder with a special use; None if there is none."""
        return next((it for it in self.all if it.use == use), None)

    def entries(self, shelf: Shelf) -> tuple[Entry, ...]:
        """What is in a folder now, by ascending uids."""
        with self._lock:
            if self.layout.labels:
                self._gather()
            return shelf.entries()

    def create(self, name: str) -> Shelf:
        """Make a folder, and those that it is in (RFC 3501, 6.3.3).

        Raises:
            FolderError: if there is one of that name, or if that is no name.
        """
        delimiter = self.layout.delimiter
        parts = name.removesuffix(delimiter).split(delimiter)
        if not all(parts):
            raise FolderError("folder_fixed")
        if self.find(delimiter.join(parts)) is not None:
            raise FolderError("folder_exists")
        with self._lock:
            for end in range(1, len(parts) + 1):
                name = delimiter.join(parts[:end])
                found = self.find(name) or self._add(name, "", [])
                if self.layout.labels:
                    self._put_on_list(name)
        return found

    def delete(self, name: str) -> None:
        """Delete a folder with what is in it (RFC 3501, 6.3.4).

        Raises:
            FolderError: if there is none, if it cannot be deleted, or if folders are in it.
        """
        shelf = self._changeable(name)
        if any(it.startswith(shelf.name + self.layout.delimiter) for it in self._by_name):
            raise FolderError("folder_has_children")
        with self._lock:
            del self._by_name[shelf.name]
        self.changed()

    def rename(self, name: str, new: str) -> None:
        """Rename a folder, with those that are in it; of INBOX, move what is in it (RFC 3501, 6.3.5).

        Raises:
            FolderError: if there is none, if it cannot be renamed, or if the new name is taken, or is in it.
        """
        if self.find(new) is not None:
            raise FolderError("folder_exists")
        if name.upper() == INBOX:
            inbox = self._by_name[INBOX]
            self.move(self.entries(inbox), inbox, self.create(new))
            return
        shelf = self._changeable(name)
        if new.startswith(shelf.name + self.layout.delimiter):
            raise FolderError("folder_fixed")
        with self._lock:
            old, within = shelf.name, shelf.name + self.layout.delimiter
            for it in self.all:
                if it is shelf or it.name.startswith(within):
                    it.name = new + it.name[len(old) :]
                    if self.layout.labels:
                        self._put_on_list(it.name)
            self._by_name = {it.name: it for it in self.all}

    def _changeable(self, name: str) -> Shelf:
        shelf = self.find(name)
        if shelf is None:
            raise FolderError("folder_unknown")
        if shelf.name == INBOX or (self.layout.fixed and shelf.use):
            raise FolderError("folder_fixed")
        return shelf

    def append(self, shelf: Shelf, message: Message, flags: Collection[str] = ()) -> Entry:
        """Put a message into a folder, and return its entry (RFC 3501, 6.3.11)."""
        with self._lock:
            shelf.messages.append(message)
            entry = shelf.entries()[-1]
            entry.flags = frozenset(flags)
            self._star(shelf, [entry], starred=True)
        self.changed()
        return entry

    def copy(self, entries: Sequence[Entry], target: Shelf) -> list[Entry]:
        """Copy mails into a folder, and return the entries that they have there (RFC 3501, 6.4.7).

        Where folders are labels, the mail gets the label; in the folders of junk and of what is deleted it
        loses all others.
        """
        labels = self.layout.labels
        with self._lock:
            if labels:
                self._gather()
            there = {it.kept.message: it for it in target.entries()}
            copies = []
            for entry in entries:
                message = entry.kept.message
                if message in there and not labels:
                    message = dataclasses.replace(message)
                if message not in there:
                    target.messages.append(message)
                    there[message] = made = target.entries()[-1]
                    made.flags = entry.flags
                copies.append(there[message])
            self._star(target, copies, starred=True)
            if labels and target.use in {_TRASH, _JUNK}:
                for shelf in self.all:
                    if shelf is not target:
                        _take_out(shelf, entries)
        self.changed()
        return copies

    def move(self, entries: Sequence[Entry], source: Shelf, target: Shelf) -> list[Entry]:
        """Move mails into a folder, and return the entries that they have there (RFC 6851)."""
        copies = self.copy(entries, target)
        if source is not target:
            self.remove(entries, source)
        return copies

    def remove(self, entries: Collection[Entry], shelf: Shelf) -> None:
        """Take mails out of a folder; where folders are labels, they stay in the one that has all mail."""
        if self.layout.labels and shelf.use == _ALL:
            return
        with self._lock:
            if self.layout.labels:
                self._gather()
            _take_out(shelf, entries)
            self._star(shelf, entries, starred=False)
            shelf.entries()
        self.changed()

    def set_flags(self, entry: Entry, flags: frozenset[str], shelf: Shelf) -> None:
        """Set a mail's flags; the caller calls `changed` when it has set all."""
        with self._lock:
            entry.flags = flags
            for it in self.all if self.layout.labels else (shelf,):
                it.version += 1

    def subscribe(self, name: str, *, subscribed: bool) -> None:
        """Put a folder on the list of LSUB, or take a name off.

        Raises:
            FolderError: if there is no folder of that name to put on it.
        """
        shelf = self.find(name)
        if shelf is not None:
            name = shelf.name
        elif subscribed:
            raise FolderError("folder_unknown")
        with self._lock:
            if subscribed:
                self._put_on_list(name)
            else:
                self.subscriptions = tuple(it for it in self.subscriptions if it != name)

    def _put_on_list(self, name: str) -> None:
        if name not in self.subscriptions:
            self.subscriptions += (name,)

    def set_labels(self, entry: Entry, sign: str, labels: Collection[str]) -> None:
        """Add labels to a mail ("+"), take them off ("-"), or have it have these alone ("")."""
        message = entry.kept.message
        with self._lock:
            self._gather()
            for shelf in self.all:
                if shelf.use == _ALL:
                    continue
                named = _label(shelf) in labels or shelf.name in labels
                there = any(it is message for it in shelf.messages)
                if named and sign != "-" and not there:
                    shelf.messages.append(message)
                    self._star(shelf, [entry], starred=True)
                elif there and (named if sign == "-" else not named and not sign):
                    _take_out(shelf, [entry])
                    self._star(shelf, [entry], starred=False)
            known = {it for shelf in self.all for it in (_label(shelf), shelf.name)}
            for name in labels if sign != "-" else ():
                if name not in known:
                    self._add(name, "", [message])
                    self._put_on_list(name)
        self.changed()

    def labels_of(self, entry: Entry, but: Shelf | None = None) -> tuple[str, ...]:
        """Gmail's labels of a mail.

        Args:
            entry: the mail.
            but: a folder whose label is left out.
        """
        message = entry.kept.message
        return tuple(
            _label(it)
            for it in self.all
            if it is not but and it.use != _ALL and any(known is message for known in it.messages)
        )

    def watch(self, tell: Callable[[], object]) -> Callable[[], None]:
        """Call a function after each change, in whatever thread; return what ends that."""
        with self._lock:
            self._watchers += (tell,)

        def end() -> None:
            with self._lock:
                self._watchers = tuple(it for it in self._watchers if it is not tell)

        return end

    def changed(self) -> None:
        """Tell those who watch that something has changed."""
        for tell in self._watchers:
            tell()

    def _add(self, name: str, use: str, messages: list[Message]) -> Shelf:
        self._made += 1
        made = self._by_name[name] = Shelf(name, use, self._made, messages, self._keep)
        return made

    def _keep(self, message: Message) -> Kept:
        kept = self._shared.get(message)
        if kept is None:
            self._numbers += 1
            kept = Kept(message, self._numbers, self._thread_of(message), self._fields(message))
            if any(it is message for it in self._sent):
                kept.flags = frozenset({_SEEN})
            if self.layout.labels:
                self._shared[message] = kept
        return kept

    def _thread_of(self, message: Message) -> int:
        """The number of the first mail that it belongs to, by its identification fields (RFC 5322, 3.6.4)."""
        fields = dict(reversed(header_fields(message.content)))
        named = " ".join(fields.get(it, "") for it in ("references", "in-reply-to", "message-id")).split()
        thread = next((self._threads[it] for it in named if it in self._threads), self._numbers)
        for it in named:
            self._threads.setdefault(it, thread)
        return thread

    def _star(self, shelf: Shelf, entries: Iterable[Entry], *, starred: bool) -> None:
        """Have mails flagged, or no longer, if where folders are labels this is the one of flagged mail."""
        if not self.layout.labels or shelf.use != _FLAGGED:
            return
        for entry in entries:
            flags = entry.kept.flags
            entry.kept.flags = flags | {_FLAGGED} if starred else flags - {_FLAGGED}
        for it in self.all:
            it.version += 1

    def _gather(self) -> None:
        """Have all mail in the folder that has it, and flagged mail in its own, where folders are labels."""
        everything = self.of_use(_ALL)
        if everything is None:
            return
        there = set(everything.messages)
        for shelf in self.all:
            if shelf.use not in {_ALL, _TRASH, _JUNK}:
                new = [it for it in shelf.messages if it not in there]
                everything.messages += new
                there.update(new)
        starred = self.of_use(_FLAGGED)
        if starred is not None:
            kept = self._shared.items()
            flagged = dict.fromkeys(
                message for message, it in kept if _FLAGGED in it.flags and message in there
            )
            left = dict.fromkeys(it for it in starred.messages if it in flagged)
            starred.messages[:] = left | flagged


def _label(shelf: Shelf) -> str:
    return _LABELS.get(shelf.use or shelf.name, shelf.name)


def _take_out(shelf: Shelf, entries: Collection[Entry]) -> None:
    gone = {it.kept.message for it in entries}
    shelf.messages[:] = [it for it in shelf.messages if it not in gone]
