"""The far end of a conversation with a handler: aiosmtpd's `SMTP`, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pytest_mailnet.server.handler_loop import HandlerLoop
from pytest_mailnet.server.handler_transport import HandlerTransport
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP

    from pytest_mailnet.server.passed_dialogue import PassedDialogue

__all__ = ["HandlerEnd"]


class HandlerEnd:
    """Lets aiosmtpd's `SMTP` decide a conversation. For a command that the test answers, no hook is called.

    Args:
        dialogue: the conversation.
        transport: what `SMTP` writes to.
        loop: the loop in which the hooks are awaited.
        make: makes the `SMTP`; called in the handler's thread.
    """

    def __init__(
        self,
        dialogue: PassedDialogue,
        transport: HandlerTransport,
        loop: HandlerLoop,
        make: Callable[[PassedDialogue], SMTP],
    ) -> None:
        self._dialogue, self._transport, self._loop, self._make = dialogue, transport, loop, make
        self._smtp: SMTP | None = None  # made and called in the handler's thread only

    def begin(self) -> None:
        """Make the `SMTP`, which says the banner."""
        self._loop.call(self._begin)

    def _begin(self) -> None:
        try:
            self._smtp = self._make(self._dialogue)
            self._smtp.connection_made(self._transport)
        except Exception as error:  # noqa: BLE001  # of the application's own class
            told = "421 4.3.0 The server could not be made"
            dialogue = self._dialogue
            dialogue.service.failed(error, Stage.CONNECT, dialogue.step, told)
            self._transport.write(f"{told}\r\n".encode())
            self._transport.close()

    def say(self, data: bytes) -> None:
        """Hand bytes of the client to the `SMTP`."""

        def hand_over() -> None:
            if self._smtp is not None and not self._transport.closed:
                self._smtp.data_received(data)

        self._loop.call(hand_over)

    discard = say  # `SMTP` has to get past a content, and asks no hook about one that the test has refused

    def begin_anew(self) -> None:
        """Let the `SMTP` learn of TLS as from asyncio's."""
        self._loop.call(self._begin_anew)

    def _begin_anew(self) -> None:
        if self._smtp is not None:
            tls: Any = SimpleNamespace(_extra=dict(self._dialogue.tls_info()))
            self._smtp._original_transport = self._transport  # noqa: SLF001  # as its own STARTTLS does
            self._smtp._tls_protocol = tls  # noqa: SLF001
            self._smtp.connection_made(self._transport)

    def end(self) -> None:
        """Tell the `SMTP` that the connection is gone."""
        self._loop.call(self._end)

    def _end(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.connection_lost(None)
