"""The engine's service at the ports of a host: it records a session, and has a server hold it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from pytest_mailnet.faults import Fault
from pytest_mailnet.record.journal import Journal
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.faulty import Mishaps
from pytest_mailnet.server.mail_server import MailServer
from pytest_mailnet.server.wire_dialogue import WireDialogue, WireHost
from pytest_mailnet.smtp.state import Step

__all__ = ["WireService"]


class WireService(ABC):
    """Serves the connections to a host.

    Args:
        host: the host.
        provider: the name under which sessions are recorded.
        journal: where they are recorded.
        departed: called with each connection that is gone.
        drawn: a fault of this connection besides the host's own; None for none.
    """

    protocol: str = "SMTP"
    """What sessions are recorded as."""

    def __init__(
        self,
        host: WireHost,
        provider: str,
        journal: Journal,
        departed: Callable[[Connection], None],
        drawn: Fault | None = None,
    ) -> None:
        self._host, self._provider, self._journal, self._departed = host, provider, journal, departed
        self._drawn = drawn

    def accept(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> MailServer:
        """Open the session's record, and make the server of the connection.

        Args:
            connection: the connection to serve.
            loop: the engine's event loop.
        """
        source, destination, host = connection.source, connection.destination, self._host
        assert destination is not None
        session = self._journal.open_session(
            source, destination, host.hostname, self._provider, self.protocol
        )
        step = Step(session, source, destination, host.hostname)
        dialogue = self._conversation(step, loop)
        dialogue.starting_tls = host.begins_with_tls(destination.port)
        server = MailServer(dialogue, step, loop, host, lambda: self._departed(connection))
        server.mishaps = Mishaps(host.faults.with_drawn(self._drawn), connection, step, server)
        return server

    @abstractmethod
    def _conversation(self, step: Step, loop: asyncio.AbstractEventLoop) -> WireDialogue:
        """Make the conversation of a session."""
