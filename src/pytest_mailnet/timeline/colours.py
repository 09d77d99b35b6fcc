"""Colours for a conversation on a terminal: one for each side, and one for refusals."""

from __future__ import annotations

__all__ = ["BAD", "BOLD", "GOOD", "colour_of", "painted"]

BOLD, BAD, GOOD = "1", "31", "32"
"""ANSI codes for headings, refusals and acceptances."""


def colour_of(who: str, text: str) -> str:
    """The ANSI colour code for a line of a conversation.

    Args:
        who: "C" for a client, "S" for a server, "dns" for the DNS; anything else is an error.
        text: the line.
    """
    if who == "S":
        return BAD if text.startswith(("4", "5")) else GOOD
    return {"C": "36", "dns": "35"}.get(who, BAD)


def painted(text: str, code: str) -> str:
    """A text in a colour or style.

    Args:
        text: the text.
        code: the ANSI code: "31", or `BOLD`.
    """
    return f"\033[{code}m{text}\033[0m"
