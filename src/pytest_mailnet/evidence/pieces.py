"""The pieces that a file of evidence is read in: the mails of a mailbox, a mail, a text."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pytest_mailnet.evidence.decoding import LONGEST_TEXT, TextLines, mails_of, text_of
from pytest_mailnet.evidence.plain import Plain, forwarded, unquoted

__all__ = ["Piece", "is_mail", "pieces_of"]

_FIELD = re.compile(r"[!-9;-~]{1,76}:(?:[ \t]|$)")
_MAIL_FIELDS = re.compile(
    r"^(?:from|to|subject|date|received|return-path|message-id|content-type|mime-version|delivered-to|reply-to"
    r"|x-failed-recipients|envelope-to|sender|auto-submitted):",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of evidence, decoded and unquoted: a mail, or a text.

    Attributes:
        name: the name of the file, or of the mail in it.
        mail: the mail, without what is too long in it; empty for a text.
        lines: the lines of the text, as they are read.
        begins: the text's beginning, by which its format is recognised.
    """

    name: str
    mail: bytes
    lines: TextLines
    begins: str
    _left_out: tuple[str, ...]

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was left out until now; in a text it becomes more while the lines are read."""
        return self._left_out + self.lines.left_out


def pieces_of(stream: BinaryIO, head: bytes, name: str, read: Callable[[int], object]) -> Iterator[Piece]:
    """The pieces of a file, one after the other as they are read.

    Args:
        stream: the rest of the file, behind `head`.
        head: the beginning of the file, already read.
        name: the file's name.
        read: called with the size of each block in bytes, as it is read.
    """
    plain = Plain(text_of(head))
    if not is_mail(plain.text) and _before_copied(plain.text).text != plain.text:
        head += stream.read(LONGEST_TEXT)
        if len(head) <= LONGEST_TEXT:  # nobody quotes or indents more
            plain = _before_copied(text_of(head))
            stream, head = io.BytesIO(), plain.text.encode("utf-8", "replace")
    is_mailbox = plain.text.startswith("From ") and is_mail(plain.text.partition("\n")[2])
    lines = TextLines(stream, head, read)
    if not is_mailbox and not is_mail(plain.text):
        yield Piece(name, b"", lines, plain.text, plain.left_out)
        return
    for number, mail in enumerate(mails_of(stream, head, mailbox=is_mailbox), start=1):
        called = f"{name}, mail {number}" if is_mailbox else name
        yield Piece(called, mail.content, lines, "", plain.left_out + mail.left_out)


def _before_copied(text: str) -> Plain:
    """A text as it was before it was copied, or the mail that somebody has forwarded in it."""
    plain = unquoted(text)
    inner = forwarded(plain.text)
    return Plain(inner.text, plain.left_out + inner.left_out) if is_mail(inner.text) else plain


def is_mail(text: str) -> bool:
    """Whether a text begins like a mail: with a field that mails have, in a header."""
    head = text.lstrip().partition("\n\n")[0]
    return bool(_FIELD.match(head) and _MAIL_FIELDS.search(head))
