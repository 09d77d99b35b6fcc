"""What aiosmtpd's `SMTP` has for a connection: its writes become replies of the conversation."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_mailnet.server.passed_dialogue import PassedDialogue

__all__ = ["HandlerTransport"]


class HandlerTransport(asyncio.Transport):
    """The transport that aiosmtpd's `SMTP` is given, in the handler's thread.

    Args:
        dialogue: the conversation, told in the engine's thread of what `SMTP` writes, and that it closes.
        loop: the engine's.

    Attributes:
        closed: whether `SMTP` has closed it; as with asyncio's, nothing comes or goes after that.
    """

    closed = False

    def __init__(self, dialogue: PassedDialogue, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._dialogue, self._loop = dialogue, loop

    def _hand_over(self, do: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the engine has ended
            self._loop.call_soon_threadsafe(do)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection: peername, sockname, and of TLS what asyncio tells."""
        step = self._dialogue.step
        known = {"peername": tuple(step.client), "sockname": tuple(step.server)}
        return known.get(name) or (self._dialogue.tls_info() if step.tls else {}).get(name, default)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Hand bytes over for the client."""
        said = bytes(data)
        if not self.closed:
            self._hand_over(lambda: self._dialogue.heard(said))

    def close(self) -> None:
        """Close, once what was written has gone out."""
        self.closed = True
        if not self._dialogue.closing:
            self._hand_over(self._dialogue.hung_up)

    # To a client, a server that says no more is one that has closed.
    abort = write_eof = close

    def can_write_eof(self) -> bool:
        """Whether `write_eof` works."""
        return True

    def is_closing(self) -> bool:
        """Whether either side has closed."""
        return self.closed or self._dialogue.closing

    def pause_reading(self) -> None:
        """Do nothing: a command comes when the one before it is answered."""

    resume_reading = pause_reading
