"""The service at the SMTP ports of a host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from pytest_mailnet.faults import Fault
from pytest_mailnet.record.journal import Journal
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.faulty import Mishaps
from pytest_mailnet.server.mail_server import MailServer
from pytest_mailnet.server.wire_dialogue import WireHost
from pytest_mailnet.smtp.commands import OwnDialogue
from pytest_mailnet.smtp.dialogue import Dialogue
from pytest_mailnet.smtp.service import SmtpHost
from pytest_mailnet.smtp.state import Step

__all__ = ["MailHost", "MailService"]


class MailHost(SmtpHost, WireHost, Protocol):
    """A host, as its mail server uses it."""

    def speaks_lmtp(self, port: int) -> bool:
        """Whether it speaks LMTP at one of its ports (RFC 2033)."""
        ...


class MailService:
    """The engine's service at the ports of a host.

    Args:
        host: decides the replies.
        provider: the name under which sessions are recorded.
        journal: where they are recorded.
        departed: called with each connection that is gone.
        drawn: a fault of this connection besides the host's own; None for none.
    """

    def __init__(
        self,
        host: MailHost,
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
        assert connection.destination is not None
        session = self._journal.open_session(
            connection.source, connection.destination, self._host.hostname, self._provider
        )
        step = Step(session, connection.source, connection.destination, self._host.hostname)
        step.lmtp = self._host.speaks_lmtp(connection.destination.port)
        dialogue = self._conversation(step, loop)
        dialogue.starting_tls = self._host.begins_with_tls(connection.destination.port)
        server = MailServer(dialogue, step, loop, self._host, lambda: self._departed(connection))
        server.mishaps = Mishaps(self._host.faults.with_drawn(self._drawn), connection, step, server)
        return server

    def _conversation(self, step: Step, loop: asyncio.AbstractEventLoop) -> Dialogue:  # noqa: ARG002
        return OwnDialogue(self._host, step, self._journal)
