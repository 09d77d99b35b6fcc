"""The lifetime of a net: when it is active, and the checks when its test is over."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.addresses import checked_endpoint
from pytest_mailnet.clock import Clock
from pytest_mailnet.config import MailNetConfig
from pytest_mailnet.errors import ExpectationFailed, InvalidSetting, behind
from pytest_mailnet.handles.attributes import is_whole
from pytest_mailnet.handles.written import Written
from pytest_mailnet.net.activation import Activation
from pytest_mailnet.net.final_checks import Objection, objections
from pytest_mailnet.net.internet import Internet
from pytest_mailnet.printable import printable_lines
from pytest_mailnet.record.journal import ClockMoved, Journal
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.timeline.unmet import unmet_text
from pytest_mailnet.values import Endpoint

if TYPE_CHECKING:
    from pytest_mailnet.net.reconciliation import Reckoning

__all__ = ["Lifetime"]


class Lifetime:
    """The inner side of a `MailNet`, from its making to the checks at its end. Tests see only the `MailNet`.

    Args:
        config: the net's settings.
        start: the time at which its clock begins; None for now.
        seed: the seed of everything random; None for a random one.
        engine: the background thread to run in; None for one of its own, while the net is active.
        title: what messages call the net if there are several.

    Attributes:
        internet: the parts of the net.
        journal: the record of everything that happened.
        clock: the net's clock, the only one that rules go by.
        entered: whether the net has ever been active.
        reckoned: what the test was last told about the application's log; None if it has not asked.
        at_end: called with each net of the process that is left, for who counts what was met; replaced as a
            whole.
    """

    at_end: ClassVar[tuple[Callable[[Lifetime], object], ...]] = ()

    def __init__(
        self,
        config: MailNetConfig,
        start: datetime | None,
        seed: int | None,
        engine: Engine | None,
        title: str,
    ) -> None:
        self.config = config
        self.journal: Journal = Journal()
        self.clock: Clock = Clock(start, self._clock_moved, self._compress)
        self.engine: Engine = engine or Engine()
        random = Random(seed)  # noqa: S311
        self.internet: Internet = Internet(config, self.journal, self.clock, random, self.engine.authority)
        self.entered: bool = False
        self.reckoned: Reckoning | None = None
        self._title = title
        self._own_engine = engine is None
        self._active: Activation | None = None
        self._told: set[str] = set()
        self._failed_for: set[Written | None] = set()

    def enter(self) -> None:
        """Lead the application into the net.

        Raises:
            InvalidSetting: if it is active already.
        """
        __tracebackhide__ = True
        if self._active is not None:
            raise InvalidSetting(
                "this net is active already: the fixture mailnet is entered for its test, and is left after "
                "it. Use it as it is, or make another one: with make_mailnet() as net"
            )
        active = Activation(self.internet, self.engine, self._title)
        active.begin()
        self._active, self.entered = active, True

    def leave(self, error: BaseException | None) -> None:
        """Put the patches back, and check, unless the `with` block has failed.

        Args:
            error: the exception that the block has raised; None for none.

        Raises:
            ExpectationFailed: as `check` does.
        """
        assert self._active is not None
        if not self._active.verified:
            self._active.verify()
        active, self._active = self._active, None
        active.end()
        for tell in self.at_end:
            tell(self)
        for host in self.internet.directory.hosts.values():
            if host.decider is not None:
                host.decider.close()
        if self._own_engine:
            self.engine.close()
        if error is None:
            self.check()

    def activation(self, call: str) -> Activation:
        """The `Activation`, which exists while the net is active.

        Args:
            call: the test's call that needs it, for the message.

        Raises:
            InvalidSetting: if the net is not active.
        """
        if self._active is None:
            raise InvalidSetting(f"{call}: the net is not active; call it inside `with`")
        return self._active

    def answer_questions(self, at: object) -> Endpoint:
        """Open a real port where the net answers questions; see `Dns.listen`."""
        call = "mailnet.dns.listen(at"
        where = checked_endpoint(at, call, "resolvers are to find it", least=0)
        with _that_is_to_be_had(call, where):
            return self.activation("mailnet.dns.listen()").answer_questions(where)

    def listen(self, host: str, port: int, at: object) -> Endpoint:
        """Open a real port that leads to a host; see `MailNet.listen`."""
        called = self.internet.directory.host(host)
        if not is_whole(port):
            raise InvalidSetting(f"mailnet.listen({host!r}, {port!r}): a port is a number, as in 25")
        if port not in called.all_ports or self._active is None:
            wrong = (
                f"listens on {', '.join(map(str, called.all_ports))}"
                if self._active
                else "is in a net that is not active"
            )
            raise InvalidSetting(f"mailnet.listen({host!r}, {port}): {called.name} {wrong}")
        call = f"mailnet.listen({host!r}, {port}, at"
        where = checked_endpoint(at, call, "clients are to find it", least=0)
        with _that_is_to_be_had(call, where):
            return self._active.listen(called, port, where, f"a wait of a client of mailnet.listen({host!r})")

    def deliver(self, until: timedelta, call: str) -> None:
        """Let the queue deliver the mails that are due within a span.

        Args:
            until: the span, by the net's clock.
            call: the test's call, for the message.

        Raises:
            InvalidSetting: for a negative span, or if the net is not active.
        """
        if until < timedelta():
            raise InvalidSetting(f"{call}(): {until} lies in the past")
        self.activation(f"{call}()")
        self.engine.run(self.internet.spool.run(until))

    def settle(self, error: BaseException | None = None) -> None:
        """At the end of a test, verify the patches if the net is active, and check.

        Args:
            error: the error with which the test has failed already; None for none. With one, nothing fails
                here. When the net is left, only exceptions of rules and predicates still fail the test, since
                they may be the cause, unless this error is one of them. The report shows the rest.

        Raises:
            InvalidSetting: if the net was never entered, unless the test has failed.
            ExpectationFailed: as `check` does, unless the test has failed.
        """
        __tracebackhide__ = True
        if self._active is not None:
            self._active.verify()
        if error is None and not self.entered:
            raise InvalidSetting(
                "a net of make_mailnet() was never entered, so that nothing was led into it: "
                "with make_mailnet(...) as net, or the fixture mailnet, which is entered"
            )
        if error is None:
            self.check()
        else:
            known = [None, *behind(error)]
            self._told.update(it.text for it in self._objections() if any(it.error is each for each in known))

    def check(self) -> None:
        """Fail for unused answers, leaks, errors and the like. Each is reported once only.

        Raises:
            ExpectationFailed: with all objections; its cause is the first exception of a rule or predicate,
                if there was one.
        """
        __tracebackhide__ = True
        found = self._objections()
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
    def notes(self) -> tuple[str, ...]:
        """Lines about the net as a whole: that it was never entered."""
        if self.entered:
            return ()
        return ("this net was never entered, and led nothing: with make_mailnet() as net",)

    @property
    def unmet(self) -> list[str]:
        """Texts about scripted answers that nothing has met, without those that have failed the test."""
        return [
            unmet_text(scripted, missing, script, own, self.journal.sessions)
            for operator in self.internet.directory.operators.values()
            for script, own in operator.scripts
            for scripted in script
            if (missing := scripted.unmet) and scripted.written not in self._failed_for
        ]

    def _objections(self) -> list[Objection]:
        operators = self.internet.directory.operators.values()
        scripts = [each for operator in operators for each in operator.scripts]
        names, turns = self.internet.directory.names, self.internet.weather.turns
        found = objections(self.journal, scripts, self.config, names, turns)
        return [it for it in found if it.text not in self._told]

    def _compress(self) -> None:
        self.activation("mailnet.clock.compress()").compress()

    def _clock_moved(self, step: timedelta) -> None:
        now = f"{self.clock.now():%Y-%m-%d %H:%M:%S}"
        self.journal.add(ClockMoved(self.journal.elapsed(), step.total_seconds(), now))
        if self._active is not None:
            self.engine.let_go_of_idle(self.internet)


@contextlib.contextmanager
def _that_is_to_be_had(call: str, at: Endpoint) -> Iterator[None]:
    __tracebackhide__ = True
    try:
        yield
    except OSError as error:
        raise InvalidSetting(
            f"{call}={tuple(at)!r}): this machine does not give that port: {error.strerror}. "
            "Port 0 takes one that is free"
        ) from None
