"""The sections of a mail that BODY[...] names, cut from its bytes (RFC 3501, 6.4.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_mailnet.imap.command_arguments import Arguments, BadCommand
from pytest_mailnet.imap.mailbox_names import astring
from pytest_mailnet.imap.structure import Entity

__all__ = ["MailSection", "section_named", "section_of"]

_NAMED = re.compile(
    r"(?P<part>[1-9][0-9]{0,8}(?:\.[1-9][0-9]{0,8})*+)?(?:(?(part)\.)"
    r"(?P<text>HEADER(?:\.FIELDS(?:\.NOT)?)?|TEXT|MIME))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class MailSection:
    """A section, "1.2.HEADER.FIELDS (From To)".

    Attributes:
        part: the numbers of parts on the way to it.
        text: "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME", or "" for all of it.
        fields: the names of fields, as written.
    """

    part: tuple[int, ...] = ()
    text: str = ""
    fields: tuple[bytes, ...] = ()

    def written(self) -> bytes:
        """The section as an answer names it."""
        name = ".".join([*map(str, self.part), *filter(None, [self.text])]).encode()
        if not self.text.startswith("HEADER.FIELDS"):
            return name
        return name + b" (" + b" ".join(map(astring, self.fields)) + b")"


def section_named(name: str, arguments: Arguments) -> MailSection:
    """Read a section.

    Args:
        name: what stands between "[" and the next space or "]".
        arguments: what comes after it, up to and with the "]".

    Raises:
        BadCommand: if that names no section.
    """
    found = _NAMED.fullmatch(name)
    if found is None or ((found["text"] or "").upper() == "MIME" and not found["part"]):
        raise BadCommand(f"Expected a section such as 1.2 or HEADER, not {name[:40]!a}")
    part = tuple(map(int, found["part"].split("."))) if found["part"] else ()
    text = (found["text"] or "").upper()
    fields: tuple[bytes, ...] = ()
    if text.startswith("HEADER.FIELDS"):
        arguments.space()
        fields = arguments.list_of(arguments.astring)
        if not fields:
            raise BadCommand("Expected the names of header fields, not ()")
    arguments.take("]")
    return MailSection(part, text, fields)


def section_of(mail: Entity, section: MailSection) -> bytes | None:
    """The bytes of a section, or None if the mail has no such part."""
    if not section.part and not section.text:
        return mail.content
    part = _part(mail, section.part)
    if section.part and section.text not in {"", "MIME"}:
        part = part.parts[0] if part and part.is_message else None
    if part is None:
        return None
    if section.text in {"", "TEXT"}:
        return part.content[part.body : part.end]
    if section.text in {"HEADER", "MIME"}:
        return part.content[part.start : part.body]
    return _fields(part, section)


def _part(mail: Entity, numbers: tuple[int, ...]) -> Entity | None:
    """The part with these numbers; the body of a mail that is not multipart is its part 1."""
    found = mail
    around: Entity | None = mail
    for number in numbers:
        if around is None:
            return None
        if around.kind == "multipart":
            if number > len(around.parts):
                return None
            found = around.parts[number - 1]
        elif number == 1:
            found = around
        else:
            return None
        if found.is_message:
            [around] = found.parts
        else:
            around = found if found.kind == "multipart" else None
    return found


def _fields(part: Entity, section: MailSection) -> bytes:
    """The fields that are named, or the others, with the blank line at the end of the header."""
    named = {it.lower() for it in section.fields}
    wanted = section.text == "HEADER.FIELDS"
    kept = [part.content[it.start : it.end] for it in part.fields if (it.name in named) is wanted]
    blank = part.fields[-1].end if part.fields else part.start
    return b"".join(kept) + part.content[blank : part.body]
