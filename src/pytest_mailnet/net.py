"""MailNet: puts one little Internet together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from types import MappingProxyType, TracebackType
from typing import Any, Never, Self

from pytest_mailnet.activation import Activation
from pytest_mailnet.attributes import is_whole, steady
from pytest_mailnet.certificates import Authority
from pytest_mailnet.clock import Clock, span
from pytest_mailnet.config import WHERE_SET, MailNetConfig
from pytest_mailnet.errors import ExpectationFailed, InvalidSetting, NothingArrived, behind
from pytest_mailnet.evidence import Failure
from pytest_mailnet.internet import Internet
from pytest_mailnet.journal import ClockMoved, Journal, Session
from pytest_mailnet.mailbox import Message
from pytest_mailnet.model import Endpoint, Stage
from pytest_mailnet.population import Population
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.reckoning import Log, Reckoning, message_id, reckon
from pytest_mailnet.relaying import Queue
from pytest_mailnet.reproduction import reproduce_in
from pytest_mailnet.shown import printable_lines
from pytest_mailnet.snapshot import Snapshot, since
from pytest_mailnet.unmet import unmet_text
from pytest_mailnet.verdict import Complaint, complaints
from pytest_mailnet.wire.engine import Engine
from pytest_mailnet.written import Written

__all__ = ["MailNet"]


_MESSAGES = "mailnet.messages has what servers took, mailnet.gmail.mailbox('alice').messages what lies there"
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **WHERE_SET,
        **dict.fromkeys(("mails", "mail", "emails", "inbox", "outbox", "last_message"), _MESSAGES),
        **dict.fromkeys(
            ("google", "gsuite"), "mailnet.gmail, or mailnet.google_workspace for domains of one's own"
        ),
        **dict.fromkeys(("office365", "exchange", "o365"), "mailnet.microsoft365"),
        **dict.fromkeys(
            ("clear", "reset"), "a test begins with a fresh net; make_mailnet() makes a further one"
        ),
        "config": "make_mailnet(strict=...), MailNet(strict=...), @pytest.mark.mailnet(strict=...) make one",
        "providers": f"mailnet.add_server(...) adds a server; files of providers: {WHERE_SET['providers']}",
        "hosts": "mailnet.add_server('mx.shop.example') adds one",
        "servers": "mailnet.hosts has all hosts, mailnet.add_server('mx.shop.example') adds one",
        "sender": "its attributes can be set; another one: with mailnet.sending_from(mailnet.add_sender()):",
        "clock": "mailnet.clock.set(moment) and mailnet.clock.advance(hours=1) move it",
        "now": "mailnet.clock.now() tells it, mailnet.clock.advance(hours=1) moves it",
        "queue": "mailnet.deliver_all() works through it; mailnet.queue.schedule can be set",
        "smtp": "mailnet.add_server('mx.shop.example', domain='shop.example') adds a server",
        "mailbox": "mailboxes are a provider's: mailnet.gmail.mailbox('alice')",
        "add_mailbox": "mailboxes are a provider's: mailnet.gmail.add_mailbox('alice')",
        **{f"on_{stage}": f"answers are a provider's: mailnet.gmail.on_{stage}(...)" for stage in Stage},
    }
)


@steady("a mailnet", _INSTEAD)
class MailNet(Population):
    """One test's Internet: names, addresses, servers, mailboxes, clock, log.

    It is active, and the application's look-ups and connections lead into it, between `with MailNet() as
    net:` and the end of the block; in pytest the `mailnet` fixture is an active one. Nets nest, and overlap
    in threads.

    Args:
        config: how strict it is and what it leaves alone.
        start: where its clock begins, an aware datetime; now by default.
        seed: of the queue ids and all else that is drawn by lot.
        engine: the background to run in; by default one of its own, for as long as it is active.
        title: what messages call it, where it is not the only net: the id of its test.
        settings: go before those of `config`: `MailNet(strict=False)`.

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
        title: str = "a mailnet",
        **settings: Any,
    ) -> None:
        if not isinstance(config, MailNetConfig | None):
            raise InvalidSetting(f"MailNet({config!r}) takes settings by name: MailNet(strict=False)")
        self._config = (config or MailNetConfig()).but(settings)
        self._journal = Journal()
        self._clock = Clock(start, self._clock_moved, self._compress)
        self._engine = engine or Engine()
        random = Random(seed)  # noqa: S311
        super().__init__(Internet(self._config, self._journal, self._clock, random, self._engine.authority))
        self._own_engine = engine is None
        self._active: Activation | None = None
        self._told: set[str] = set()
        self._failed_for: set[Written | None] = set()
        self._title = title
        self._entered = False

    @property
    def config(self) -> MailNetConfig:
        """How strict it is, and what it leaves alone."""
        return self._config

    @property
    def clock(self) -> Clock:
        """The only clock that rules look at."""
        return self._clock

    @property
    def journal(self) -> Journal:
        """Everything that happened."""
        return self._journal

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
        if not is_whole(port):
            raise InvalidSetting(f"mailnet.listen({host!r}, {port!r}): a port is a number, as in 25")
        if port not in called.ports or self._active is None:
            wrong = (
                f"listens on {', '.join(map(str, called.ports))}"
                if self._active
                else "is in a net that is not active"
            )
            raise InvalidSetting(f"mailnet.listen({host!r}, {port}): {called.name} {wrong}")
        return self._active.listen(called, port, f"a wait of a client of mailnet.listen({host!r})")

    def include_children(self) -> None:
        """Lead the Python processes that are started from now on into the net too, until it is left.

        It sets PYTHONPATH and PYTEST_MAILNET_PARENT in `os.environ`; a child whose environment has them
        joins before its own code runs.

        Raises:
            InvalidSetting: if the net is not active.
        """
        if self._active is None:
            raise InvalidSetting("mailnet.include_children(): the net is not active; call it inside `with`")
        self._active.include_children()

    @property
    def ca(self) -> Authority:
        """Who signs the certificates of all hosts; `mailnet.ca.bundle` is a CA file for other clients."""
        return self._engine.authority

    @property
    def queue(self) -> Queue:
        """The mails that servers have taken for recipients elsewhere, oldest first, and why they wait."""
        return self._internet.queue

    def deliver_all(
        self, *of_what: Never, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Let the servers deliver what waits in their queues, and send the bounces that come of it.

        Without arguments, all that is due now. With them the clock moves on by that much, from one retry to
        the next, so that five days of retries take no time: `mailnet.deliver_all(days=5)`.

        Raises:
            InvalidSetting: for a negative span, or one of nobody knows what, or if the net is not active.
        """
        __tracebackhide__ = True
        call = "mailnet.deliver_all"
        until = span(call, of_what, days=days, hours=hours, minutes=minutes, seconds=seconds)
        if until < timedelta() or self._active is None:
            wrong = (
                f"{until} lies in the past"
                if self._active
                else "the net is not active; call it inside `with`"
            )
            raise InvalidSetting(f"{call}(): {wrong}")
        self._engine.run(self.queue.run(until))

    @property
    def sessions(self) -> list[Session]:
        """The SMTP sessions so far, failed ones too."""
        return Snapshot(self.journal.sessions, "mailnet.sessions", since("mailnet.sessions"))

    @property
    def messages(self) -> list[Message]:
        """The messages that any server took, in order."""
        return Snapshot(self._internet.arrivals.messages, "mailnet.messages", since("mailnet.messages"))

    def account_for(self, app_log: Log, *, key: Callable[[Message], str] = message_id) -> Reckoning:
        """Hold what the application believes of its mails against what servers took from it.

        Args:
            app_log: for each mail, by Message-ID, or by Message-ID and recipient: "sent", "deferred",
                "failed", or None where the application has no word of it. A mapping or pairs.
            key: finds what the log calls a mail by, if that is not its Message-ID.

        Raises:
            InvalidSetting: for another belief, with near misses.
        """
        relays = {ip for source in self._internet.senders.sources for ip in (source.ip, source.ipv6)}
        taken = [it for it in self.messages if it.session.client.ip not in relays]
        return reckon(app_log, taken, key)

    def reproduce(self, *evidence: str | os.PathLike[str] | Failure) -> list[Failure]:
        """Let what production said happen again: `mailnet.reproduce("evidence/bounce.eml")`.

        Who sends to the recipients that the evidence names meets at that host, and at that stage, that reply
        or that fault. Hosts and domains that the net does not have are added to it.

        Args:
            evidence: bounces, logs, transcripts, web hooks, folders of such; or failures, as this returns.

        Returns:
            What the evidence tells, a failed recipient each, as `mailnet reproduce` prints it.

        Raises:
            EvidenceError: for a path where nothing is, or a file in which no failure is found.
        """
        __tracebackhide__ = True
        return reproduce_in(self, evidence, catalogue_with(self.config.providers))

    def wait_for_messages(self, count: int = 1, *, timeout: float = 5.0) -> list[Message]:
        """Block until so many messages have come since the net began; return them all.

        Args:
            count: how many.
            timeout: in real seconds.

        Raises:
            NothingArrived: if they have not come by then.
            WouldHang: in a coroutine, whose loop it would hold up: `await mailnet.wait_for_messages_async()`.
            InvalidSetting: for a count that is no number of messages to wait for.
        """
        __tracebackhide__ = True
        try:
            return self._internet.arrivals.wait(count, timeout)
        except NothingArrived as error:
            raise self._with_queue(error) from None

    async def wait_for_messages_async(self, count: int = 1, *, timeout: float = 5.0) -> list[Message]:  # noqa: ASYNC109
        """Do what `wait_for_messages` does, in a task of asyncio or trio."""
        try:
            return await self._internet.arrivals.wait_async(count, timeout)
        except NothingArrived as error:
            raise self._with_queue(error) from None

    def _with_queue(self, error: NothingArrived) -> NothingArrived:
        if not self.queue:
            return error
        return NothingArrived(
            f"{error} Before that, mailnet.deliver_all(): in mailnet.queue waits\n{self.queue}"
        )

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        if self._active is not None:
            raise InvalidSetting(
                "this net is active already: the fixture mailnet is entered for its test, and is left after "
                "it. Use it as it is, or make another one: with make_mailnet() as net"
            )
        active = Activation(self._internet, self._engine, self._title)
        active.begin()
        self._active, self._entered = active, True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._active is not None
        if not self._active.verified:
            self.verify()
        active, self._active = self._active, None
        active.end()
        if self._own_engine:
            self._engine.close()
        if error is None:
            self.check()

    def settle(self, error: BaseException | None = None) -> None:
        """Do what is due at the end of a test: verify the patches, if the net is active, and check.

        Args:
            error: with which the test has failed already. Then only exceptions of rules and predicates, which
                may be the cause, are still told when the net is left, unless this is one of them. The report
                shows the rest.

        Raises:
            InvalidSetting: if the net was never entered, unless the test has failed.
            ExpectationFailed: as `check` does, unless the test has failed.
        """
        __tracebackhide__ = True
        if self._active is not None:
            self.verify()
        if error is None and not self._entered:
            raise InvalidSetting(
                "a net of make_mailnet() was never entered, so that nothing was led into it: "
                "with make_mailnet(...) as net, or the fixture mailnet, which is entered"
            )
        if error is None:
            self.check()
        else:
            known = [None, *behind(error)]
            self._told.update(it.text for it in self._complaints() if any(it.error is each for each in known))

    def check(self) -> None:
        """Fail for what the net did not allow and saw, or was told to give and did not. Each is told once.

        Raises:
            ExpectationFailed: with everything that there is to say; from the exception of a rule or
                predicate, where one was raised.
        """
        __tracebackhide__ = True
        found = self._complaints()
        self._told.update(it.text for it in found)
        if not found:
            return
        self._failed_for.update(it.written for it in found)
        error = ExpectationFailed(printable_lines("\n".join(it.text for it in found)))
        cause = next((it.error for it in found if it.error is not None), None)
        where = next((it.written for it in found if it.written is not None), None)
        if where is not None:
            where.fail(error, cause)
        raise error from cause

    @property
    def entered(self) -> bool:
        """Whether it has ever been active."""
        return self._entered

    @property
    def unmet(self) -> list[str]:
        """The answers that nothing has met, with what came instead, but for those that the test fails for."""
        return [
            unmet_text(expectation, missing, script, own, self.sessions)
            for provider in self._internet.providers
            for script, own in provider.scripts
            for expectation in script
            if (missing := expectation.unmet) and expectation.written not in self._failed_for
        ]

    def _complaints(self) -> list[Complaint]:
        scripts = [each for provider in self._internet.providers for each in provider.scripts]
        turns = self._internet.weather.turns
        found = complaints(self.journal, scripts, self.config, self._internet.names, turns)
        return [it for it in found if it.text not in self._told]

    def verify(self) -> None:
        """Note who has tampered with the patches, if anybody has."""
        assert self._active is not None
        self._active.verify()

    def _compress(self) -> None:
        if self._active is None:
            raise InvalidSetting("mailnet.clock.compress(): the net is not active; call it inside `with`")
        self._active.compress()

    def _clock_moved(self, step: timedelta) -> None:
        now = f"{self.clock.now():%Y-%m-%d %H:%M:%S}"
        self.journal.add(ClockMoved(self.journal.elapsed(), step.total_seconds(), now))
