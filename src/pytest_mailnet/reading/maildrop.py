"""The mails of an INBOX as one POP3 session has them (RFC 1939), and the forms in which it sends them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_mailnet.mailboxes.shelves import Shelves

__all__ = ["Maildrop", "NoSuchMail", "multiline", "top_of"]


class NoSuchMail(Exception):
    """A number that no mail has, or one that is marked as deleted.

    Attributes:
        condition: which of them, as servers have words for it: "no_such_message", "message_deleted".
    """

    def __init__(self, condition: str) -> None:
        super().__init__(condition)
        self.condition: str = condition


class Maildrop:
    """What was in an INBOX when the session began; its numbers stay until the session ends (RFC 1939, 5).

    What others take out meanwhile can still be read here, and what comes is for the next session. So it needs
    no lock, which RFC 1939, 4 wants "as necessary", and which Dovecot's pop3_lock_session has off by default.

    Args:
        shelves: the folders of the user.

    Attributes:
        count: how many mails are not marked as deleted.
        octets: how many octets they have, as they are sent.
    """

    def __init__(self, shelves: Shelves) -> None:
        self._shelves, self._inbox = shelves, shelves.all[0]
        self._entries = shelves.entries(self._inbox)
        self._sizes = [_octets(it.kept.content) for it in self._entries]
        self._deleted: set[int] = set()
        self.count: int = len(self._entries)
        self.octets: int = sum(self._sizes)

    def __iter__(self) -> Iterator[int]:
        """The numbers of the mails that are not marked as deleted."""
        return (it for it in range(1, len(self._entries) + 1) if it not in self._deleted)

    def check(self, number: int) -> int:
        """Return the number of a mail.

        Raises:
            NoSuchMail: if no mail has it, or the mail is marked as deleted.
        """
        if not 0 < number <= len(self._entries):
            raise NoSuchMail("no_such_message")
        if number in self._deleted:
            raise NoSuchMail("message_deleted")
        return number

    def size(self, number: int) -> int:
        """How many octets a mail has, as it is sent."""
        return self._sizes[number - 1]

    def uid(self, number: int) -> str:
        """The unique-id of a mail, in the form of Dovecot's `pop3_uidl_format = %08Xu%08Xv`."""
        return f"{self._entries[number - 1].uid:08x}{self._inbox.validity:08x}"

    def lines(self, number: int) -> bytes:
        """A mail, as lines that end with CRLF."""
        content = self._entries[number - 1].kept.content
        return content if content.endswith(b"\n") else content + b"\r\n"

    def delete(self, number: int) -> None:
        """Mark a mail as deleted."""
        self._deleted.add(number)
        self.count -= 1
        self.octets -= self.size(number)

    def restore(self) -> None:
        """Take all marks away (RFC 1939, 5: RSET)."""
        self._deleted.clear()
        self.count, self.octets = len(self._entries), sum(self._sizes)

    def update(self) -> None:
        """Remove the mails that are marked as deleted (RFC 1939, 6)."""
        self._shelves.remove([self._entries[it - 1] for it in self._deleted], self._inbox)


def _octets(content: bytes) -> int:
    """How many octets a content has once its last line ends with CRLF too (RFC 1939, 11)."""
    return len(content) + (0 if content.endswith(b"\n") else 2)


def top_of(lines: bytes, wanted: int) -> bytes:
    """The header of a mail, the empty line, and the first lines of its body (RFC 1939, 7: TOP).

    Args:
        lines: the mail, as lines that end with CRLF.
        wanted: how many lines of the body.
    """
    end = (b"\r\n" + lines).find(b"\r\n\r\n")
    if end < 0:  # all is header
        return lines
    rest = lines[end + 2 :].split(b"\r\n", min(wanted, len(lines)))
    return lines[: len(lines) - len(rest[wanted])] if len(rest) > wanted else lines


def multiline(lines: bytes) -> bytes:
    """Lines as the rest of a response: dot-stuffed, and with the dot that ends them (RFC 1939, 3).

    Args:
        lines: they end with CRLF each.
    """
    return (b"\r\n" + lines).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
