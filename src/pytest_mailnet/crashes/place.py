"""A place at which an application can die."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_mailnet.handles.attributes import steady

__all__ = ["CrashPlace"]

_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9.]+")


@steady("a place")
@dataclass(frozen=True, slots=True)
class CrashPlace:
    """A place at which an application can die: a look-up, a connect, a command or a reply.

    Attributes:
        number: counts the places of a net from 1, in the order in which the application comes to them.
        what: what happens there: "look-up MX shop.example", "connect mx.shop.example:25",
            "RCPT TO:<alice@shop.example>", "content", "250 to content".
        after: whether the server has acted, and the application dies before it hears the reply. Otherwise
            the application has said it, and dies before the server acts.
    """

    number: int
    what: str
    after: bool = False

    @property
    def id(self) -> str:
        """The place in the id of a test: "died-at-7-250-to-content-unheard"."""
        # Without arguments, which may be long, and other ones in each run.
        words = self.what if self.what.startswith("look-up ") else self.what.partition(":")[0]
        told = f"{words} {'unheard' if self.after else 'said'}"
        return f"died-at-{self.number}-{_NOT_IN_AN_ID.sub('-', told).strip('-')}"

    def __str__(self) -> str:
        return f"{self.number}: {self.what}, {'unheard' if self.after else 'said'}"
