"""A slow link: it carries only some bytes a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pytest_mailnet.faults.fault import SLOW_RATE

__all__ = ["SlowLink"]


class SlowLink(asyncio.Transport):
    """A transport that sends its bytes in pieces, one a second.

    Args:
        transport: the real transport.
        later: runs a callback after some seconds.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        later: Callable[[float, Callable[[], object]], object],
    ) -> None:
        super().__init__()
        self._transport, self._later = transport, later
        self._waiting = b""
        self._flowing = self._closing = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send one piece now, and the rest later."""
        self._waiting += data
        if not self._flowing:
            self._flow()

    def close(self) -> None:
        """Close when all is sent."""
        self._closing = True
        if not self._flowing:
            self._transport.close()

    def abort(self) -> None:
        """Break off; bytes not yet sent are lost."""
        self._waiting = b""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be when all is sent."""
        return self._closing or self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the real transport knows."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Stop reading."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def _flow(self) -> None:
        piece, self._waiting = self._waiting[:SLOW_RATE], self._waiting[SLOW_RATE:]
        self._flowing = bool(piece) and not self._transport.is_closing()
        if self._flowing:
            self._transport.write(piece)
            self._later(1.0, self._flow)
        elif self._closing:
            self._transport.close()
