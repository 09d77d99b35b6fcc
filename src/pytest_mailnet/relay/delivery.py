"""Delivers mails to the hosts of their recipients, as servers relay them (RFC 5321, 3.6)."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from pytest_mailnet.addresses import is_loopback
from pytest_mailnet.relay.client import Refused, RelayClient, settle, verdict
from pytest_mailnet.relay.loopback import HandshakeFailed, LineLost, Loopback
from pytest_mailnet.relay.queue_entry import DeliveryOutcome, QueuedMail, QueuedRecipient
from pytest_mailnet.relay.routing import MailExchanger, Router, Unroutable
from pytest_mailnet.server.connection import Connection, Tenant
from pytest_mailnet.smtp.headers import domain_of
from pytest_mailnet.values import Endpoint

if TYPE_CHECKING:
    from random import Random

    from pytest_mailnet.faults import Fault
    from pytest_mailnet.providers.host_service import HostService
    from pytest_mailnet.providers.operator import Operator
    from pytest_mailnet.record.journal import Journal
    from pytest_mailnet.relay.source import Source

__all__ = ["Courier", "Surroundings"]

_SMTP = 25


class Surroundings(Tenant, Protocol):
    """A net as a queue sees it."""

    journal: Journal
    random: Random

    def drawn_for(self, host: HostService, port: int) -> Fault | None:
        """A fault for the next connection to a host, besides the host's own; None for none."""
        ...

    def host_at(self, ip: str) -> HostService | None:
        """The host with an address; None if there is none."""
        ...

    def source_of(self, operator: Operator) -> Source:
        """The addresses and the name that an operator sends from."""
        ...


class Courier:
    """Delivers the mails of one run of a queue. Connections are reused for further mails until `close`.

    Args:
        net: the net in which mails are delivered.
    """

    def __init__(self, net: Surroundings) -> None:
        self._net = net
        self._routers: dict[str, Router] = {}
        self._calls: dict[tuple[str, str], RelayClient] = {}
        self._unreachable: dict[tuple[str, str], DeliveryOutcome] = {}
        self._clear: set[str] = set()  # addresses where a handshake has failed
        self._port = 40000

    async def carry(self, mail: QueuedMail, operator: Operator) -> None:
        """Try all recipients of a mail, and note each outcome.

        Args:
            mail: the mail.
            operator: the operator whose server sends the mail.
        """
        now = self._net.clock.now()
        source = self._net.source_of(operator)
        settled = [it for it in mail.recipients if it.verdict is not None]
        for recipient in settled:
            recipient.outcome = recipient.verdict
        others = [it for it in mail.recipients if it.verdict is None]
        for route, recipients in self._groups(others, source).items():
            await self._deliver(mail, recipients, route, source)
        for recipient in mail.recipients:
            recipient.tried = now

    async def close(self) -> None:
        """Say QUIT on all connections, and close them."""
        for call in self._calls.values():
            await call.quit()
        self._calls.clear()

    def _groups(
        self, recipients: Iterable[QueuedRecipient], source: Source
    ) -> dict[tuple[MailExchanger, ...], list[QueuedRecipient]]:
        """The recipients by route: a host gets one mail for all recipients of the same route."""
        groups: dict[tuple[MailExchanger, ...], list[QueuedRecipient]] = {}
        for recipient in recipients:
            try:
                route = self._router(source).route(domain_of(recipient.address))
            except Unroutable as unroutable:
                recipient.outcome = DeliveryOutcome(
                    verdict(unroutable.status), unroutable.status, why=unroutable.why
                )
            else:
                groups.setdefault(route, []).append(recipient)
        return groups

    def _router(self, source: Source) -> Router:
        net = self._net
        found = self._routers.get(source.ip)
        if found is None:

            def ask(packet: bytes) -> bytes | None:
                return net.name_server.answer(packet, tcp=True, server=None, client=source.ip)

            found = self._routers[source.ip] = Router(ask, net.random)
        return found

    async def _deliver(
        self,
        mail: QueuedMail,
        recipients: list[QueuedRecipient],
        route: tuple[MailExchanger, ...],
        source: Source,
    ) -> None:
        router = self._router(source)
        for host in router.in_turn(route):
            addresses = router.addresses(host)
            if not addresses:
                why = f"{host} has no address in DNS"
                settle(recipients, DeliveryOutcome("deferred", "4.4.4", why=why, host=host))
            for ip in addresses:
                await self._try(mail, recipients, host, ip, source)
                recipients = [it for it in recipients if it.outcome and it.outcome.action == "deferred"]
                if not recipients:
                    return

    async def _try(
        self, mail: QueuedMail, recipients: list[QueuedRecipient], host: str, ip: str, source: Source
    ) -> None:
        key = source.ip, ip
        standing = self._calls.get(key)
        if standing is not None and await self._transacted(key, standing, mail, recipients) is None:
            return
        # No connection was open, or the server takes no further mail on the open one.
        call = await self._dial(key, host, source)
        lost = (
            call if isinstance(call, DeliveryOutcome) else await self._transacted(key, call, mail, recipients)
        )
        if lost is not None:
            settle(recipients, lost)

    async def _transacted(
        self, key: tuple[str, str], call: RelayClient, mail: QueuedMail, recipients: list[QueuedRecipient]
    ) -> DeliveryOutcome | None:
        """Try a mail on a connection; an outcome only if the connection was lost."""
        try:
            await call.transact(mail, recipients)
        except LineLost as lost:
            call.hang_up()
            return DeliveryOutcome(
                "deferred", "4.4.2", why=f"{lost} ({call.host})", host=call.host, ip=call.ip
            )
        finally:
            if not call.open:
                self._calls.pop(key, None)
        return None

    async def _dial(self, key: tuple[str, str], host: str, source: Source) -> RelayClient | DeliveryOutcome:
        """Connect to a host, unless that has failed earlier in this run."""
        found = self._unreachable.get(key)
        if found is not None:
            return found
        ip = key[1]
        try:
            call = self._calls[key] = await self._connected(host, ip, source)
        except Refused as refused:  # another host may take the mail, or this one later
            reply = refused.reply
            failure = DeliveryOutcome(
                "deferred",
                f"4{reply.enhanced[1:]}" if reply.enhanced else "4.3.0",
                str(reply),
                host=host,
                ip=ip,
                stage=refused.stage,
            )
        except LineLost as lost:
            failure = DeliveryOutcome("deferred", "4.4.1", why=f"{lost} ({host})", host=host, ip=ip)
        else:
            return call
        self._unreachable[key] = failure
        return failure

    async def _connected(self, name: str, ip: str, source: Source) -> RelayClient:
        encrypting = ip not in self._clear
        try:
            client = RelayClient(self._line(name, ip, source), name, ip)
            await client.begin(source.helo, tls=encrypting)
        except HandshakeFailed:  # once more in the clear, as with opportunistic TLS
            self._clear.add(ip)
            return await self._connected(name, ip, source)
        return client

    def _line(self, name: str, ip: str, source: Source) -> Loopback:
        net = self._net
        own = source.ipv6 if ":" in ip else source.ip
        if not own:
            raise LineLost(f"{source.helo} has no address from which to reach {ip}")
        there = Endpoint(ip, _SMTP)
        host = net.host_at(ip)
        if host is None:
            why = "no host of the net has that address"
            if is_loopback(ip):
                why += (
                    f", and mail stays in the net; mailnet.add_server({name!r}, handler=...) puts one there"
                )
            net.journal.not_connected(own, there, "", errno.ENETUNREACH, why)
            raise LineLost(f"no route to {ip}")
        drawn = net.drawn_for(host, _SMTP)
        unreachable = host.unreachable(_SMTP, drawn)
        if unreachable is not None:
            net.journal.not_connected(own, there, host.name, *unreachable)
            raise LineLost(f"the connection to {ip} failed: {unreachable[1]}")
        self._port += 1
        service = host.service(_SMTP, _nobody, drawn)
        return Loopback(Connection(net, Endpoint(own, self._port), there, service))


def _nobody(_connection: Connection) -> None:
    """Called at the end of a connection, which the engine does not know of."""
