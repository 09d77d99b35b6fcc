"""Gmail's own search language, as far as X-GM-RAW is answered here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from pytest_mailnet.imap.decoded_text import body_text, field_texts, header_text
from pytest_mailnet.imap.header_fields import parameters_of
from pytest_mailnet.imap.readable import Readable
from pytest_mailnet.imap.search_keys import All, Each, Not, SearchKey, has_flag
from pytest_mailnet.imap.structure import Entity, structure_of

__all__ = ["gmail_query", "has_label"]

_TERM = re.compile(
    r'(?P<no>-)?(?:(?P<operator>[a-z0-9]+):)?(?:"(?P<phrase>[^"]*)"|(?P<word>\S+))', re.IGNORECASE
)
_SYSTEM_LABELS = {
    "inbox": "\\Inbox",
    "sent": "\\Sent",
    "drafts": "\\Draft",
    "starred": "\\Starred",
    "important": "\\Important",
    "spam": "\\Spam",
    "trash": "\\Trash",
}


def gmail_query(query: str) -> SearchKey:
    """Read a query; all its terms must hold.

    Known are from:, to:, cc:, bcc:, subject:, rfc822msgid:, label:, in: (a label, or anywhere), is:unread,
    is:read, is:starred, is:important, has:attachment, words and "phrases", each with "-" before it for the
    contrary. As in Gmail, words are whole words. OR, parentheses, sizes and dates are not known: they are
    words like others.
    """
    return All(tuple(map(_term, _TERM.finditer(query))))


def has_label(label: str) -> Each:
    """Whether a mail has a label, in whatever case that is written."""
    wanted = label.casefold()
    return Each(lambda mail: any(it.casefold() == wanted for it in mail.all_labels))


def _term(term: re.Match[str]) -> SearchKey:
    operator = (term["operator"] or "").lower()
    text = term["word"] if term["phrase"] is None else term["phrase"]
    meaning = _OPERATORS.get(operator)
    key = meaning(text) if meaning else _words(f"{term['operator']}:{text}" if operator else text)
    return Not(key) if term["no"] else key


def _whole(text: str) -> Callable[[str], bool]:
    wanted = text.casefold()

    def found(within: str) -> bool:
        at = within.find(wanted)
        while at >= 0:
            end = at + len(wanted)
            if not (within[at - 1 : at].isalnum() or within[end : end + 1].isalnum()):
                return True
            at = within.find(wanted, at + 1)
        return False

    return found


def _words(text: str) -> SearchKey:
    found = _whole(text)
    return Each(lambda mail: found(header_text(mail.content)) or found(body_text(mail.content)))


def _field(name: str) -> Callable[[str], SearchKey]:
    def key(text: str) -> SearchKey:
        found = _whole(text)
        return Each(lambda mail: any(map(found, field_texts(mail.content, name))))

    return key


def _message_id(text: str) -> SearchKey:
    wanted = text.strip("<>").casefold()
    return Each(lambda mail: any(it.strip("<>") == wanted for it in field_texts(mail.content, "message-id")))


def _label(text: str) -> SearchKey:
    if text.lower() == "anywhere":
        return All()
    return has_label(_SYSTEM_LABELS.get(text.lower(), text))


def _is(text: str) -> SearchKey:
    seen = has_flag("\\Seen")
    known: dict[str, SearchKey] = {"unread": Not(seen), "read": seen, "starred": has_flag("\\Flagged")}
    return known.get(text.lower()) or _label(text)


def _has(text: str) -> SearchKey:
    return Each(_has_attachment) if text.lower() == "attachment" else _words(f"has:{text}")


def _has_attachment(mail: Readable) -> bool:
    return _is_attachment(structure_of(mail.content))


def _is_attachment(part: Entity) -> bool:
    if part.kind == "multipart":
        return any(map(_is_attachment, part.parts))
    written = part.value(b"content-disposition")
    if written is not None and parameters_of(written).value.lower() == "attachment":
        return True
    return any(name.lower() == "name" for name, _ in part.parameters)


_OPERATORS: Mapping[str, Callable[[str], SearchKey]] = MappingProxyType(
    {
        **{it: _field(it) for it in ("from", "to", "cc", "bcc", "subject")},
        "rfc822msgid": _message_id,
        "label": _label,
        "in": _label,
        "is": _is,
        "has": _has,
    }
)
