"""One folder of a mailbox, by the numbers that mail programs have for what is in it (RFC 3501, 2.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_mailnet.record.session import Message

__all__ = ["PLAIN", "Entry", "FolderLayout", "Kept", "Shelf"]

_DELETED = "\\Deleted"
_BARE_LF = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class FolderLayout:
    r"""Which folders a provider gives its users.

    Attributes:
        folders: the names of folders besides INBOX, each with its special use (RFC 6154), "\\Sent"; with
            "\\Noselect" for one in which there is no mail.
        delimiter: what stands between a folder and one in it.
        labels: whether a mail that is in several folders is one mail, as Gmail has it.
        keeps_sent: whether the server puts what a user hands in into the folder of sent mail.
        tells_exists: whether a client that is told of mails that have gone, the first of them first, is told
            how many are left as well.
        fixed: whether these folders can neither be renamed nor deleted.
    """

    folders: tuple[tuple[str, str], ...] = ()
    delimiter: str = "/"
    labels: bool = False
    keeps_sent: bool = False
    tells_exists: bool = False
    fixed: bool = True


PLAIN = FolderLayout(
    (("Drafts", "\\Drafts"), ("Junk", "\\Junk"), ("Sent", "\\Sent"), ("Trash", "\\Trash")), fixed=False
)
"""The folders at a server of one's own."""


class Kept:
    r"""A mail as its folder keeps it; where folders are labels, as all of them do.

    Args:
        message: the mail.
        number: see the attribute.
        thread: see the attribute.
        fields: what the server puts before it at its final delivery.

    Attributes:
        message: as above.
        number: counts the mails of the mailbox from 1, in the order in which they came.
        thread: the number of the first mail of its conversation.
        flags: its flags, "\\Seen" and others, but for "\\Deleted", which an `Entry` has; replaced as a whole.
    """

    __slots__ = ("_content", "_fields", "flags", "message", "number", "thread")

    def __init__(self, message: Message, number: int, thread: int, fields: bytes) -> None:
        self.message, self.number, self.thread, self._fields = message, number, thread, fields
        self.flags: frozenset[str] = frozenset()
        self._content: bytes | None = None

    @property
    def content(self) -> bytes:
        """The mail as a reader gets it: the fields that the server has put before it, and the content."""
        if self._content is None:
            whole = self._fields + self.message.trace + self.message.content
            bare = whole.count(b"\n") != whole.count(b"\r\n")
            self._content = _BARE_LF.sub(b"\r\n", whole) if bare else whole
        return self._content

    @property
    def received(self) -> datetime:
        """When it came, by the net's clock."""
        return self.message.received


class Entry:
    """A mail in a folder.

    Args:
        uid: its number in the folder, which no other mail there will ever have.
        kept: the mail.
    """

    __slots__ = ("_deleted", "kept", "uid")

    def __init__(self, uid: int, kept: Kept) -> None:
        self.uid, self.kept = uid, kept
        self._deleted = False

    @property
    def flags(self) -> frozenset[str]:
        r"""Its flags. Where folders are labels, the mail has them in all folders, but for "\\Deleted"."""
        return self.kept.flags | {_DELETED} if self._deleted else self.kept.flags

    @flags.setter
    def flags(self, flags: frozenset[str]) -> None:
        self._deleted = _DELETED in flags
        self.kept.flags = flags - {_DELETED}


class Shelf:
    """What is in one folder. Its messages are a list that the test and the servers change as well.

    Args:
        name: its name, with those of the folders that it is in.
        use: its special use (RFC 6154); "" for none.
        validity: tells it from an earlier folder of that name (UIDVALIDITY).
        messages: the list.
        kept: returns a message as the folder keeps it.

    Attributes:
        name, use, validity, messages: as above.
        uid_next: the uid that the next mail gets.
        recent_from: the first uid that no session has been told of as recent.
        version: counts the changes.
    """

    def __init__(
        self, name: str, use: str, validity: int, messages: list[Message], kept: Callable[[Message], Kept]
    ) -> None:
        self.name, self.use, self.validity, self.messages = name, use, validity, messages
        self.uid_next: int = 1
        self.recent_from: int = 1
        self.version: int = 0
        self._kept = kept
        self._known: list[Message] = []
        self._held: set[Message] = set()
        self._entries: tuple[Entry, ...] = ()

    @property
    def selectable(self) -> bool:
        r"""Whether there can be mail in it; Gmail's "[Gmail]" only has other folders in it."""
        return self.use != "\\Noselect"

    def entries(self) -> tuple[Entry, ...]:
        """What is in it, by ascending uids, after a look at what the list of messages holds now.

        The caller holds the lock of its `Shelves`.
        """
        now, known = list(self.messages), self._known
        if now != known:  # equal messages are one object
            new = now[len(known) :]
            if now[: len(known)] != known:
                self._held.intersection_update(now)
                self._entries = tuple([it for it in self._entries if it.kept.message in self._held])
                new = now
            new = [it for it in dict.fromkeys(new) if it not in self._held]
            self._held.update(new)
            self._entries += tuple([Entry(uid, self._kept(it)) for uid, it in enumerate(new, self.uid_next)])
            self._known = now
            self.uid_next += len(new)
            self.version += 1
        return self._entries
