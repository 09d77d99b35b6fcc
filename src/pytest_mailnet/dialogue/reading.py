"""What takes the bytes that are no commands."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Reading"]


class Reading(Protocol):
    """Content up to its dot, or a chunk of so many octets."""

    @property
    def begun(self) -> bytes:
        """What has come so far, or the last of it."""

    def feed(self, data: bytes) -> bytes | None:
        """Take more; return what stands behind the end, or None while that has not come."""

    def finish(self) -> bytes:
        """Return the reply to what was taken."""
