"""Replies to the letter: their lines, and what libraries make of them put together again."""

from __future__ import annotations

__all__ = ["lines_of", "reply_of", "to_the_letter"]

_LONGEST_LINE = 2000  # RFC 5321, 4.5.3.1.5 has 512
_MOST_LINES = 200


def to_the_letter(line: str) -> str:
    """A reply's line without its end; what no terminal shows becomes a space."""
    return "".join(it if it.isprintable() or it == "\t" else " " for it in line[:_LONGEST_LINE]).rstrip()


def reply_of(code: int, text: str) -> tuple[str, ...]:
    r"""The lines of a reply that a library has taken apart; empty for a code that refuses nothing.

    Args:
        code: 550; libraries have codes of their own, -1 say, for what they could not read.
        text: the lines' texts, "5.1.1 No such\n5.1.1 user".
    """
    return lines_of(code, text) if 400 <= code <= 599 else ()


def lines_of(code: int, text: str) -> tuple[str, ...]:
    """The same, of any reply."""
    *firsts, last = text.rstrip("\r\n").split("\n")[:_MOST_LINES]
    lines = [f"{code}-{line}" for line in firsts] + [f"{code} {last}"]
    return tuple(to_the_letter(line) for line in lines)
