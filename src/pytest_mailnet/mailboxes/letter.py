"""Mails that the owners of mailboxes write, and those that their mailboxes send for them."""

from __future__ import annotations

import email.header
import email.utils
import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_mailnet.printable import printable
from pytest_mailnet.smtp.headers import header_fields

if TYPE_CHECKING:
    from pytest_mailnet.record.session import Message

__all__ = ["answered_fields", "encoded", "letter"]

_LONGEST = 900  # of a field's value; RFC 5322, 2.1.1


def letter(
    author: str,
    to: Iterable[str],
    subject: str,
    text: str,
    now: datetime,
    *,
    more: Iterable[tuple[str, str]] = (),
    about: bytes = b"",
) -> bytes:
    """A mail in plain text. Nothing in it is random: the same arguments give the same mail.

    Args:
        author: the address of whoever writes it.
        to: those to whom it is written.
        subject: its subject.
        text: what it says.
        now: the time to write in Date.
        more: further header fields; those without a value are left out.
        about: what else makes it another mail than one with the same words.
    """
    to = tuple(to)
    made = hashlib.sha256(repr((author, to, now, subject, text)).encode() + about).hexdigest()
    fields = [
        ("From", f"<{author}>"),
        ("To", ", ".join(f"<{it}>" for it in to)),
        ("Subject", encoded(subject)),
        ("Date", email.utils.format_datetime(now)),
        ("Message-ID", f"<{made[:24]}@{author.rpartition('@')[2]}>"),
        *more,
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "7bit" if text.isascii() else "8bit"),
    ]
    shown = ((name, printable(value.replace("\t", " "))[:_LONGEST]) for name, value in fields if value)
    head = "".join(f"{name}: {value}\r\n" for name, value in shown)
    return (head + "\r\n" + "".join(f"{line}\r\n" for line in text.splitlines())).encode()


def answered_fields(message: Message) -> list[tuple[str, str]]:
    """The fields that put an answer into the thread of a message (RFC 5322, 3.6.4).

    Args:
        message: the message that is answered.
    """
    values = dict(reversed(header_fields(message.content)))
    asked = values.get("message-id", "")
    before = values.get("references", values.get("in-reply-to", ""))
    return [("In-Reply-To", asked), ("References", " ".join(filter(None, (before, asked))))]


def encoded(text: str) -> str:
    """A text as a header field may have it (RFC 2047)."""
    return text if text.isascii() else email.header.Header(text, "utf-8").encode().replace("\n ", " ")
