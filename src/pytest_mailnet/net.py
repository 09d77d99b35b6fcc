"""MailNet: puts one little Internet together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pytest_mailnet.children import Children
from pytest_mailnet.clock import Clock
from pytest_mailnet.config import MailNetConfig
from pytest_mailnet.engine import Engine
from pytest_mailnet.errors import ExpectationFailed, InvalidSetting, MailNetTampered, amongst
from pytest_mailnet.intercept import Interception
from pytest_mailnet.internet import Internet
from pytest_mailnet.journal import ClockMoved, Incident, Journal, Session
from pytest_mailnet.mailbox import Message
from pytest_mailnet.model import Endpoint
from pytest_mailnet.providers import Provider
from pytest_mailnet.providers.host import Host
from pytest_mailnet.reach import Reach
from pytest_mailnet.resolver import Dns
from pytest_mailnet.sender import Sender
from pytest_mailnet.verdict import Complaint, complaints

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
        settings: go before those of `config`: `MailNet(strict=False)`.

    Attributes:
        clock: the only clock that rules look at.
        journal: everything that happened.

    Raises:
        InvalidSetting: for a setting that there is not, with near misses, or a value it does not take.
    """

    def __init__(
        self,
        config: MailNetConfig | None = None,
        *,
        start: datetime | None = None,
        seed: int | None = None,
        engine: Engine | None = None,
        **settings: Any,
    ) -> None:
        self.config = (config or MailNetConfig()).but(settings)
        self.journal = Journal()
        self.clock = Clock(start, self._clock_moved)
        self._internet = Internet(self.config, self.journal, self.clock, Random(seed))  # noqa: S311
        self._engine = engine or Engine()
        self._own_engine = engine is None
        self._interception: Interception | None = None
        self._reach: Reach | None = None
        self._closing: list[Callable[[], None]] = []
        self._told: set[str] = set()
        self._verified = False

    @property
    def dns(self) -> Dns:
        """Its zones, and the questions that were asked."""
        return self._internet.dns

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
        return self._internet.provider(name, era)

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
        return self._internet.add_server(host, _listed(domain), _listed(ip), tuple(ports), preference)

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
        return self._internet.add_domain(domain, on)

    def host(self, name: str) -> Host:
        """A host by name: a provider's or one that the test added.

        Raises:
            UnknownName: if the net has none of that name; names the near misses.
        """
        return self._internet.host(name)

    @property
    def providers(self) -> list[Provider]:
        """The providers and servers that are in the net by now."""
        return self._internet.providers

    @property
    def hosts(self) -> list[Host]:
        """The hosts that are in the net by now."""
        return self._internet.hosts

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
        where, close = self._engine.listen(lambda client: reach.call(client.port, called, port))
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
        self._closing.append(Children(self._engine, self._reach).close)

    def add_sender(self, *, ip: str | None = None, ptr: str | None = None) -> Sender:
        """A further address of the application; chosen by binding to it, or by `sending_from`.

        Args:
            ip: its address; without one, the next free one of the senders' range.
            ptr: its reverse name.

        Raises:
            InvalidAddress, AddressInUse: if that is no address, or another's.
        """
        return self._internet.add_sender(ip, ptr)

    @contextlib.contextmanager
    def sending_from(self, sender: Sender) -> Iterator[Sender]:
        """Let connections come from another sender for a block of code, in all threads.

        Raises:
            InvalidSetting: if that is no sender.
        """
        if not isinstance(sender, Sender):
            raise InvalidSetting(
                f"mailnet.sending_from({sender!r}) takes what mailnet.add_sender(ip=...) returns"
            )
        before, self._internet.sender = self._internet.sender, sender
        try:
            yield sender
        finally:
            self._internet.sender = before

    @property
    def sessions(self) -> list[Session]:
        """The SMTP sessions so far, failed ones too."""
        return self.journal.sessions

    @property
    def messages(self) -> list[Message]:
        """The messages that any server took, in order."""
        return list(self._internet.arrivals.messages)

    def wait_for_messages(self, count: int = 1, *, timeout: float = 5.0) -> list[Message]:
        """Block until so many messages have come since the net began; return them all.

        Args:
            count: how many.
            timeout: in real seconds.

        Raises:
            NothingArrived: if they have not come by then.
        """
        return self._internet.arrivals.wait(count, timeout)

    async def wait_for_messages_async(self, count: int = 1, *, timeout: float = 5.0) -> list[Message]:  # noqa: ASYNC109
        """Do what `wait_for_messages` does, in a task of asyncio or trio."""
        return await self._internet.arrivals.wait_async(count, timeout)

    def __enter__(self) -> Self:
        self._verified = False
        self._reach = Reach(self._internet, self._engine)
        self._interception = Interception(self._reach)
        # First: a plugin may have forbidden all sockets, the engine's too.
        self._interception.install()
        try:
            self._engine.enter(self._internet)
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

    if not TYPE_CHECKING:  # the type checker knows the names that there are

        def __getattr__(self, name: str) -> Any:
            known = [it for it in dir(type(self)) if not it.startswith("_")]
            raise AttributeError(f"a mailnet has no attribute {name!r}{amongst(name, known)}")

    def _complaints(self) -> list[Complaint]:
        scripts = [provider.script for provider in self._internet.providers]
        found = complaints(self.journal, scripts, self.config, self._internet.names)
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
        self._engine.leave(self._internet)
        if self._own_engine:
            self._engine.close()

    def _clock_moved(self, step: timedelta) -> None:
        now = f"{self.clock.now():%Y-%m-%d %H:%M:%S}"
        self.journal.add(ClockMoved(self.journal.elapsed(), step.total_seconds(), now))


def _listed(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
