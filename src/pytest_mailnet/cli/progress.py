"""How far a long reading has come, on a terminal."""

from __future__ import annotations

from typing import TextIO

from pytest_mailnet.system.realtime import monotonic

__all__ = ["Progress"]

_EVERY = 0.1  # seconds
_WIDTH = 30


class Progress:
    """A bar that counts bytes; it shows nothing until a second has passed, and nothing where nobody looks.

    Args:
        total: in bytes; 0 where it is not known.
        terminal: where it is drawn, if that is one.
    """

    def __init__(self, total: int, terminal: TextIO) -> None:
        self._total, self._terminal = total, terminal
        self._shown = terminal.isatty()
        self._done = 0
        self._began = monotonic()
        self._next = self._began + 1

    def add(self, size: int) -> None:
        """Count so many bytes more."""
        self._done += size
        now = monotonic()
        if self._shown and now >= self._next:
            self._next = now + _EVERY
            self._terminal.write(f"\r{self}\x1b[K")
            self._terminal.flush()

    def clear(self) -> None:
        """Take the bar off the terminal, until more is read."""
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
