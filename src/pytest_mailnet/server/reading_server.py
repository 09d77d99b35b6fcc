"""The servers where mail is read: IMAP's and POP3's conversations on the wire of a mail server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from pytest_mailnet.reading.host import ReadingHost
from pytest_mailnet.server.faulty import Mishaps
from pytest_mailnet.server.mail_server import MailServer
from pytest_mailnet.server.wire_dialogue import WireHost
from pytest_mailnet.smtp.state import Step

if TYPE_CHECKING:
    from pytest_mailnet.faults import Fault
    from pytest_mailnet.reading.conversation import ReadingDialogue
    from pytest_mailnet.record.journal import Journal
    from pytest_mailnet.server.connection import Connection

__all__ = ["ReadingListener", "ReadsMail"]


class ReadsMail(ReadingHost, WireHost, Protocol):
    """A host where mail is read, as its conversations and their server use it."""


class ReadingListener:
    """The engine's service at the ports of a host where mail is read.

    Args:
        host: decides what is said.
        protocol: "IMAP" or "POP3".
        provider: the name under which sessions are recorded.
        journal: where they are recorded.
        departed: called with each connection that is gone.
        drawn: a fault of this connection besides the host's own; None for none.
    """

    def __init__(  # noqa: PLR0917  # called once
        self,
        host: ReadsMail,
        protocol: str,
        provider: str,
        journal: Journal,
        departed: Callable[[Connection], None],
        drawn: Fault | None = None,
    ) -> None:
        self._host, self._protocol, self._provider = host, protocol, provider
        self._journal, self._departed, self._drawn = journal, departed, drawn

    def accept(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> MailServer:
        """Open the session's record, and make the server of the connection.

        Args:
            connection: the connection to serve.
            loop: the engine's event loop.
        """
        assert connection.destination is not None
        host = self._host
        session = self._journal.open_session(
            connection.source, connection.destination, host.hostname, self._provider, self._protocol
        )
        step = Step(session, connection.source, connection.destination, host.hostname)
        conversation = self._conversation(step)
        conversation.starting_tls = host.begins_with_tls(connection.destination.port)
        server = MailServer(conversation, step, loop, host, lambda: self._departed(connection))
        server.mishaps = Mishaps(host.faults.with_drawn(self._drawn), connection, step, server)

        def push(make: Callable[[], bytes]) -> None:
            loop.call_soon_threadsafe(server.push, make)

        conversation.push = push
        return server

    def _conversation(self, step: Step) -> ReadingDialogue:
        if self._protocol == "POP3":
            from pytest_mailnet.reading.pop3_dialogue import Pop3Dialogue  # noqa: PLC0415  # one of the two

            return Pop3Dialogue(self._host, step, self._journal)
        from pytest_mailnet.reading.imap_commands import COMMANDS  # noqa: PLC0415  # as above
        from pytest_mailnet.reading.imap_dialogue import ImapDialogue  # noqa: PLC0415  # as above

        return ImapDialogue(self._host, step, self._journal, COMMANDS)
