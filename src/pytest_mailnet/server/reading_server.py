"""The services where mail is read: IMAP's and POP3's conversations on the wire of a mail server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from pytest_mailnet.reading.conversation import ReadingDialogue
from pytest_mailnet.reading.host import ReadingHost
from pytest_mailnet.server.mail_server import MailServer
from pytest_mailnet.server.wire_dialogue import WireHost
from pytest_mailnet.server.wire_service import WireService
from pytest_mailnet.system.native import lock

if TYPE_CHECKING:
    from pytest_mailnet.server.connection import Connection
    from pytest_mailnet.smtp.state import Step

__all__ = ["ImapService", "Pop3Service", "ReadsMail"]

_PATIENCE = 1.0  # seconds


class ReadsMail(ReadingHost, WireHost, Protocol):
    """A host where mail is read, as its conversations and their server use it."""


class _ReadingService(WireService):
    _host: ReadsMail

    def accept(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> MailServer:
        """Open the session's record, and make the server of the connection.

        Args:
            connection: the connection to serve.
            loop: the engine's event loop.
        """
        server = super().accept(connection, loop)

        def push(make: Callable[[], bytes]) -> None:
            loop.call_soon_threadsafe(server.push, make)

        dialogue = server.dialogue
        assert isinstance(dialogue, ReadingDialogue)

        def shut_down() -> None:
            done = lock()
            done.acquire()

            def here() -> None:
                server.push(dialogue.shut_down)
                done.release()

            loop.call_soon_threadsafe(here)
            # A test that goes on is to find it done. A predicate of the test's has the loop wait for itself.
            done.acquire(timeout=_PATIENCE)

        dialogue.push, dialogue.forget = push, self._host.opened(shut_down)
        return server


class ImapService(_ReadingService):
    """Serves the IMAP connections to a host."""

    protocol = "IMAP"

    def _conversation(self, step: Step, loop: asyncio.AbstractEventLoop) -> ReadingDialogue:  # noqa: ARG002
        from pytest_mailnet.reading.imap_commands import COMMANDS  # noqa: PLC0415  # one of the two
        from pytest_mailnet.reading.imap_dialogue import ImapDialogue  # noqa: PLC0415  # as above

        return ImapDialogue(self._host, step, self._journal, COMMANDS)


class Pop3Service(_ReadingService):
    """Serves the POP3 connections to a host."""

    protocol = "POP3"

    def _conversation(self, step: Step, loop: asyncio.AbstractEventLoop) -> ReadingDialogue:  # noqa: ARG002
        from pytest_mailnet.reading.pop3_dialogue import Pop3Dialogue  # noqa: PLC0415  # one of the two

        return Pop3Dialogue(self._host, step, self._journal)
