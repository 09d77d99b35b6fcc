"""The inhabitants of a net: providers, servers, hosts and senders, as tests get and add them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, cast

from pytest_mailnet.dns.mailnet_dns import Dns
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.faults import Chaos, DnsFault, Fault, FaultSchedule
from pytest_mailnet.faults.disruption import Disruption
from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.handles.names import FaultName, ProviderName
from pytest_mailnet.handles.snapshot import Snapshot
from pytest_mailnet.providers import Host, Provider, Server
from pytest_mailnet.senders.sender import Sender

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.net.internet import Internet
    from pytest_mailnet.providers.host_service import HostService
    from pytest_mailnet.providers.operator import Operator
    from pytest_mailnet.server.announcing import Announcement
    from pytest_mailnet.server.application_server import Reach
    from pytest_mailnet.server.passing_service import Decider
    from pytest_mailnet.system.kernel import KernelSocket
    from pytest_mailnet.values import Endpoint

__all__ = ["Inhabitants"]


@steady("a mailnet")
class Inhabitants:
    """The part of a `MailNet` by which tests get and add providers, servers, hosts, senders and names.

    Args:
        internet: the parts of the net.
        answer: opens a real port where the net answers questions.
    """

    def __init__(self, internet: Internet, answer: Callable[[object], Endpoint]) -> None:
        self._internet = internet
        self._dns = Dns(internet.dns, internet.journal, answer)
        self._faces: dict[str, Provider] = {}

    @property
    def dns(self) -> Dns:
        """The names of the net with their records, and the questions that were asked."""
        return self._dns

    @property
    def sender(self) -> Sender:
        """The sender that the application's connections come from."""
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
        """Outlook.com, which Hotmail has become: the same as `hotmail`."""
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
        """Yahoo, which carries aol.com, too."""
        return self.provider("yahoo")

    @property
    def icloud(self) -> Provider:
        """Apple's iCloud Mail."""
        return self.provider("icloud")

    def provider(self, name: ProviderName | str, *, era: int | str | None = None) -> Provider:
        """A provider by name. A net has one of each.

        Args:
            name: "gmail", "hotmail", or the host name of a server that the test added.
            era: a year, for the provider as it was then, or the version of a program, "3.7" of Postfix; None
                for today's, or the era that it has already.

        Raises:
            UnknownName: if there is no such provider or era; names the near misses.
            InvalidSetting: if it is in the net already, with another era.
        """
        return self._face(self._internet.directory.operator(name, era))

    def add_server(
        self,
        host: str,
        *,
        domain: str | Iterable[str] = (),
        ip: str | Iterable[str] = (),
        ports: Iterable[int] = (25, 465, 587),
        tls_ports: Iterable[int] | None = None,
        preference: int = 10,
        handler: object = None,
        factory: object = None,
        at: tuple[str, int] | None = None,
        announce: Announcement | None = None,
        lmtp: bool = False,
    ) -> Server:
        """Add a plain mail server without opinions, and its DNS records.

        Args:
            host: its host name.
            domain: the domain or domains whose mail it takes, for any recipient. Mail for others is refused
                as relaying. Without a domain, it takes all mail.
            ip: its address or addresses; without one, it gets the next free address.
            ports: the ports that it listens on.
            tls_ports: those of them that are for TLS from the first byte on; None for 465 and 2465.
            preference: the preference of its MX records; the lower is tried first (RFC 5321, 5.1).
            handler: a handler for aiosmtpd, whose hooks decide in place of the net. They are awaited in a
                thread of their own; answers that the test has scripted come before them. None for the net.
            factory: the subclass of `aiosmtpd.smtp.SMTP` that calls the hooks, or a `functools.partial` of
                one with further arguments; None for `SMTP` itself.
            at: the real address and port of a server of the application's, which then decides what clients
                are told; answers that the test has scripted come before. None for the net.
            announce: how that server is told who connects: "PROXY" or "XCLIENT", if it takes one of them.
            lmtp: whether that server speaks LMTP, whatever its clients here speak.

        Returns:
            The server: a provider and its only host in one.

        Raises:
            InvalidAddress: for an invalid name or address, or if the host is in the net already.
            InvalidSetting: for an invalid port, one of `tls_ports` that is not among `ports`, a handler that
                is a class, a factory that is no subclass of `SMTP` or has no handler, or `at` with a handler.
            AddressInUse: if another inhabitant of the net has the address.
        """
        __tracebackhide__ = True
        directory = self._internet.directory
        decider = _decider(host, handler, factory, at, announce, lmtp, self._reach, self._internet.dns)
        operator = directory.add_server(
            host, _listed(domain), _listed(ip), ports, tls_ports, preference, decider
        )
        server = Server(operator, directory.hosts)
        return cast("Server", self._faces.setdefault(operator.name, server))

    def add_domain(self, domain: str, *, on: ProviderName | str) -> Provider:
        """Put a domain on a provider as its customers do, with the DNS records that the provider asks for.

        Args:
            domain: the domain, such as "shop.example".
            on: a provider's name, such as "google-workspace", or the host name of a server that the test
                added.

        Returns:
            The provider; `.add_mailbox("sales@shop.example")` opens a mailbox there.

        Raises:
            UnknownName: if there is no such provider or server; names the near misses.
            InvalidSetting: if the provider takes no customers' domains, or has this one already.
            InvalidAddress: if the domain cannot be one.
        """
        return self._face(self._internet.directory.add_domain(domain, on))

    def host(self, name: str) -> Host:
        """A host by name: a provider's, or one that the test added.

        Raises:
            UnknownName: if the net has no host of that name; names the near misses.
        """
        return self._host(self._internet.directory.host(name))

    def fail(
        self,
        name: str,
        fault: FaultName | Fault | DnsFault | FaultSchedule,
        *,
        times: int | None = None,
        seconds: float | None = None,
    ) -> Disruption:
        """Let a fault happen on the way to a domain: `mailnet.fail("shop.example", "reset-after-dot")`.

        Args:
            name: a domain, a mail address in it, or one host. A DNS fault happens when the domain is looked
                up, any other fault on connections to each of its hosts.
            fault: one of `pytest_mailnet.FAULTS`, or its id; or a `FaultSchedule`, whose steps happen
                one after the other.
            times: how often, at each host; None for every time. For a schedule: how often the application
                tries, None if the test does not know.
            seconds: how late a late reply comes ("late-after-dot"); None for 30 s.

        Returns:
            The failure; its `end()` lets the fault happen no more, however often it was asked for. Of a
            schedule it leaves out the steps that have not been met.

        Raises:
            UnknownName: if there is no such fault, domain or host; names the near misses.
            InvalidSetting: if no connection to a host comes to the fault's stage, `times` is below 1, or
                a schedule has more steps than there are tries.
            ZoneError: for a fault of MX records where there are none.
        """
        from pytest_mailnet.net.failing import fail  # noqa: PLC0415  # many tests have no faults

        return fail(self._internet, name, fault, times, seconds)

    def chaos(self, *, rate: float, seed: int | None = None) -> Chaos:
        """Let random faults happen on all connections and look-ups, for soak runs.

        Args:
            rate: the probability of a fault, from 0 (never) to 1 (every time).
            seed: the seed of the random faults; None for a random one. A failing test's report shows it. With
                the same seed, an application that does the same meets the same faults.

        Returns:
            The random faults, with their `seed`.

        Raises:
            InvalidSetting: for another rate.
        """
        from pytest_mailnet.net.failing import let_chaos_reign  # noqa: PLC0415  # as in `fail`

        return let_chaos_reign(self._internet, rate, seed)

    @property
    def providers(self) -> list[Provider]:
        """The providers and servers in the net; a provider is put in when it is first met."""
        found = map(self._face, list(self._internet.directory.operators.values()))
        adds = "mailnet.add_server('mx.shop.example') adds a server."
        return Snapshot(found, "mailnet.providers", adds)

    @property
    def hosts(self) -> list[Host]:
        """The hosts in the net; a provider's are put in when it is first met."""
        found = map(self._host, list(self._internet.directory.hosts.values()))
        return Snapshot(found, "mailnet.hosts", "mailnet.add_server('mx.shop.example') adds one.")

    def add_sender(self, *, ip: str | None = None, ptr: str | None = None) -> Sender:
        """Add an address of the application. It is used by binding to it, or by `sending_from`.

        Args:
            ip: the IPv4 address; None for the next free one of the senders' range.
            ptr: the reverse name; None for none.

        Raises:
            InvalidAddress, AddressInUse: for an invalid address, or one in use.
        """
        return self._internet.senders.add(ip, ptr)

    def sending_from(self, sender: Sender) -> AbstractContextManager[Sender]:
        """Let connections of all threads come from another sender: `with mailnet.sending_from(sender):`.

        Raises:
            InvalidSetting: if the argument is no sender.
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

    def _reach(self, source: str, destination: str) -> KernelSocket | None:
        """The socket for a connection to a server of the application's; None for one of the machine's."""
        return self._internet.reach(source, destination)

    def _face(self, operator: Operator) -> Provider:
        """The `Provider` for an operator, the same each time."""
        found = self._faces.get(operator.name)
        if found is None:
            found = self._faces.setdefault(operator.name, Provider(operator, self._internet.directory.hosts))
        return found

    def _host(self, service: HostService) -> Host:
        return self._face(service.operator).hosts[service.name]


def _decider(  # noqa: PLR0917  # as above
    host: str,
    handler: object,
    factory: object,
    at: object,
    announce: object,
    lmtp: object,
    reach: Reach,
    dns: Resolver,
) -> Decider | None:
    elsewhere = any((at, announce, lmtp))
    if handler is None and factory is None and not elsewhere:
        return None
    __tracebackhide__ = True
    call = f"mailnet.add_server({host!r}"
    if handler is None and factory is None:
        from pytest_mailnet.server.application_server import ApplicationServer  # noqa: PLC0415  # with asyncio's TLS

        return ApplicationServer(call, at, announce, lmtp, reach, dns)
    if elsewhere:
        raise InvalidSetting(f"{call}, handler=..., at=...): a server has a handler, or is elsewhere")
    from aiosmtpd.smtp import SMTP  # noqa: PLC0415  # costs 60 ms, and most nets have no handler

    from pytest_mailnet.server.handler_hooks import Handling  # noqa: PLC0415  # as above

    return Handling(handler, SMTP if factory is None else factory, call)


def _listed(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
