"""Who there is in a net, as a test asks for them and adds to them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, cast

from pytest_mailnet.dns.mailnet_dns import Dns
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.faults import Chaos, DnsFault, Fault, FaultSchedule
from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.handles.snapshot import Snapshot
from pytest_mailnet.net.failing import fail, let_chaos_reign
from pytest_mailnet.providers import Host, Provider, Server
from pytest_mailnet.senders.sender import Sender

if TYPE_CHECKING:
    from pytest_mailnet.net.internet import Internet
    from pytest_mailnet.providers.host_service import HostService
    from pytest_mailnet.providers.operator import Operator

__all__ = ["Inhabitants"]


@steady("a mailnet")
class Inhabitants:
    """The providers, servers, hosts, senders and names of a net: what a `MailNet` is asked for.

    Args:
        internet: where they are.
    """

    def __init__(self, internet: Internet) -> None:
        self._internet = internet
        self._dns = Dns(internet.dns, internet.journal)
        self._faces: dict[str, Provider] = {}

    @property
    def dns(self) -> Dns:
        """The names of the net with their records, and the questions that were asked."""
        return self._dns

    @property
    def sender(self) -> Sender:
        """Who the application seems to be."""
        return self._internet.sender

    @property
    def gmail(self) -> Provider:
        """Gmail, as it is today unless `provider("gmail", era=...)` was called before."""
        return self.provider("gmail")

    @property
    def hotmail(self) -> Provider:
        """Outlook.com, which carries hotmail.com, unless `provider("hotmail", era=...)` was called before."""
        return self.provider("hotmail")

    @property
    def outlook(self) -> Provider:
        """Outlook.com, which is what Hotmail has become: the same as `hotmail`."""
        return self.provider("hotmail")

    @property
    def microsoft365(self) -> Provider:
        """Exchange Online; `add_domain("shop.example", on="microsoft365")` puts a domain on it."""
        return self.provider("microsoft365")

    @property
    def google_workspace(self) -> Provider:
        """Gmail for organisations; `add_domain("shop.example", on="google-workspace")`."""
        return self.provider("google-workspace")

    @property
    def yahoo(self) -> Provider:
        """Yahoo, which carries aol.com too."""
        return self.provider("yahoo")

    @property
    def icloud(self) -> Provider:
        """Apple's iCloud Mail."""
        return self.provider("icloud")

    def provider(self, name: str, *, era: int | None = None) -> Provider:
        """A provider by name; a net has one of each.

        Args:
            name: "gmail", "hotmail", or the host name of a server that the test added.
            era: the year as of which it is; None for today, or as it was first asked for.

        Raises:
            UnknownName: if there is no such provider or era; names the near misses.
            InvalidSetting: if it is in the net already, as of another year.
        """
        return self._face(self._internet.directory.operator(name, era))

    def add_server(
        self,
        host: str,
        *,
        domain: str | Iterable[str] = (),
        ip: str | Iterable[str] = (),
        ports: Iterable[int] = (25, 465, 587),
        preference: int = 10,
    ) -> Server:
        """Add a plain mail server with no opinions, and its records.

        Args:
            host: its name.
            domain: whose mail it takes, for any recipient; others' is refused as relaying. Without one
                it takes whatever it is given.
            ip: its address or addresses; without one it gets the next free one.
            ports: what it listens on; 465 is for TLS from the first byte on.
            preference: of its MX records; the lower is tried first (RFC 5321, 5.1).

        Raises:
            InvalidAddress: if a name or address cannot be one, or the host is in the net already.
            InvalidSetting: for a port that is none.
            AddressInUse: if another has the address.
        """
        directory = self._internet.directory
        operator = directory.add_server(host, _listed(domain), _listed(ip), ports, preference)
        server = Server(operator, directory.hosts)
        return cast("Server", self._faces.setdefault(operator.name, server))

    def add_domain(self, domain: str, *, on: str) -> Provider:
        """Put a domain on a provider, as its customers do, with the records that the provider has them add.

        Args:
            domain: "shop.example".
            on: a provider's name, "google-workspace", or the host name of a server of the test's own.

        Returns:
            The provider; a mailbox there is `.add_mailbox("sales@shop.example")`.

        Raises:
            UnknownName: if there is no such provider or server; names the near misses.
            InvalidSetting: if the provider takes no domains of others, or has this one.
            InvalidAddress: if that cannot be a domain.
        """
        return self._face(self._internet.directory.add_domain(domain, on))

    def host(self, name: str) -> Host:
        """A host by name: a provider's or one that the test added.

        Raises:
            UnknownName: if the net has none of that name; names the near misses.
        """
        return self._host(self._internet.directory.host(name))

    def fail(
        self, name: str, fault: Fault | DnsFault | FaultSchedule | str, *, times: int | None = None
    ) -> None:
        """Let something go wrong on the way to a domain: `mailnet.fail("shop.example", "reset-after-dot")`.

        Args:
            name: a domain, a mail address of it, or one host. A fault of look-ups happens when the domain is
                looked up, any other on connections to each of its hosts.
            fault: one of `pytest_mailnet.faults.FAULTS`, or its id; or a `FaultSchedule` of them, whose steps
                are met one after the other.
            times: how often, at each host; without it for good. Of a schedule: how often the application
                tries, if the test knows.

        Raises:
            UnknownName: if there is no such fault, or neither domain nor host; names the near misses.
            InvalidSetting: if no connection to a host comes to the fault's stage, the count is below 1, or
                a schedule has more steps than there are tries.
            ZoneError: for a fault of MX records where there are none.
        """
        fail(self._internet, name, fault, times)

    def chaos(self, *, rate: float, seed: int | None = None) -> Chaos:
        """Let something go wrong now and then, in every connection and look-up: for soak runs.

        Args:
            rate: how often, 0 (never) to 1 (every time).
            seed: of the dice; drawn without it. A failing test's report tells it, and the same seed gives the
                same weather to an application that does the same.

        Returns:
            The weather, with its `seed`.

        Raises:
            InvalidSetting: for another rate.
        """
        return let_chaos_reign(self._internet, rate, seed)

    @property
    def providers(self) -> list[Provider]:
        """The providers and servers that are in the net by now."""
        found = map(self._face, list(self._internet.directory.operators.values()))
        adds = "mailnet.add_server('mx.shop.example') adds a server."
        return Snapshot(found, "mailnet.providers", adds)

    @property
    def hosts(self) -> list[Host]:
        """The hosts that are in the net by now."""
        found = map(self._host, list(self._internet.directory.hosts.values()))
        return Snapshot(found, "mailnet.hosts", "mailnet.add_server('mx.shop.example') adds one.")

    def add_sender(self, *, ip: str | None = None, ptr: str | None = None) -> Sender:
        """A further address of the application; chosen by binding to it, or by `sending_from`.

        Args:
            ip: its address; without one, the next free one of the senders' range.
            ptr: its reverse name.

        Raises:
            InvalidAddress, AddressInUse: if that is no address, or another's.
        """
        return self._internet.senders.add(ip, ptr)

    def sending_from(self, sender: Sender) -> AbstractContextManager[Sender]:
        """Let connections come from another sender for a block of code, in all threads: `with` it.

        Raises:
            InvalidSetting: if that is no sender.
        """
        if not isinstance(sender, Sender):
            raise InvalidSetting(
                f"mailnet.sending_from({sender!r}) takes what mailnet.add_sender(ip=...) returns"
            )
        return self._sending_from(sender)

    @contextlib.contextmanager
    def _sending_from(self, sender: Sender) -> Iterator[Sender]:
        before, self._internet.sender = self._internet.sender, sender
        try:
            yield sender
        finally:
            self._internet.sender = before

    def _face(self, operator: Operator) -> Provider:
        """What the test holds of an operator, the same each time."""
        found = self._faces.get(operator.name)
        if found is None:
            found = self._faces.setdefault(operator.name, Provider(operator, self._internet.directory.hosts))
        return found

    def _host(self, service: HostService) -> Host:
        return self._face(service.operator).hosts[service.name]


def _listed(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
