"""Colours of a conversation on a terminal: who says what, and what is refused."""

from __future__ import annotations

__all__ = ["BAD", "BOLD", "GOOD", "colour_of", "painted"]

BOLD, BAD, GOOD = "1", "31", "32"


def colour_of(who: str, text: str) -> str:
    """The ANSI code for what somebody says.

    Args:
        who: "C" for a client, "S" for a server, "dns" for the DNS.
        text: what is said.
    """
    if who == "S":
        return BAD if text.startswith(("4", "5")) else GOOD
    return {"C": "36", "dns": "35"}.get(who, BAD)


def painted(text: str, code: str) -> str:
    """A text in a colour."""
    return f"\033[{code}m{text}\033[0m"
