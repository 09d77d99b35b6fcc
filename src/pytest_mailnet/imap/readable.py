"""What IMAP has to know of a mail to show it or to find it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

__all__ = ["Readable"]


class Readable(Protocol):
    """A mail in a mailbox that is read."""

    @property
    def uid(self) -> int:
        """Its unique identifier in this mailbox (RFC 3501, 2.3.1.1)."""

    @property
    def content(self) -> bytes:
        """What the reader gets, trace fields included; line ends are CRLF."""

    @property
    def flags(self) -> frozenset[str]:
        r"""Its flags, as RFC 3501 writes them, `\Seen`; never `\Recent`."""

    @property
    def recent(self) -> bool:
        """Whether this session is the first that is told of it."""

    @property
    def received(self) -> datetime:
        """Its internal date, in UTC."""

    @property
    def message_id(self) -> int:
        """Gmail's X-GM-MSGID."""

    @property
    def thread_id(self) -> int:
        """Gmail's X-GM-THRID."""

    @property
    def labels(self) -> tuple[str, ...]:
        r"""Gmail's labels, such as `\Inbox` or "Work", but for that of the folder that is selected."""

    @property
    def all_labels(self) -> tuple[str, ...]:
        """All of Gmail's labels."""
