"""Reads Python literals in texts: strings, numbers, and tuples, lists and dictionaries of them.

The texts may be hostile or cut off, so Python's own parser is not used: it recurses, warns of odd escapes,
and needs whole lines.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Item", "Literal", "literal_at", "with_next_line"]

_QUOTE = re.compile(r"([A-Za-z]{0,2})(['\"])")
_INSIDE = {
    "'": re.compile(r"(?:[^'\\]|\\.)*+", re.DOTALL),
    '"': re.compile(r'(?:[^"\\]|\\.)*+', re.DOTALL),
}
_NUMBER = re.compile(r"-?[0-9]{1,9}(?![\w.])")
_NAME = re.compile(r"[A-Za-z_][\w.]*+")
_SPACE = re.compile(r"[\s,:=*+]*+")
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(.))", re.DOTALL
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\n": ""}
_LONGEST = 1 << 16
_MOST_ITEMS = 50_000


class Item(NamedTuple):
    """One value of a literal.

    Attributes:
        value: a string or number; None for a name, an f-string or any other expression.
        depth: the number of brackets around it.
    """

    value: str | int | None
    depth: int


class Literal(NamedTuple):
    """A literal that was read from a text.

    Attributes:
        items: its values, from left to right.
        complete: whether its end is in the text.
    """

    items: tuple[Item, ...]
    complete: bool

    @property
    def values(self) -> list[str | int]:
        """All strings and numbers, from left to right."""
        return [it.value for it in self.items if it.value is not None]


def literal_at(text: str, start: int = 0) -> Literal:
    """The literal at a position in a text, up to its closing bracket or as far as it can be read.

    Args:
        text: "(550, b'5.1.1 No such user')"; text behind the literal is ignored.
        start: the index of its first character.
    """
    items: list[Item] = []
    depth, at, end = 0, start, min(len(text), start + _LONGEST)
    while at < end and len(items) < _MOST_ITEMS:
        if text[at] in "([{":
            depth, at = depth + 1, at + 1
        elif text[at] in ")]}":
            depth, at = depth - 1, at + 1
            if depth <= 0:
                return Literal(tuple(items), complete=True)
        elif quote := _QUOTE.match(text, at, end):
            value, at = _quoted(text, quote, end)
            items.append(Item(value, depth))
            if depth == 0 or at > end:
                return Literal(tuple(items), complete=at <= end)
        elif (beyond := _beyond(text, at, end, depth, items)) > at:
            at = beyond
        else:
            break
    return Literal(tuple(items), complete=False)


def _quoted(text: str, quote: re.Match[str], end: int) -> tuple[str | None, int]:
    """The value of a string and the index behind its end, which is beyond `end` if the string is cut off."""
    inside = _INSIDE[quote[2]].match(text, quote.end(), end)
    assert inside is not None
    return _string(inside[0], quote[1].lower()), inside.end() + 1


def _beyond(text: str, at: int, end: int, depth: int, items: list[Item]) -> int:
    """The index behind a number, a name or space, after adding numbers and names to the items."""
    if number := _NUMBER.match(text, at, end):
        items.append(Item(int(number[0]), depth))
        return number.end()
    if name := _NAME.match(text, at, end):
        if text[name.end() : name.end() + 1] not in {"(", "="}:
            items.append(Item(None, depth))
        return name.end()
    space = _SPACE.match(text, at, end)
    return space.end() if space else at


def with_next_line(text: str, line: str, gap: str) -> str:
    r"""The text of a literal with its next line appended.

    Args:
        text: the text of the literal so far.
        line: the next line.
        gap: the characters that replace the line end; none are added if the text ends with an escaped "\n",
            because the line end was then added only for display.
    """
    return text + line if text.endswith(r"\n") else text + gap + line


def _string(text: str, kind: str) -> str | None:
    if "f" in kind:
        return None
    if "\\" not in text or "r" in kind:
        return text
    said = _ESCAPE.sub(_meaning, text)
    if "\\x" in text:
        try:
            # The escapes are bytes, as in b'...' and in Python 2's strings.
            return said.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return said
    return said


def _meaning(escape: re.Match[str]) -> str:
    octets, short, long, octal, character = escape.groups()
    if character is not None:
        return _ESCAPED.get(character, character if character in "\\'\"" else escape[0])
    number = int(octal, 8) if octal else int(octets or short or long, 16)
    # No surrogates: they could not be written out again.
    return "\ufffd" if number > 0x10FFFF or 0xD800 <= number < 0xE000 else chr(number)
