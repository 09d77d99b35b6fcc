"""Lines of replies to the letter, also rebuilt from the parts that libraries make of them."""

from __future__ import annotations

__all__ = ["lines_with_code", "reply_of", "to_the_letter"]

_LONGEST_LINE = 2000  # RFC 5321, 4.5.3.1.5 has 512
_MOST_LINES = 200


def to_the_letter(line: str) -> str:
    """A reply's line without its end; unprintable characters become spaces."""
    return "".join(it if it.isprintable() or it == "\t" else " " for it in line[:_LONGEST_LINE]).rstrip()


def reply_of(code: int, text: str) -> tuple[str, ...]:
    r"""The lines of a refusal that a library has split into code and text; empty for other codes.

    Args:
        code: the reply code, 550; libraries have codes of their own, such as -1 for an unreadable reply.
        text: the text of the lines, "5.1.1 No such\n5.1.1 user".
    """
    return lines_with_code(code, text) if 400 <= code <= 599 else ()


def lines_with_code(code: int, text: str) -> tuple[str, ...]:
    r"""The lines of any reply that a library has split into code and text.

    Args:
        code: the reply code.
        text: the text of the lines, "5.1.1 No such\n5.1.1 user".
    """
    *firsts, last = text.rstrip("\r\n").split("\n")[:_MOST_LINES]
    lines = [f"{code}-{line}" for line in firsts] + [f"{code} {last}"]
    return tuple(to_the_letter(line) for line in lines)
