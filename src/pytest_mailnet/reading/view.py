"""A folder as one IMAP session knows it: which mail has which number, and what was told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_mailnet.imap.fetching import written_flags

if TYPE_CHECKING:
    from pytest_mailnet.mailboxes.shelf import Entry, Shelf
    from pytest_mailnet.mailboxes.shelves import Shelves

__all__ = ["View", "Viewed"]


class Viewed:
    """A mail in a session's view, as it is fetched and searched (`imap.mail.Readable`).

    Args:
        entry: the mail in its folder.
        recent: whether this session is the first to be told of it.
        view: the view.
    """

    __slots__ = ("_view", "entry", "recent", "told")

    def __init__(self, entry: Entry, view: View, *, recent: bool) -> None:
        self.entry, self.recent, self._view = entry, recent, view
        self.told: frozenset[str] = entry.flags

    @property
    def uid(self) -> int:
        """Its number in the folder."""
        return self.entry.uid

    @property
    def content(self) -> bytes:
        """Its bytes."""
        return self.entry.kept.content

    @property
    def flags(self) -> frozenset[str]:
        """Its flags."""
        return self.entry.flags

    @property
    def received(self) -> datetime:
        """When it came."""
        return self.entry.kept.received

    @property
    def message_id(self) -> int:
        """Gmail's number of it, the same in all folders."""
        return _GMAIL_FROM + self.entry.kept.number

    @property
    def thread_id(self) -> int:
        """Gmail's number of its conversation."""
        return _GMAIL_FROM + self.entry.kept.thread

    @property
    def labels(self) -> tuple[str, ...]:
        """Gmail's labels of it, but for that of the folder that is selected."""
        return self._view.shelves.labels_of(self.entry, self._view.shelf)

    @property
    def all_labels(self) -> tuple[str, ...]:
        """All of Gmail's labels of it."""
        return self._view.shelves.labels_of(self.entry)


class View:
    """A folder as one session knows it.

    Args:
        shelf: the folder.
        shelves: the mailbox's folders.
        read_only: whether it was opened by EXAMINE.

    Attributes:
        shelf, shelves, read_only: as above.
        mails: those that the client knows, by their numbers from 1.
    """

    def __init__(self, shelf: Shelf, shelves: Shelves, *, read_only: bool) -> None:
        self.shelf, self.shelves, self.read_only = shelf, shelves, read_only
        recent_from = shelf.recent_from
        entries = shelves.entries(shelf)
        if not read_only:
            shelf.recent_from = shelf.uid_next
        self.mails: list[Viewed] = [Viewed(it, self, recent=it.uid >= recent_from) for it in entries]
        self._version = shelf.version
        self._end: Callable[[], object] = bool

    def watch(self, tell: Callable[[], object]) -> None:
        """Call a function after each change of the mailbox, until `end`."""
        self._end()
        self._end = self.shelves.watch(tell)

    def end(self) -> None:
        """Watch no more."""
        self._end()
        self._end = bool

    def news(self, *, keep_numbers: bool = False) -> list[bytes]:
        """What has changed since the client was told last, as untagged responses (RFC 3501, 7.3 and 7.4).

        Args:
            keep_numbers: whether the client must not be told now that mails have gone.
        """
        entries = self.shelves.entries(self.shelf)
        if self._version == self.shelf.version:
            return []
        there = {it.uid for it in entries}
        told: list[bytes] = []
        gone = [number for number, it in enumerate(self.mails, 1) if it.uid not in there]
        if gone and not keep_numbers:
            self.mails = [it for it in self.mails if it.uid in there]
            told += self._expunged(gone)
        last = self.mails[-1].uid if self.mails else 0
        new = [it for it in entries if it.uid > last] if not gone or not keep_numbers else []
        if new:
            recent_from = self.shelf.recent_from
            self.mails += [Viewed(it, self, recent=it.uid >= recent_from) for it in new]
            if not self.read_only:
                self.shelf.recent_from = self.shelf.uid_next
            told.append(b"* %d EXISTS\r\n* %d RECENT\r\n" % (len(self.mails), self.recent))
        told += self._changed_flags()
        if not (gone and keep_numbers):
            self._version = self.shelf.version
        return told

    def _expunged(self, gone: list[int]) -> list[bytes]:
        if not self.shelves.layout.tells_exists:
            return [b"* %d EXPUNGE\r\n" % number for number in reversed(gone)]
        # With each that goes, the numbers of those behind it become less by one (RFC 3501, 7.4.1).
        told = [b"* %d EXPUNGE\r\n" % (number - before) for before, number in enumerate(gone)]
        return [*told, b"* %d EXISTS\r\n" % len(self.mails)]

    def _changed_flags(self) -> Iterator[bytes]:
        for number, it in enumerate(self.mails, 1):
            if it.told != it.flags:
                it.told = it.flags
                yield b"* %d FETCH (FLAGS %s)\r\n" % (number, written_flags(it.flags, recent=it.recent))

    @property
    def recent(self) -> int:
        """How many mails this session is the first to be told of."""
        return sum(it.recent for it in self.mails)


_GMAIL_FROM = 1278455344230334000  # in the range of those in Google's examples
