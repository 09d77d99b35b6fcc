"""The servers that an application hands its mail to: the recipients', or one that it is configured with."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_mailnet.audit.settings import AuditSettings
from pytest_mailnet.errors import UnknownName
from pytest_mailnet.net.mailnet import MailNet
from pytest_mailnet.providers import Provider
from pytest_mailnet.providers.agent import Agent

__all__ = ["AuditedServers"]

_LOCALHOST = "localhost"
_THIS_MACHINE = (_LOCALHOST, "127.0.0.1", "::1")


class AuditedServers:
    """The servers of one case.

    Args:
        net: the net, in which they are put.
        settings: whom the application writes to, by which server.

    Attributes:
        domain: the domain of the recipients.
        failing: the domain or host whose connections and look-ups go wrong.
        agent: what refuses.
    """

    def __init__(self, net: MailNet, settings: AuditSettings) -> None:
        self._net, self._settings = net, settings
        provider = net.provider(settings.provider) if settings.provider else None
        self.domain: str = settings.domain or (provider.domains[0] if provider else "shop.example")
        self.failing: str = self.domain
        self.agent: Agent
        if settings.host:
            self.failing = _LOCALHOST if settings.host in _THIS_MACHINE else settings.host
            self.agent = self._configured()
        elif provider is None:
            self.agent = net.add_server(f"mx.{self.domain}", domain=self.domain)
        else:
            self.agent = provider
            if settings.domain:
                net.add_domain(settings.domain, on=settings.provider)

    def open_mailboxes(self, recipients: Sequence[str]) -> None:
        """Open the recipients' mailboxes, where a provider knows only those that it is told of."""
        if isinstance(self.agent, Provider) and self._settings.provider and not self._settings.host:
            for recipient in recipients:
                self.agent.add_mailbox(recipient)

    def _configured(self) -> Agent:
        settings = self._settings
        try:
            provider = self._net.host(self.failing).provider  # smtp.gmail.com, say
        except UnknownName:
            ports = sorted({25, 465, 587, settings.port})
            provider = self._net.add_server(self.failing, ports=ports)
        if settings.user.rpartition("@")[2] in provider.domains:
            provider.add_mailbox(settings.user, password=settings.password)
        elif settings.user:
            provider.add_account(settings.user, password=settings.password, aliases=[settings.sender])
        return provider.submission
