"""The service at the SMTP ports of a host."""

from __future__ import annotations

import asyncio
from typing import Protocol

from pytest_mailnet.server.wire_dialogue import WireHost
from pytest_mailnet.server.wire_service import WireService
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


class MailService(WireService):
    """Serves the SMTP and LMTP connections to a host."""

    _host: MailHost

    def _conversation(self, step: Step, loop: asyncio.AbstractEventLoop) -> Dialogue:
        step.lmtp = self._host.speaks_lmtp(step.server.port)
        return self._dialogue(step, loop)

    def _dialogue(self, step: Step, loop: asyncio.AbstractEventLoop) -> Dialogue:  # noqa: ARG002
        return OwnDialogue(self._host, step, self._journal)
