"""Takes away what has been put around a copied text: quoting, indentation, fences, links, a form."""

from __future__ import annotations

import html
import re
import urllib.parse
from typing import NamedTuple

from pytest_mailnet.evidence.decoding import counted

__all__ = ["Plain", "forwarded", "unquoted"]

_FENCE = re.compile(r"^[ \t]{0,8}(?:```|~~~)[\w-]{0,20}[ \t]*(?:\n|\Z)", re.MULTILINE)
# One level of a reply's quoting (RFC 3676, 4.5). ">>>" is Python's prompt, and the mark of some transcripts.
_QUOTED = re.compile(r"[ \t]{0,3}>(?!>>(?!>))(?:[ ]|$|(?=\S))")
_PROMPT = re.compile(r">>>(?:[ ]|$)")
_TRANSCRIPT = re.compile(r"[ \t]{0,8}(?:<|\*|->)(?:[ ~*-]|$)")
_DEEPEST = 5
_EXIM = re.compile(r" {2}\S{1,320}@\S{1,255}$")  # its bounces tell recipients by their indentation
_FORWARDED = re.compile(
    r"^[ \t]*(?:-{2,} ?(?:Forwarded|Original|Weitergeleitete|Urspr\w{1,4}ngliche)[^\n-]{1,30}-{2,}"
    r"|Begin forwarded message:)[ \t]*\n\s*(?=[A-Za-z-]{2,30}: )",
    re.IGNORECASE | re.MULTILINE,
)
_FORM = "mandrill_events="  # the body in which Mandrill posts its JSON
_LINK = re.compile(r"\[([^\[\]\n]{1,320})\]\((?:mailto:|https?://)[^()\s]{1,400}\)")
# Slack's form of links; of an address the angle brackets are mostly its own.
_SLACK = re.compile(r"<?<(mailto:|https?://)[^|<>\s]{1,400}\|([^|<>\n]{1,320})>>?")
# The signs by which a text is HTML that was copied as it is: addresses or Python's quotes as entities.
_ENTITIES = re.compile(r"&lt;[^\s<>&]{1,64}@[^\s<>&]{1,255}&gt;|&#(?:x27|39);")
_TAG = re.compile(
    r"</?(?:html|head|body|p|div|pre|br|span|td|th|tr|table|tbody|code|blockquote|h\d|ul|li|a|b|i)\b[^<>\n]{0,500}>",
    re.IGNORECASE,
)


class Plain(NamedTuple):
    """A text as it was before somebody copied it.

    Attributes:
        text: the text.
        left_out: what was taken away: "12 lines not quoted".
    """

    text: str
    left_out: tuple[str, ...] = ()


def unquoted(text: str, *, answered: bool = False) -> Plain:
    """A text as it was before it was quoted, indented or fenced; the text itself if it was not.

    Where lines are quoted only these are kept: the others are those of whoever has quoted them.

    Args:
        text: the text, with any number of quotations in each other.
        answered: whether somebody may have written more than he quotes; if not, most lines have to be quoted.
    """
    text, fences = _FENCE.subn("", text)
    text, links = _LINK.subn(r"\1", text)
    text, of_slack = _SLACK.subn(lambda it: f"<{it[2]}>" if it[1] == "mailto:" else it[2], text)
    if '{"' not in text and _ENTITIES.search(text):
        text = html.unescape(_TAG.sub("", text))
    if text.lstrip().startswith(_FORM):
        return Plain(urllib.parse.unquote_plus(text.lstrip().removeprefix(_FORM).partition("&")[0]))
    others = 0
    for level in range(_DEEPEST):
        inner, left = _without_marks(text, most=level > 0 or not answered)
        inner, others = _dedented(inner), others + left
        if inner == text:
            break
        text = inner
    taken = counted(fences, "line", "of fences") + counted(links + of_slack, "target", "of links")
    return Plain(text, counted(others, "line", "not quoted") + taken)


def forwarded(text: str) -> Plain:
    """The mail that is forwarded in the text of another, with its header; the text itself if none is."""
    found = _FORWARDED.search(text)
    if found is None:
        return Plain(text)
    return Plain(
        text[found.end() :], counted(len(_filled(text[: found.start()])), "line", "above what is forwarded")
    )


def _filled(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def _without_marks(text: str, *, most: bool) -> tuple[str, int]:
    """A text without one level of quotation, and how many lines were not quoted."""
    filled = _filled(text)
    quoted = sum(1 for line in filled if _QUOTED.match(line) and not _PROMPT.match(line))
    # Half of the lines of a transcript may begin so too; the other half then has a mark of its own.
    if not quoted or (most and quoted * 2 <= len(filled)) or any(_TRANSCRIPT.match(line) for line in filled):
        return text, 0
    inner = (line[found.end() :] for line in text.split("\n") if (found := _QUOTED.match(line)))
    return "\n".join(inner), len(filled) - quoted


def _dedented(text: str) -> str:
    """A text without the blanks that all of its lines begin with."""
    filled = _filled(text)
    if filled and _EXIM.match(filled[0]):
        return text
    depth = min((len(line) - len(line.lstrip(" \t")) for line in filled), default=0)
    return "\n".join(line[depth:] for line in text.split("\n")) if depth else text
