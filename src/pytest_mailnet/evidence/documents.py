"""Finds JSON documents in texts: one in all, one a line, or between the lines of a log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["BEGINS_JSON", "documents_in", "documents_within", "object_in_line"]

BEGINS_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
"""Matches the beginning of a document that can be evidence; "[2026-03-09 10:00:00]" begins a log's line."""

_DECODER = json.JSONDecoder()
_OF_CONTAINERS = ('{"log":', '"MESSAGE"')  # docker's and the journal's lines; readers of lines unpack them
_PAIR = re.compile(
    r"(?<![^\s,(])([A-Za-z_][\w.]{0,40}) ?= ?(\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|[^\s,\"]+)"
)
_ESCAPED = re.compile(r"\\([\"'n])")
_DEEPEST = 6
_MOST_WITHIN = 2000
_MOST_ATTEMPTS = 20
_LONGEST_PAIRS = 20_000


def documents_in(text: str) -> tuple[list[Any], str]:
    """Find the documents in a text, and the lines between them.

    Args:
        text: one document, one a line (JSON Lines), several one after the other, or a log with some of these.
    """
    documents: list[Any] = []
    others: list[str] = []
    at, left = 0, _MOST_ATTEMPTS
    while at < len(text):
        line = text.find("\n", at) % (len(text) + 1)
        found = BEGINS_JSON.match(text, at)
        document, end = None, line
        if found is not None:
            start = at + len(found[0]) - len(found[0].lstrip())
            try:
                if left:
                    document, end = _DECODER.raw_decode(text, start)
                else:  # a text may have a bracket in every line, and each error goes through all of it
                    document = json.loads(text[start:line])
            except (ValueError, RecursionError):
                left -= left > 0
        if document is None:
            others.append(text[at:line])
            at = line + 1
        else:
            documents.append(document)
            at = end + 1 if text[end : end + 1] == "\n" else end
    return documents, "\n".join(others)


def object_in_line(line: str, *, pairs: bool = False) -> Any:
    """The object, or array of objects, that a line of a log ends with; None if there is none.

    Args:
        line: the line, with or without something in front of the object.
        pairs: whether to take pairs of names and values, as logfmt has them, for an object too.
    """
    begins, ends = line.find('{"'), line.rstrip(" \t\r\n'")  # a shell's quotes, as around what curl posts
    if begins >= 0 and ends.endswith(("}", "]")) and not any(it in line for it in _OF_CONTAINERS):
        begins -= ends[begins - 1 : begins] == "["
        try:
            return json.loads(ends[begins:])
        except (ValueError, RecursionError):
            return None
    if not pairs or "=" not in line:
        return None
    named = {it[1]: _unescaped(it[2]) for it in _PAIR.finditer(line[:_LONGEST_PAIRS])}
    return named if len(named) > 1 else None


def documents_within(document: Any, is_wanted: Callable[[Any], bool]) -> Iterator[Any]:
    """The outermost objects and arrays of a kind in a document, also where one stands as a text in it."""
    level, seen = [document], 0
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for it in level:
            for value in it.values() if isinstance(it, dict) else it:
                found = _parsed(value) if isinstance(value, str) else value
                if isinstance(found, dict | list) and is_wanted(found):
                    yield found
                elif isinstance(found, dict | list):
                    inner.append(found)
                seen += 1
                if seen > _MOST_WITHIN:
                    return
        level = inner


def _parsed(text: str) -> Any:
    if not BEGINS_JSON.match(text):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _unescaped(value: str) -> str:
    if value[:1] not in {'"', "'"}:
        return value
    return _ESCAPED.sub(lambda it: "\n" if it[1] == "n" else it[1], value[1:-1])
