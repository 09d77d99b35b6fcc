"""Python's literals as they stand in texts: strings, and tuples, lists and dictionaries of them.

What is read here comes from anywhere, and so nothing is given to an evaluator or parser of Python's: they
recurse, warn of odd escapes, and want whole lines.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Item", "Literal", "literal_at", "wrapped"]

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
        value: None for what is a name, or anything else that says nothing.
        depth: how many brackets it stands in.
    """

    value: str | int | None
    depth: int


class Literal(NamedTuple):
    """What stands in a literal, from left to right.

    Attributes:
        items: its values.
        complete: whether it ends before its text does.
    """

    items: tuple[Item, ...]
    complete: bool

    @property
    def values(self) -> list[str | int]:
        """All texts and numbers."""
        return [it.value for it in self.items if it.value is not None]


def literal_at(text: str, start: int = 0) -> Literal:
    """The literal that begins somewhere in a text: to its closing bracket, or as far as it makes sense.

    Args:
        text: "(550, b'5.1.1 No such user')"; further text behind it does not matter.
        start: where.
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
    """A string, and where it ends; further than anything where it does not."""
    inside = _INSIDE[quote[2]].match(text, quote.end(), end)
    assert inside is not None
    return _string(inside[0], quote[1].lower()), inside.end() + 1


def _beyond(text: str, at: int, end: int, depth: int, items: list[Item]) -> int:
    """Where a number, a name or space ends; they are put to the items."""
    if number := _NUMBER.match(text, at, end):
        items.append(Item(int(number[0]), depth))
        return number.end()
    if name := _NAME.match(text, at, end):
        if text[name.end() : name.end() + 1] not in {"(", "="}:
            items.append(Item(None, depth))
        return name.end()
    space = _SPACE.match(text, at, end)
    return space.end() if space else at


def wrapped(text: str, line: str, gap: str) -> str:
    r"""A literal's text with the line that it goes on with.

    Args:
        text: its text so far.
        line: the next line.
        gap: what the line end stands for, unless it only follows "\n" for the eye.
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
            # Bytes, as they stand in b'...' and in Python 2's strings.
            return said.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return said
    return said


def _meaning(escape: re.Match[str]) -> str:
    octets, short, long, octal, character = escape.groups()
    if character is not None:
        return _ESCAPED.get(character, character if character in "\\'\"" else escape[0])
    number = int(octal, 8) if octal else int(octets or short or long, 16)
    # No surrogates: what is read here is to be written again.
    return "\ufffd" if number > 0x10FFFF or 0xD800 <= number < 0xE000 else chr(number)
