"""`MailNet`, the class of the fixture `mailnet`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Never, Protocol, Self, get_args

from pytest_mailnet.certificates import Authority
from pytest_mailnet.clock import Clock, span
from pytest_mailnet.config import WHERE_SET, MailNetConfig
from pytest_mailnet.errors import InvalidSetting, NothingArrived
from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.handles.names import ProviderName
from pytest_mailnet.handles.snapshot import Snapshot, since
from pytest_mailnet.net.inhabitants import Inhabitants
from pytest_mailnet.net.lifetime import Lifetime
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.record.session import Message, Session
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.values import DELIVERY, Endpoint

if TYPE_CHECKING:
    from pytest_mailnet.evidence import Failure
    from pytest_mailnet.net.process import MailNetProcess
    from pytest_mailnet.net.reconciliation import Log, Reckoning
    from pytest_mailnet.relay.queue import Queue

__all__ = ["MailNet", "MakeMailNet", "life_of"]


_MESSAGES = "mailnet.messages has what servers took, mailnet.gmail.mailbox('alice').messages what lies there"
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **{re.sub(r"[.-]", "_", name): f"mailnet.provider({name!r})" for name in get_args(ProviderName)},
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
        **{
            f"on_{stage}": f"answers are a provider's: mailnet.gmail.on_{stage}(...)"
            for stage in (*DELIVERY, "command")
        },
    }
)


@steady("a mailnet", _INSTEAD)
class MailNet(Inhabitants):
    """One test's Internet: names, addresses, servers, mailboxes, clock, log.

    A net is active inside `with MailNet() as net:`. Then the application's look-ups and connections lead into
    it. In pytest, the fixture `mailnet` is an active net. Nets can nest, and overlap in threads.

    Args:
        config: the settings; None for the defaults.
        start: the time at which its clock begins, an aware datetime; None for now.
        seed: the seed of queue ids and everything else that is random; None for a random one.
        engine: the background thread to run in; None for one of its own, while it is active.
        title: what messages call it if there are several nets: the id of its test.
        settings: settings that override those of `config`: `MailNet(strict=False)`.

    Raises:
        InvalidSetting: for an unknown setting, with near misses, or an invalid value.
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
        settled = (config or MailNetConfig()).but(settings)
        self._life = Lifetime(settled, start, seed, engine, title)
        super().__init__(self._life.internet, self._life.answer_questions)
        self._queue: Queue | None = None

    @property
    def config(self) -> MailNetConfig:
        """The settings of this net."""
        return self._life.config

    @property
    def clock(self) -> Clock:
        """The net's clock, the only one that rules go by."""
        return self._life.clock

    def listen(self, host: str, port: int = 25, *, at: tuple[str, int] = ("127.0.0.1", 0)) -> Endpoint:
        """Open a real port that leads to a host, for clients in other languages and processes.

        Args:
            host: the host's name.
            port: the port of the host that clients get to.
            at: the address and port of this machine; port 0 for any that is free.

        Returns:
            The address to connect to. The port is closed when the net is left.

        Raises:
            UnknownName: if the net has no such host.
            InvalidSetting: if the host does not listen on that port, `at` cannot be opened, or the net is not
                active.
        """
        return self._life.listen(host, port, at)

    def include_children(self) -> None:
        """Put Python processes that are started from now on into the net, until it ends.

        This sets PYTHONPATH and PYTEST_MAILNET_PARENT in `os.environ`. A child whose environment has them
        joins the net before its own code runs.

        Raises:
            InvalidSetting: if the net is not active.
        """
        self._life.activation("mailnet.include_children()").include_children()

    def process(self, *, trust_ca: bool = False) -> MailNetProcess:
        """Run programs of any language in this net, on Linux: `mailnet.process().run(["swaks", ...])`.

        They run in network namespaces, where the net's hosts are at their addresses and ports, and there is
        nothing else. This needs root, or a machine that gives namespaces to users; `mailnet doctor`
        says whether they are there.

        Args:
            trust_ca: whether programs trust the net's authority besides the machine's from now on.

        Returns:
            An object that runs programs, the same at each call. What still runs when the net ends is killed.

        Raises:
            NoNamespace: if the machine has no namespaces; the message says why.
            InvalidSetting: if the net is not active.
        """
        return self._life.activation("mailnet.process()").process(trust_ca=trust_ca)

    @property
    def ca(self) -> Authority:
        """The authority that signs the hosts' certificates; `mailnet.ca.bundle` is a CA file for clients."""
        return self._life.engine.authority

    @property
    def queue(self) -> Queue:
        """The mails that wait in servers for delivery elsewhere, oldest first, and why they wait."""
        if self._queue is None:
            from pytest_mailnet.relay.queue import Queue  # noqa: PLC0415  # few tests let servers relay

            self._queue = Queue(self._life.internet.spool)
        return self._queue

    def deliver_all(
        self, *of_what: Never, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Let the servers deliver the mails in their queues, and send bounces for those that fail.

        Without arguments, they deliver everything that is due now. With a span, the clock moves on by it,
        from one retry to the next. So five days of retries take no time: `mailnet.deliver_all(days=5)`.

        Args:
            of_what: nothing; a span without its unit is an error.
            days: the span by the net's clock, with the units below added up.
            hours: see `days`.
            minutes: see `days`.
            seconds: see `days`.

        Raises:
            InvalidSetting: for a negative span, one without its unit, or if the net is not active.
        """
        __tracebackhide__ = True
        call = "mailnet.deliver_all"
        until = span(call, of_what, days=days, hours=hours, minutes=minutes, seconds=seconds)
        self._life.deliver(until, call)

    @property
    def sessions(self) -> list[Session]:
        """The SMTP sessions so far, failed ones too."""
        return Snapshot(self._life.journal.sessions, "mailnet.sessions", since("mailnet.sessions"))

    @property
    def messages(self) -> list[Message]:
        """The messages that any server took, in order."""
        return Snapshot(self._internet.arrivals.messages, "mailnet.messages", since("mailnet.messages"))

    def account_for(self, app_log: Log, *, key: Callable[[Message], str] | None = None) -> Reckoning:
        """Compare the application's own log of its mails with the mails that servers took from it.

        Args:
            app_log: a mapping or pairs: for each mail, by its Message-ID or (Message-ID, recipient), the
                fate that the application believes in: "sent", "deferred", "failed", or None if it has
                recorded none.
            key: finds a message's key in the log; None if that is its Message-ID.

        Returns:
            The mails about which the two disagree.

        Raises:
            InvalidSetting: for any other fate, with near misses, or for something that is no such log.
        """
        from pytest_mailnet.net.reconciliation import message_id, reckon  # noqa: PLC0415  # few tests ask

        relays = {ip for source in self._internet.senders.sources for ip in (source.ip, source.ipv6)}
        taken = [it for it in self.messages if it.session.client.ip not in relays]
        self._life.reckoned = reckon(app_log, taken, key or message_id)
        return self._life.reckoned

    def reproduce(self, *evidence: str | os.PathLike[str] | Failure) -> list[Failure]:
        """Make failures of production happen again: `mailnet.reproduce("evidence/bounce.eml")`.

        Mail to a recipient that the evidence names gets the same reply or fault, at the same host and stage.
        Hosts and domains that the net does not have are added to it.

        Args:
            evidence: paths of bounces, logs, transcripts, web hooks, or folders of these; or failures as this
                method returns them.

        Returns:
            The failures, one for each failed recipient, as `mailnet reproduce` prints them.

        Raises:
            EvidenceError: for a missing path, a file that cannot be read, or one without a failure.
        """
        # Most tests reproduce nothing, and reading evidence is a quarter of the package.
        from pytest_mailnet.net.set_up import reproduce_in  # noqa: PLC0415

        __tracebackhide__ = True
        return reproduce_in(self, evidence, catalogue_with(self.config.providers))

    def wait_for_messages(self, count: int = 1, *, timeout: float = 5.0) -> list[Message]:
        """Block until so many messages have come since the net began; return them all.

        Args:
            count: how many messages, 1 or more.
            timeout: how long to wait, in real seconds.

        Raises:
            NothingArrived: if they have not come by then.
            WouldHang: in a coroutine, whose loop it would block: `await mailnet.wait_for_messages_async()`.
            InvalidSetting: for another count or time-out.
        """
        __tracebackhide__ = True
        try:
            return self._internet.arrivals.wait(count, timeout)
        except NothingArrived as error:
            raise self._with_queue(error) from None

    async def wait_for_messages_async(self, count: int = 1, *, timeout: float = 5.0) -> list[Message]:  # noqa: ASYNC109
        """Do what `wait_for_messages` does, in a task of asyncio or trio.

        Args:
            count: how many messages, 1 or more.
            timeout: how long to wait, in real seconds.

        Raises:
            NothingArrived: if they have not come by then.
            InvalidSetting: for another count or time-out.
        """
        try:
            return await self._internet.arrivals.wait_async(count, timeout)
        except NothingArrived as error:
            raise self._with_queue(error) from None

    def _with_queue(self, error: NothingArrived) -> NothingArrived:
        if not self._internet.spool.mails:
            return error
        return NothingArrived(
            f"{error} Before that, mailnet.deliver_all(): in mailnet.queue waits\n{self.queue}"
        )

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        self._life.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._life.leave(error)


class MakeMailNet(Protocol):
    """The type of the fixture `make_mailnet`: makes nets that are not active yet."""

    def __call__(self, *, start: datetime | None = None, seed: int | None = None, **settings: Any) -> MailNet:
        """Make a net, to be used as `with make_mailnet(start=...) as net:`.

        Args:
            start: where its clock begins, an aware datetime; now by default.
            seed: of the queue ids and all else that is drawn by lot.
            settings: those of `MailNetConfig`, before those of the run.
        """
        ...


def life_of(net: MailNet) -> Lifetime:
    """The `Lifetime` behind a net, for the plugin and for tests of this package."""
    return net._life  # noqa: SLF001
