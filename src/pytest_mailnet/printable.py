"""What others have said, as it may be printed: control characters are shown to a terminal, never sent."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["cut", "lines_of", "printable", "printable_lines"]


def _python(character: str) -> str:
    return character.encode("unicode_escape").decode()


def printable(text: str, escaped: Callable[[str], str] = _python) -> str:
    r"""A text in one line; what is not printable stands in it as Python writes it, `\x1b`, `\u202e`, `\n`.

    That is what steers a terminal, turns the direction of writing or cannot be seen. A backslash stays one.

    Args:
        text: said by anybody.
        escaped: writes a character in another language.
    """
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() else escaped(it) for it in text)


def printable_lines(text: str) -> str:
    """The same, with the ends of its lines left as they are."""
    return "\n".join(map(printable, text.split("\n")))


def cut(text: str, length: int = 80) -> str:
    """The beginning of a text that may be long, as much as a message shows of one."""
    return text if len(text) <= length else f"{text[:length]}…"


def lines_of(said: bytes) -> list[str]:
    """The lines of what was said on a connection, each printable; only CRLF ends one (RFC 5321, 2.3.8)."""
    if not said:
        return []
    text = said.decode("utf-8", "backslashreplace")
    return [printable(line) for line in text.removesuffix("\r\n").split("\r\n")]
