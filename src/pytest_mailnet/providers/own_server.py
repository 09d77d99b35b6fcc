"""A test's own server: `mailnet.add_server("mx.shop.example", domain="shop.example")`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pytest_mailnet.faults import DnsFault, Fault
from pytest_mailnet.faults.disruption import Disruption
from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.handles.snapshot import Snapshot, since
from pytest_mailnet.providers.agent import INSTEAD
from pytest_mailnet.providers.provider import Host, Provider
from pytest_mailnet.providers.tls import HostTls
from pytest_mailnet.record.session import Message

__all__ = ["Server"]

_ADDRESSES = "mailnet.add_server(name, ip=...) gives a server its addresses"
_OF_A_SERVER: Mapping[str, str] = MappingProxyType(
    {
        **{name: text for name, text in INSTEAD.items() if "that is a host's" not in text},
        **dict.fromkeys(("ip", "addresses"), _ADDRESSES),
        "extensions": "server.host.extensions.add('SIZE 1000'), .discard('SIZE') and .clear() change them",
        "helo_only": "server.host.helo_only = True",
        "hostname": "server.name tells it",
        "messages": "server.messages are those that it has taken",
        "ports": "server.host.ports = (25, 587)",
        "tls": "server.tls.expired() and its sisters, .tls.require() and .tls.strip_starttls() change it",
    }
)


@steady("a server", _OF_A_SERVER)
class Server(Provider):
    """A mail server that the test has added: an operator and its only host in one."""

    @property
    def host(self) -> Host:
        """The machine itself, with its ports and extensions."""
        return self.hosts[self.name]

    @property
    def ip(self) -> str:
        """The first of its IP addresses."""
        return self.host.addresses[0]

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its IP addresses."""
        return self.host.addresses

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that it listens on; `server.host.ports` can be set."""
        return self.host.ports

    @property
    def tls(self) -> HostTls:
        """How it encrypts, and what is wrong with that."""
        return self.host.tls

    @property
    def messages(self) -> list[Message]:
        """The messages that it has taken, in order."""
        taken = (it for it in self._operator.arrivals.messages if it.provider == self.name)
        return Snapshot(taken, "server.messages", since("server.messages"))

    def fail(
        self, fault: FaultName | Fault | DnsFault, *, times: int | None = None, seconds: float | None = None
    ) -> Disruption:
        """Let a fault happen on its connections: `server.fail("reset-after-dot", times=1)`.

        Args:
            fault: one of `pytest_mailnet.FAULTS`, or its id.
            times: how often; None for every time, until `end` or `accept_connections`.
            seconds: how late a late reply comes ("late-after-dot"); None for 30 s.

        Returns:
            The failure; its `end()` lets the fault happen no more, however often it was asked for.

        Raises:
            UnknownName: if there is no such fault; names the near misses.
            InvalidSetting: if the fault cannot happen: it is one of a domain, no connection comes to its
                stage, or another fault always comes before; or if `times` is below 1.
        """
        return self.host.fail(fault, times=times, seconds=seconds)

    def refuse_connections(self) -> None:
        """Refuse every connection, as if nothing listened (ECONNREFUSED)."""
        self.host.refuse_connections()

    def accept_connections(self) -> None:
        """Take connections again, and end all faults of the host."""
        self.host.accept_connections()

    def __repr__(self) -> str:
        return f"<Server {self.name} {' '.join(self.addresses)}>"
