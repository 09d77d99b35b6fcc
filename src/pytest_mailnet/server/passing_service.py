"""The engine's service at the ports of a host whose conversations somebody else decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from pytest_mailnet.faults import Fault
from pytest_mailnet.record.journal import Journal
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.mail_server import MailServer
from pytest_mailnet.server.passed_dialogue import FarEnd, PassedDialogue
from pytest_mailnet.server.smtp_server import MailHost, MailService
from pytest_mailnet.smtp.state import Step

__all__ = ["Decider", "PassingService"]


class Decider(Protocol):
    """Who decides a host's conversations in place of the net: a handler, or a server of the application's."""

    def start(self) -> object:
        """Get ready for a conversation. Called in the client's thread."""
        ...

    def far_end(self, dialogue: PassedDialogue, host: MailHost, loop: asyncio.AbstractEventLoop) -> FarEnd:
        """Make the far end of a conversation.

        Args:
            dialogue: the conversation.
            host: the host that it is held with.
            loop: the engine's.
        """
        ...

    def close(self) -> None:
        """End what `start` has begun, with the net."""
        ...


class PassingService(MailService):
    """Serves the connections to a host by passing on what clients say.

    Args:
        host: the host, with its extensions, TLS and script.
        provider: the name under which sessions are recorded.
        journal: where they are recorded.
        departed: called with each connection that is gone.
        drawn: a fault of this connection besides the host's own; None for none.
        decider: who decides.
    """

    def __init__(  # noqa: PLR0917  # the base class's, and one more
        self,
        host: MailHost,
        provider: str,
        journal: Journal,
        departed: Callable[[Connection], None],
        drawn: Fault | None,
        decider: Decider,
    ) -> None:
        super().__init__(host, provider, journal, departed, drawn)
        self._decider = decider
        decider.start()

    def accept(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> MailServer:
        """Open the session's record, and make the server of the connection.

        Args:
            connection: the connection to serve.
            loop: the engine's event loop.
        """
        server = super().accept(connection, loop)
        dialogue = server.dialogue
        assert isinstance(dialogue, PassedDialogue)
        dialogue.answered = server.answered
        dialogue.tls_info = lambda: server.tls_info
        return server

    def _dialogue(self, step: Step, loop: asyncio.AbstractEventLoop) -> PassedDialogue:
        dialogue = PassedDialogue(self._host, step, self._journal, loop)
        dialogue.far_end = self._decider.far_end(dialogue, self._host, loop)
        return dialogue
