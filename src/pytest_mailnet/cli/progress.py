"""A progress bar on a terminal for reading large files."""

from __future__ import annotations

from typing import TextIO

from pytest_mailnet.system.realtime import monotonic

__all__ = ["Progress"]

_EVERY = 0.1  # seconds
_WIDTH = 30


class Progress:
    """A progress bar that counts bytes. It appears after one second, and only on a terminal.

    Args:
        total: the number of bytes in all; 0 if unknown.
        terminal: the stream to draw on; nothing is drawn unless it is a terminal.
    """

    def __init__(self, total: int, terminal: TextIO) -> None:
        self._total, self._terminal = total, terminal
        self._shown = terminal.isatty()
        self._done = 0
        self._began = monotonic()
        self._next = self._began + 1

    def add(self, size: int) -> None:
        """Add a number of bytes, and draw the bar again at most ten times a second."""
        self._done += size
        now = monotonic()
        if self._shown and now >= self._next:
            self._next = now + _EVERY
            self._terminal.write(f"\r{self}\x1b[K")
            self._terminal.flush()

    def clear(self) -> None:
        """Remove the bar from the terminal; the next `add` may draw it again."""
        if self._shown and self._next > self._began + 1:
            self._terminal.write("\r\x1b[K")
            self._terminal.flush()

    def __str__(self) -> str:
        seconds = monotonic() - self._began
        done = f"{self._done / 2**20:.0f}"
        rate = f"{self._done / 2**20 / max(seconds, 0.001):.0f} MiB/s"
        if not self._total:
            return f"{done} MiB, {rate}"
        part = min(1.0, self._done / self._total)
        bar = ("#" * int(part * _WIDTH)).ljust(_WIDTH, ".")
        return f"[{bar}] {part:4.0%} of {self._total / 2**20:.0f} MiB, {rate}"
