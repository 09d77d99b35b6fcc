"""What a person sees of a mail: its text, its links, its attachments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart
from html.parser import HTMLParser
from typing import NamedTuple

__all__ = ["Attachment", "attachments_of", "body_of", "links_in"]

_LINK = re.compile(r"https?://[^\s<>\"]+")
_AFTER_A_LINK = ".,;:!?)]}'"  # punctuation of the sentence around the link
_MOST_PARTS = 1000  # of a mail that nests without end, no more are read


class Attachment(NamedTuple):
    """A file in a mail.

    Attributes:
        name: the file name that the mail gives, "" for none; nothing is ever written under that name.
        content_type: such as "application/pdf".
        content: the decoded bytes.
    """

    name: str
    content_type: str
    content: bytes


def body_of(mail: EmailMessage, kind: str) -> str:
    r"""The body of a mail.

    Args:
        mail: the parsed mail.
        kind: "plain" or "html".

    Returns:
        The text, with "\n" at the ends of lines; "" if the mail has no body of that kind.
    """
    part = mail.get_body((kind,))
    return "" if part is None else _decoded(part)


def links_in(text: str, html: str) -> list[str]:
    """The http and https links in a mail, each once, those of its text first.

    Args:
        text: the mail's plain text.
        html: its HTML. Only the targets of links count there, not their texts.
    """
    found = [_without_end(it) for it in _LINK.findall(text)]
    reader = _Links()
    reader.feed(html)
    reader.close()
    return list(dict.fromkeys([*found, *reader.found]))


def attachments_of(mail: EmailMessage) -> list[Attachment]:
    """The attachments of a mail, in order; a forwarded mail is one attachment, with its own inside."""
    found = []
    for number, part in enumerate(_attached(mail)):
        if number == _MOST_PARTS:
            break
        content = part.get_payload(decode=True)
        whole = content if isinstance(content, bytes) else _inner(part)
        found.append(Attachment(part.get_filename() or "", part.get_content_type(), whole))
    return found


def _attached(mail: EmailMessage) -> Iterator[MIMEPart]:
    if mail.is_multipart():
        yield from mail.iter_attachments()


def _inner(part: MIMEPart) -> bytes:
    """The bytes of an attached mail."""
    return b"".join(it.as_bytes() for it in part.iter_parts())


def _decoded(part: MIMEPart) -> str:
    raw = part.get_payload(decode=True)
    content = raw if isinstance(raw, bytes) else b""
    try:
        text = content.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:  # an unknown charset
        text = content.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")


def _without_end(link: str) -> str:
    while link and link[-1] in _AFTER_A_LINK and not (link[-1] == ")" and link.count("(") >= link.count(")")):
        link = link[:-1]
    return link


class _Links(HTMLParser):
    """Collects the targets of links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href") if tag == "a" else None
        if target and _LINK.fullmatch(target.strip()):
            self.found.append(target.strip())
