"""Text from others made safe to print: control characters are written out and never reach a terminal."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["cut", "lines_of", "printable", "printable_lines"]


def _python(character: str) -> str:
    return character.encode("unicode_escape").decode()


def printable(text: str, escaped: Callable[[str], str] = _python) -> str:
    r"""A text in one line, with unprintable characters as Python writes them: `\x1b`, `\u202e`, `\n`.

    These are characters that steer a terminal, change the direction of writing, or cannot be seen. A
    backslash in the text stays a single one.

    Args:
        text: the text, from anybody.
        escaped: writes an unprintable character; by default as Python does.
    """
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() else escaped(it) for it in text)


def printable_lines(text: str) -> str:
    """A text with unprintable characters as `printable` writes them, and its line ends kept."""
    return "\n".join(map(printable, text.split("\n")))


def cut(text: str, length: int = 80) -> str:
    """A text as an error message shows it, with "…" in place of its end if it is long.

    Args:
        text: the text.
        length: how many characters of it are kept.
    """
    return text if len(text) <= length else f"{text[:length]}…"


def lines_of(said: bytes) -> list[str]:
    """The lines of bytes from a connection, each printable; only CRLF ends a line (RFC 5321, 2.3.8)."""
    if not said:
        return []
    text = said.decode("utf-8", "backslashreplace")
    return [printable(line) for line in text.removesuffix("\r\n").split("\r\n")]
