"""The parts of a bounce that its readers need: its text, its delivery status, the mail that it returns."""

from __future__ import annotations

import codecs
import email
import email.errors
import email.header
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from pytest_mailnet.smtp.headers import addresses_of

__all__ = ["LONGEST", "LONGEST_TEXT", "BouncedMail", "TooDeep"]

LONGEST = 1 << 20
"""How many bytes of a mail are parsed; the bounce's own parts stand before the mail that it returns."""

LONGEST_TEXT = 1 << 16
"""How many characters of a bounce's text are kept; the rest belongs to the mail that it returns."""

_MOST_BOUNDARIES = 100
_BOUNDARY = re.compile(rb"boundary\s*=")
_STATUS_KINDS = ("message/delivery-status", "message/global-delivery-status")  # RFC 3464; RFC 6533
_HEADER_KINDS = ("text/rfc822-headers", "message/global-headers", "message/rfc822-headers")
_MAIL_KINDS = ("message/rfc822", "message/global", "message/partial")
# Japanese texts are often labelled with the wrong one of the Japanese charsets.
_JAPANESE = ("euc_jp", "cp932")
_LIKE_JAPANESE = ("iso-2022-jp", "euc-jp", "shift_jis", "x-sjis", "x-euc-jp")
_UNSEEN = (  # the begin and the end of parts of a page that are not displayed
    (re.compile("<!--"), re.compile("-->")),
    (re.compile(r"<(?:style|script)\b", re.IGNORECASE), re.compile(r"</(?:style|script)>", re.IGNORECASE)),
)
_BREAKS = re.compile(r"<(?:br|/p|/div|/tr|/h\d|/li|/td)\b[^>]{0,500}>", re.IGNORECASE)
_ANY_TAG = re.compile(r"</?[a-z!][^<>@]{0,4000}>", re.IGNORECASE)


class TooDeep(ValueError):
    """Raised for a mail with more nested parts than any bounce has."""


@dataclass(frozen=True, slots=True)
class BouncedMail:
    r"""A mail, decoded. Parts of the returned mail do not count as the bounce's own.

    Attributes:
        head: the header fields.
        text: the text for people, with "\n" as line end; at most `LONGEST_TEXT` characters.
        status: the groups of the delivery status (RFC 3464, 2.1), as text; "" for none.
        returned: the header fields of the returned mail; empty if no part holds one.
        feedback: whether the mail is a feedback report (RFC 5965), a complaint about a mail that arrived.
    """

    head: Message
    text: str
    status: str
    returned: Message
    feedback: bool

    @classmethod
    def parse(cls, content: bytes) -> BouncedMail:
        """Parse a mail, with any line ends.

        Raises:
            TooDeep: if it has more nested parts than a bounce can have.
        """
        content = content[:LONGEST].removeprefix(codecs.BOM_UTF8).lstrip()
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if sum(1 for _ in _BOUNDARY.finditer(content.lower())) > _MOST_BOUNDARIES:
            raise TooDeep(f"has more than {_MOST_BOUNDARIES} nested parts")
        if content.startswith(b"From "):  # the envelope line of an mbox
            content = content.partition(b"\n")[2]
        try:
            head = email.message_from_bytes(content)
        except RecursionError as error:
            raise TooDeep("has parts nested too deep") from error
        return cls._of_message(head)

    @classmethod
    def _of_message(cls, head: Message) -> BouncedMail:
        by_kind: dict[str, list[Message]] = {}
        for part in _own_parts(head):
            by_kind.setdefault(_kind(part), []).append(part)
        texts = [decoded(it) for it in by_kind.get("text", [])] or [
            _without_tags(decoded(it)) for it in by_kind.get("page", [])
        ]
        returned = by_kind.get("returned", [])
        return cls(
            head,
            "\n".join(texts)[:LONGEST_TEXT],
            "\n\n".join(group for it in by_kind.get("status", []) for group in _groups(it)),
            _returned(returned[0]) if returned else Message(),
            "feedback" in by_kind,
        )

    @classmethod
    def of_text(cls, text: str) -> BouncedMail:
        """A bounce of which only the text is left, copied from a screen."""
        return cls(Message(), text[:LONGEST_TEXT], "", Message(), feedback=False)

    def attached(self) -> Iterator[BouncedMail]:
        """The mails that are attached to this one, and not as the mail that a bounce returns."""
        for part in _own_parts(self.head):
            if part.get_content_type() in _MAIL_KINDS:
                yield from map(self._of_message, _held(part))
            # By its name, where what attached it knows no mails.
            elif str(part.get_filename()).lower().endswith(".eml"):
                content = part.get_payload(decode=True)
                yield from [self.parse(content)] if isinstance(content, bytes) else []

    @property
    def sender(self) -> str | None:
        """The reverse-path of the undelivered mail, to which the bounce was sent (RFC 5321, 6.1)."""
        for field in (self.returned["Return-Path"], self.head["To"], self.returned["From"]):
            if field is not None and (address := address_in(field)):
                return address
        return None

    @property
    def subject(self) -> str:
        """The bounce's subject, decoded."""
        return unfolded(_untouched(self.head, "subject"))


def decoded(part: Message) -> str:
    """The text of a part, even if its charset is mislabelled; undecodable bytes become U+FFFD."""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    charset = part.get_content_charset() or "utf-8"
    if b"\x1b$" in content:
        return _without_escapes(content)
    for name in (charset, *(_JAPANESE if charset.startswith(_LIKE_JAPANESE) else ())):
        try:
            return content.decode(name)
        except (LookupError, ValueError):
            continue
    return content.decode("utf-8", "replace")


def _without_escapes(content: bytes) -> str:
    """Decode ISO-2022-JP (RFC 1468); its escape sequences identify it, whatever the label."""
    return content.decode("iso2022_jp_3", "replace")


def _untouched(head: Message, name: str) -> str:
    """A header field as it came, its non-ASCII bytes decoded as UTF-8 (RFC 6532); "" for none."""
    value = next((str(it) for key, it in head.raw_items() if key.lower() == name), "")
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def unfolded(field: str) -> str:
    """A header field in one line, its encoded words decoded (RFC 2047)."""
    if field.isascii() and "=?" not in field:  # as most are
        return " ".join(field.split())
    try:
        text = str(email.header.make_header(email.header.decode_header(field)))
    except (LookupError, ValueError, email.errors.MessageError):
        text = field
    return " ".join(text.split())


def address_in(field: str) -> str | None:
    """The first mail address in a header field; None for none."""
    return next((it for it in addresses_of(" ".join(str(field).split())) if "@" in it), None)


def _own_parts(message: Message) -> Iterator[Message]:
    """All parts of a mail, without those of a returned mail."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        yield part
        if part.get_content_maintype() == "multipart":
            waiting += reversed(_held(part))


def _kind(part: Message) -> str:
    kind = part.get_content_type()
    if kind in _STATUS_KINDS:
        return "status"
    if kind in _MAIL_KINDS or kind in _HEADER_KINDS:
        return "returned"
    if kind == "message/feedback-report":
        return "feedback"
    if kind == "text/html":
        return "page"
    # A multipart without its boundary could not be split; its content is read as text.
    return "text" if kind.startswith(("text/", "multipart/")) and not _held(part) else "other"


def _held(part: Message) -> list[Message]:
    payload = part.get_payload() if part.is_multipart() else []
    return [it for it in payload if isinstance(it, Message)] if isinstance(payload, list) else []


def _groups(part: Message) -> list[str]:
    """The groups of a delivery status, as text; the parser made each of them the header of a mail."""
    told = []
    for group in _held(part):
        fields = "".join(f"{name}: {value}\n" for name, value in group.raw_items())
        rest = group.get_payload(decode=True)
        told.append(
            fields.encode("utf-8", "surrogateescape") + b"\n" + (rest if isinstance(rest, bytes) else b"")
        )
    # RFC 6533, 3 allows an encoded status, unlike RFC 3464.
    encoding = str(part["Content-Transfer-Encoding"] or "")
    return [_readable(_unencoded(it, encoding)) for it in told] or [decoded(part)]


def _unencoded(content: bytes, encoding: str) -> bytes:
    part = Message()
    part["Content-Transfer-Encoding"] = encoding
    part.set_payload(content.decode("ascii", "surrogateescape"))
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _readable(content: bytes) -> str:
    return _without_escapes(content) if b"\x1b$" in content else content.decode("utf-8", "replace")


def _returned(part: Message) -> Message:
    held = _held(part)
    return held[0] if held else email.message_from_string(decoded(part).lstrip()[:65536])


def _without_tags(page: str) -> str:
    for begins, ends in _UNSEEN:
        first, *pieces = begins.split(page)
        closed = (ends.split(piece, maxsplit=1) for piece in pieces)
        page = first + "".join(it[1] for it in closed if len(it) > 1)
    return html.unescape(_ANY_TAG.sub("", _BREAKS.sub("\n", page)))
