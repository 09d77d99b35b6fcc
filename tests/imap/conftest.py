"""Mails as IMAP sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest


@dataclass(frozen=True)
class Stored:
    """A mail in a mailbox."""

    content: bytes = b"Subject: x\r\n\r\nx\r\n"
    uid: int = 1
    flags: frozenset[str] = frozenset()
    recent: bool = False
    received: datetime = datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)
    message_id: int = 1278455344230334865
    thread_id: int = 1266894439832287888
    labels: tuple[str, ...] = ()

    @property
    def all_labels(self) -> tuple[str, ...]:
        return self.labels


@pytest.fixture
def stored():
    return Stored
