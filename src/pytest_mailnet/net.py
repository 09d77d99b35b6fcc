"""MailNet: puts one little Internet together."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from types import TracebackType
from typing import Self

from pytest_mailnet.children import Children
from pytest_mailnet.clock import Clock
from pytest_mailnet.config import MailNetConfig
from pytest_mailnet.engine import Engine
from pytest_mailnet.errors import (
    ExpectationFailed,
    InvalidAddress,
    InvalidSetting,
    MailNetTampered,
    UnknownName,
    amongst,
)
from pytest_mailnet.intercept import Interception
from pytest_mailnet.journal import ClockMoved, Incident, Journal, Session
from pytest_mailnet.mailbox import Arrivals, Message
from pytest_mailnet.model import Endpoint
from pytest_mailnet.nameserver import NameServer
from pytest_mailnet.providers import Facts, Provider, load_facts, provider_names
from pytest_mailnet.providers.host import Host
from pytest_mailnet.reach import Reach
from pytest_mailnet.records import Record, parse_zone, plain_name
from pytest_mailnet.routes import Occupant, Routes, address_pool
from pytest_mailnet.rules.recipients import AuthenticatedUser, LocalRecipient, RelayingDenied, TrustedNetwork
from pytest_mailnet.sender import Sender
from pytest_mailnet.verdict import Complaint, complaints
from pytest_mailnet.zone import Dns

__all__ = ["MailNet"]


class MailNet:
    """One test's Internet: names, addresses, servers, mailboxes, clock, log.

    It is active, and the application's look-ups and connections lead into it, between `with MailNet() as
    net:` and the end of the block; in pytest the `mailnet` fixture is an active one. Nets nest.

    Args:
        config: how strict it is and what it leaves alone.
        start: where its clock begins, an aware datetime; now by default.
        seed: of the queue ids and all else that is drawn by lot.
        engine: the background to run in; by default one of its own, for as long as it is active.

    Attributes:
        sender: who the application seems to be.
        clock: the only clock that rules look at.
        dns: its zones, and the questions that were asked.
        journal: everything that happened.
    """

    def __init__(
        self,
        config: MailNetConfig | None = None,
        *,
        start: datetime | None = None,
        seed: int | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.config = config or MailNetConfig()
        self.journal = Journal()
        self.clock = Clock(start, self._clock_moved)
        self.routes: Routes[Occupant] = Routes(address_pool(public=self.config.addresses == "public"))
        self.dns = Dns(missing=self._missing, reverse=self._reverse_name, journal=self.journal)
        self.name_server = NameServer(self.dns, self.journal)
        self.engine = engine or Engine()
        self._own_engine = engine is None
        self._random = Random(seed)  # noqa: S311
        self._arrivals = Arrivals()
        self._providers: dict[str, Provider] = {}
        self._hosts: dict[str, Host] = {}
        self._senders: list[Sender] = []
        self._published: dict[Sender, str] = {}
        self.sender = self._new_sender("203.0.113.7", "app.sender.example")
        self._interception: Interception | None = None
        self._reach: Reach | None = None
        self._closing: list[Callable[[], None]] = []
        self._told: set[str] = set()
        self._verified = False

    # -- what there is

    @property
    def gmail(self) -> Provider:
        """Gmail, as it is today unless `provider("gmail", era=...)` was called before."""
        return self.provider("gmail")

    @property
    def hotmail(self) -> Provider:
        """Outlook.com, which carries hotmail.com, unless `provider("hotmail", era=...)` was called before."""
        return self.provider("hotmail")

    def provider(self, name: str, *, era: int | None = None) -> Provider:
        """A provider by name; a net has one of each.

        Args:
            name: "gmail", "hotmail", or the host name of a server that the test added.
            era: the year as of which it is; None for today, or as it was first asked for.

        Raises:
            UnknownName: if there is no such provider or era; names the near misses.
            InvalidSetting: if it is in the net already, as of another year.
        """
        known = self._providers.get(name)
        if known is None:
            if name in self._hosts or name not in provider_names():
                raise UnknownName(
                    "provider",
                    name,
                    [*provider_names(), *self._providers],
                    "A server of one's own: mailnet.add_server('mx.shop.example', domain='shop.example').",
                )
            return self._put(load_facts(name, era))
        if era is not None and known.facts is not load_facts(name, era):
            raise InvalidSetting(
                f"mailnet.provider({name!r}, era={era}): {name} is in this net already, as {known.facts.title}. "
                "A net has one of each: ask for the era before the first use"
            )
        return known

    def add_server(
        self,
        host: str,
        *,
        domain: str | Iterable[str] = (),
        ip: str | Iterable[str] = (),
        ports: Iterable[int] = (25, 587),
        preference: int = 10,
    ) -> Provider:
        """Add a plain mail server with no opinions, and its records.

        Args:
            host: its name.
            domain: whose mail it takes, for any recipient; others' is refused as relaying. Without one
                it takes whatever it is given.
            ip: its address or addresses; without one it gets the next free one.
            ports: what it listens on.
            preference: of its MX records; the lower is tried first (RFC 5321, 5.1).

        Raises:
            InvalidAddress: if a name or address cannot be one, or the host is in the net already.
            AddressInUse: if another has the address.
        """
        name = host.rstrip(".").lower()
        domains = tuple(it.rstrip(".").lower() for it in _listed(domain))
        for given in (name, *domains):
            _check_host_name(given)
        if name in self._hosts or name in self._providers:
            raise InvalidAddress(f"{host!r} is in this net already; a host is added once")
        facts = _plain_facts(name, domains, tuple(ports))
        server = self._provider(facts, catch_all=True)
        self._add_host(server, name, _listed(ip))
        for each in domains:
            self.dns.add(each, "MX", f"{preference} {name}.")
        return server

    def host(self, name: str) -> Host:
        """A host by name: a provider's or one that the test added.

        Raises:
            UnknownName: if the net has none of that name; names the near misses.
        """
        wanted = name.rstrip(".").lower()
        if wanted not in self._hosts:
            self._missing(wanted)
        if wanted not in self._hosts:
            for standard in provider_names():
                self.provider(standard)
        if wanted not in self._hosts:
            raise UnknownName("host", name, self._hosts, f"To have one: mailnet.add_server({name!r}).")
        return self._hosts[wanted]

    @property
    def hosts(self) -> list[Host]:
        """The hosts that are in the net by now."""
        return list(self._hosts.values())

    def listen(self, host: str, port: int = 25) -> Endpoint:
        """Open a real loopback port that leads to a host, for clients in other languages and processes.

        Args:
            host: its name.
            port: which of its ports.

        Returns:
            The address to connect to; it is closed when the net is left.

        Raises:
            UnknownName: if the net has no such host.
            InvalidSetting: if the host does not listen on that port, or the net is not active.
        """
        called = self.host(host)
        if port not in called.ports or self._reach is None:
            wrong = (
                f"listens on {', '.join(map(str, called.ports))}"
                if self._reach
                else "is in a net that is not active"
            )
            raise InvalidSetting(f"mailnet.listen({host!r}, {port}): {called.name} {wrong}")
        reach = self._reach
        where, close = self.engine.listen(lambda client: reach.call(client.port, called, port))
        self._closing.append(close)
        return where

    def include_children(self) -> None:
        """Lead the Python processes that are started from now on into the net too, until it is left.

        It sets PYTHONPATH and PYTEST_MAILNET_PARENT in `os.environ`; a child whose environment has them
        joins before its own code runs.

        Raises:
            InvalidSetting: if the net is not active.
        """
        if self._reach is None:
            raise InvalidSetting("mailnet.include_children(): the net is not active; call it inside `with`")
        self._closing.append(Children(self.engine, self._reach).close)

    def add_sender(self, *, ip: str | None = None, ptr: str | None = None) -> Sender:
        """A further address of the application; chosen by binding to it, or by `sending_from`.

        Args:
            ip: its address; without one, the next free one of the senders' range.
            ptr: its reverse name.

        Raises:
            InvalidAddress, AddressInUse: if that is no address, or another's.
        """
        return self._new_sender(ip, ptr)

    @contextlib.contextmanager
    def sending_from(self, sender: Sender) -> Iterator[Sender]:
        """Let connections come from another sender for a block of code, in all threads."""
        before, self.sender = self.sender, sender
        try:
            yield sender
        finally:
            self.sender = before

    # -- looking back

    @property
    def sessions(self) -> list[Session]:
        """The SMTP sessions so far, failed ones too."""
        return self.journal.sessions

    @property
    def messages(self) -> list[Message]:
        """The messages that any server took, in order."""
        return list(self._arrivals.messages)

    def wait_for_messages(self, count: int = 1, *, timeout: float = 5.0) -> list[Message]:
        """Block until so many messages have come since the net began; return them all.

        Args:
            count: how many.
            timeout: in real seconds.

        Raises:
            NothingArrived: if they have not come by then.
        """
        return self._arrivals.wait(count, timeout)

    async def wait_for_messages_async(self, count: int = 1, *, timeout: float = 5.0) -> list[Message]:  # noqa: ASYNC109
        """Do what `wait_for_messages` does, in a task of asyncio or trio."""
        return await self._arrivals.wait_async(count, timeout)

    # -- being active

    def __enter__(self) -> Self:
        self._verified = False
        self._reach = Reach(self)
        self._interception = Interception(self._reach)
        # First: a plugin may have forbidden all sockets, the engine's too.
        self._interception.install()
        try:
            self.engine.enter(self)
        except BaseException:
            self._interception.uninstall()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._verified:
            self.verify()
        self._leave()
        if error is None:
            self.check()

    def settle(self, *, failed: bool = False) -> None:
        """Do what is due at the end of a test: verify the patches, if the net is active, and check.

        Args:
            failed: the test has failed already, so that only exceptions of rules and predicates, which
                may be the cause, are still told when the net is left. The report shows the rest.

        Raises:
            ExpectationFailed: as `check` does, unless the test has failed.
        """
        __tracebackhide__ = True
        if self._interception is not None:
            self.verify()
        if failed:
            self._told.update(it.text for it in self._complaints() if it.error is None)
        else:
            self.check()

    def check(self) -> None:
        """Fail for what the net did not allow and saw, or was told to give and did not. Each is told once.

        Raises:
            ExpectationFailed: with everything that there is to say; from the exception of a rule or
                predicate, where one was raised.
        """
        __tracebackhide__ = True
        found = self._complaints()
        self._told.update(it.text for it in found)
        if found:
            causes = [it.error for it in found if it.error is not None]
            raise ExpectationFailed("\n".join(it.text for it in found)) from (causes[0] if causes else None)

    def _complaints(self) -> list[Complaint]:
        scripts = [provider.script for provider in self.providers]
        found = complaints(self.journal, scripts, self.config, self._names())
        return [it for it in found if it.text not in self._told]

    def verify(self) -> None:
        """Note who has tampered with the patches, if anybody has."""
        assert self._interception is not None
        # Once a net: at the end of the test, not again when other plugins have put their own back.
        self._verified = True
        for what in self._interception.tampered():
            text = f"{what}, while a mailnet was active: what it did since may have bypassed the net"
            self.journal.add(Incident(self.journal.elapsed(), "tampering", text, MailNetTampered(text)))

    def _leave(self) -> None:
        self._reach = None
        while self._closing:
            self._closing.pop()()
        if self._interception is not None:
            self._interception.uninstall()
            self._interception = None
        self.engine.leave(self)
        if self._own_engine:
            self.engine.close()

    # -- what the layers below ask

    def caller(self) -> str:
        """The sender's address for questions that come without a note of who asks."""
        return self.sender.ip

    @property
    def providers(self) -> list[Provider]:
        """The providers and servers that are in the net by now."""
        return list(self._providers.values())

    def is_host(self, ip: str) -> bool:
        """Whether a host of the net has that address."""
        return isinstance(self.routes.occupant(ip), Host)

    def host_at(self, ip: str) -> Host | None:
        """The host with that address; puts the standard providers in if need be."""
        if self.routes.occupant(ip) is None:
            for name in provider_names():
                self.provider(name)
        occupant = self.routes.occupant(ip)
        return occupant if isinstance(occupant, Host) else None

    def unknown_name(self, name: str, rcode: str) -> str:
        """Tell of a look-up that found nothing: which name, what there is, how to add it."""
        if rcode == "NOERROR":
            return f"{name!r} is in this mailnet and has no address; mailnet.dns.add({name!r}, 'A', '192.0.2.27')"
        return (
            f"{name!r} is not in this mailnet{amongst(name, self._names())}. "
            f"To have it: mailnet.add_server({name!r}), or mailnet.dns.add({name!r}, 'A', '192.0.2.27')"
        )

    def _names(self) -> list[str]:
        return [*self._hosts, *_standard_names(), *(it for p in self.providers for it in p.facts.domains)]

    def _put(self, facts: Facts) -> Provider:
        provider = self._provider(facts)
        self.dns.put(_zone_records(facts))
        for host, addresses in _mx_hosts(facts).items():
            self._add_host(provider, host, addresses, publish=not addresses)
        return provider

    def _provider(self, facts: Facts, *, catch_all: bool = False) -> Provider:
        provider = Provider(
            facts,
            clock=self.clock,
            dns=self.dns,
            journal=self.journal,
            arrivals=self._arrivals,
            random=self._random,
            sender_at=self._sender_at,
            catch_all=catch_all,
        )
        self._providers[facts.name] = provider
        return provider

    def _add_host(self, provider: Provider, name: str, ips: Iterable[str], *, publish: bool = True) -> None:
        host = Host(name, provider, provider.facts.ports)
        claimed = [self.routes.claim(ip, host) for ip in ips] or [self.routes.allocate(host)]
        host.addresses = tuple(claimed)
        self._hosts[name] = provider.hosts[name] = host
        if publish:
            for ip in claimed:
                self.dns.add(name, "AAAA" if ":" in ip else "A", ip)

    def _new_sender(self, ip: str | None, ptr: str | None) -> Sender:
        number = 7 + len(self._senders)
        sender = Sender(
            self.routes,
            ip=ip or f"203.0.113.{number}",
            ipv6=f"2001:db8:203::{number:x}",
            ptr=ptr,
            changed=self._sender_changed,
        )
        self._senders.append(sender)
        return sender

    def _sender_changed(self, sender: Sender) -> None:
        name = self._published.pop(sender, None)
        if name is not None:
            self.dns.remove(name)
        self.dns.changed()

    def _publish(self, name: str) -> None:
        """Let a sender's reverse name resolve to its addresses, when it is first asked for."""
        for sender in self._senders:
            if sender.ptr == name and sender not in self._published and name not in self.dns.names:
                self._published[sender] = name
                self.dns.add(name, "A", sender.ip)
                self.dns.add(name, "AAAA", sender.ipv6)

    def _sender_at(self, ip: str) -> Sender | None:
        occupant = self.routes.occupant(ip)
        return occupant if isinstance(occupant, Sender) else None

    def _missing(self, name: str) -> None:
        """Put a standard provider or a sender in when its name is first looked up."""
        if any(sender.ptr == name for sender in self._senders):
            self._publish(name)
        labels = name.split(".")
        for start in range(len(labels) - 1):
            provider = _standard_names().get(".".join(labels[start:]))
            if provider is not None and provider not in self._providers:
                self.provider(provider)

    def _reverse_name(self, ip: str) -> str | None:
        occupant = self.routes.occupant(ip) or self.host_at(ip)
        if isinstance(occupant, Sender):
            return occupant.ptr
        return None if occupant is None else occupant.name

    def _clock_moved(self, step: timedelta) -> None:
        now = f"{self.clock.now():%Y-%m-%d %H:%M:%S}"
        self.journal.add(ClockMoved(self.journal.elapsed(), step.total_seconds(), now))


@functools.cache
def _standard_names() -> Mapping[str, str]:
    """The domains and MX hosts of the providers that are there from the start, with their owners."""
    return {
        name: provider
        for provider in provider_names()
        for name in (*load_facts(provider).domains, *_mx_hosts(load_facts(provider)))
    }


@functools.cache
def _zone_records(facts: Facts) -> tuple[Record, ...]:
    """A provider's records; read once a run, since reading costs more than all else in a net."""
    return tuple(parse_zone(facts.zone, "."))


@functools.cache
def _mx_hosts(facts: Facts) -> Mapping[str, tuple[str, ...]]:
    """The hosts that a provider's MX records point to, with the addresses that its zone gives them."""
    records = _zone_records(facts)
    hosts = [plain_name(str(it.rdata).split()[1]) for it in records if it.rdtype == "MX"]
    return {
        host: tuple(str(it.rdata) for it in records if it.name == host and it.rdtype in {"A", "AAAA"})
        for host in hosts
    }


def _plain_facts(name: str, domains: tuple[str, ...], ports: tuple[int, ...]) -> Facts:
    return Facts(
        name=name,
        title=name,
        domains=domains,
        ports=ports,
        queue_id="%" * 12,
        zone="",
        extensions=("SIZE 35651584", "8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", "SMTPUTF8"),
        rules=(TrustedNetwork(), LocalRecipient(), AuthenticatedUser(), RelayingDenied()),
        phrases={},
    )


def _listed(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _check_host_name(name: str) -> None:
    labels = name.split(".")
    if len(name) > 253 or not all(
        label and len(label) <= 63 and " " not in label and "@" not in label for label in labels
    ):
        raise InvalidAddress(f"{name!r} cannot be a host or domain name; one looks like 'mx.shop.example'")
