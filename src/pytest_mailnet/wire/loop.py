"""The engine's event loop: asyncio's, by a clock that no test freezes."""

from __future__ import annotations

import asyncio

from pytest_mailnet.realtime import monotonic

__all__ = ["Loop"]


class Loop(asyncio.SelectorEventLoop):
    """Keeps its timers while the application's clocks stand still or jump.

    Not asyncio's choice of loop either: the application's event loop policy (uvloop's, say) is for itself.
    """

    def time(self) -> float:
        """Real seconds since some moment."""
        return monotonic()
