"""The folders of a mailbox, as a test sees them: `alice.folders["Sent"].messages`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_mailnet.errors import UnknownName
from pytest_mailnet.handles.attributes import steady

if TYPE_CHECKING:
    from pytest_mailnet.mailboxes.shelf import Shelf
    from pytest_mailnet.mailboxes.shelves import Shelves
    from pytest_mailnet.record.session import Message

__all__ = ["Folder", "Folders"]

_SEEN = "\\Seen"
_OF_A_FOLDER: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("mail", "mails", "emails"), "its .messages are what is in it"),
        "messages": "folder.messages.clear() empties it",
        "flags": "a mail program sets them",
    }
)


@steady("a folder", _OF_A_FOLDER)
class Folder:
    """One folder of a mailbox.

    Args:
        shelf: what is in it.
        shelves: the mailbox's folders.
    """

    def __init__(self, shelf: Shelf, shelves: Shelves) -> None:
        self._shelf, self._shelves = shelf, shelves

    @property
    def name(self) -> str:
        """Its name, with those of the folders that it is in: "Projects/2026"."""
        return self._shelf.name

    @property
    def use(self) -> str:
        r"""Its special use (RFC 6154), "\\Sent"; "" for none."""
        return self._shelf.use

    @property
    def messages(self) -> list[Message]:
        """The messages in it, oldest first; a test can take messages out of the list."""
        self._shelves.entries(self._shelf)
        return self._shelf.messages

    @property
    def flags(self) -> list[frozenset[str]]:
        r"""The flags of each of its messages, in the same order: {"\\Seen"} for one that was read."""
        return [it.flags for it in self._shelves.entries(self._shelf)]

    @property
    def unread(self) -> int:
        """How many of its messages have not been read."""
        return sum(_SEEN not in it for it in self.flags)

    def __repr__(self) -> str:
        count = len(self.messages)
        use = f" {self.use}" if self.use else ""
        return f"<Folder {self.name}{use}, {count} message{'s' * (count != 1)}>"


class Folders(Mapping[str, Folder]):
    """The folders of a mailbox by name, INBOX first.

    Args:
        shelves: what is in them.
    """

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def __getitem__(self, name: str) -> Folder:
        found = self._shelves.find(name) if isinstance(name, str) else None
        if found is None:
            known = [it.name for it in self._shelves.all]
            raise UnknownName("folder", str(name), known, "A mail program makes one with CREATE.")
        return Folder(found, self._shelves)

    def __iter__(self) -> Iterator[str]:
        return iter([it.name for it in self._shelves.all])

    def __len__(self) -> int:
        return len(self._shelves.all)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._shelves.find(name) is not None

    def __repr__(self) -> str:
        return repr(list(self.values()))
