"""One trial: a fresh net, an application that is called in it, and what came of that."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_mailnet.audit.application import Application
from pytest_mailnet.audit.audited_servers import AuditedServers
from pytest_mailnet.audit.beliefs import Mail, Said
from pytest_mailnet.audit.cases import NOTHING, Case
from pytest_mailnet.audit.seen_by_servers import CallEnd, all_well_since, refused_in, taken_in
from pytest_mailnet.audit.settings import AuditSettings
from pytest_mailnet.audit.sleeping import no_time_sleeping
from pytest_mailnet.audit.verdicts import Belief, Judgement, Rejected, Taken, Verdict, judge
from pytest_mailnet.crashes.crasher import Crasher
from pytest_mailnet.crashes.place import CrashPlace
from pytest_mailnet.errors import ExpectationFailed, InvalidSetting, WouldHang
from pytest_mailnet.faults import DnsFault, Fault, FaultSchedule
from pytest_mailnet.faults.fault import Manner
from pytest_mailnet.net.mailnet import MailNet, life_of
from pytest_mailnet.record.journal import Incident, Journal
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.timeline.story import timeline
from pytest_mailnet.values import Stage

__all__ = ["Trial", "run_trial", "warm_up"]

_HEALTHY = 3
"""How often an application is called again after the last step, when nothing goes wrong any more."""

_LATE = 1.0
"""How late a late reply to a process comes, in real seconds."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a case.

    Attributes:
        case: the case.
        said: what the application said after each call.
        taken: what servers took.
        judgement: the verdict, and why.
        record: the net's timeline.
        stages: the stages that it came to.
        connected: whether anybody asked or connected at all.
        unknown: the names that it looked up and that the net does not have.
        incidents: what the net objects to: connections that left it, and the like.
        modules: the names of the modules that were imported in the end.
        places: where it could have died, if that was counted.
        encrypted: whether a connection was encrypted.
    """

    case: Case
    said: tuple[Said, ...]
    taken: tuple[Taken, ...]
    judgement: Judgement
    record: str
    stages: frozenset[Stage] = frozenset()
    connected: bool = True
    unknown: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    modules: frozenset[str] = frozenset()
    places: tuple[CrashPlace, ...] = ()
    encrypted: bool = False


def warm_up(app: Application, settings: AuditSettings, engine: Engine) -> None:
    """Read once what all trials need, as the catalogue of providers. The forks of this process have it."""
    _Trial(app, settings, Case(NOTHING), MailNet(strict=False, engine=engine), 0)


def run_trial(
    app: Application,
    settings: AuditSettings,
    case: Case,
    engine: Engine,
    *,
    number: int,
    authorities: str,
    folder: Path,
) -> Trial:
    """Call an application in a fresh net in which a case happens.

    Args:
        app: the application.
        settings: whom it writes to, by which server.
        case: what happens.
        engine: the background in which the net runs.
        number: makes the mail's Message-ID.
        authorities: a file that TLS contexts read in place of the machine's authorities, which takes longer
            than all else in a trial; "" for none. It is set for the whole process.
        folder: the case's own folder, which does not exist yet.
    """
    folder.mkdir()
    if authorities:
        os.environ["SSL_CERT_FILE"] = authorities
    net = MailNet(strict=False, seed=1, engine=engine, title="the audit's net")
    trial = _Trial(app, settings, case, net, number)
    with contextlib.suppress(ExpectationFailed), net:
        trial.run(folder)
    return trial.result()


class _Trial:
    def __init__(
        self, app: Application, settings: AuditSettings, case: Case, net: MailNet, number: int
    ) -> None:
        self._app, self._settings, self._case, self._net = app, settings, case, net
        self._servers = AuditedServers(net, settings)
        self._mail = self._written(number)
        self._said: list[Said] = []
        self._believed: dict[str, Belief] = {}
        self._ends: list[CallEnd] = []
        self._stuck = ""
        self._crasher = _crasher(net, case)

    def _written(self, number: int, what: str = "audit") -> Mail:
        names = (self._settings.recipient, f"{self._settings.recipient}.too")[: self._case.recipients]
        to = tuple(f"{name}@{self._servers.domain}" for name in names)
        sender = self._settings.sender
        return Mail(sender, to, f"{what}-{number}@{sender.rpartition('@')[2]}")

    def run(self, folder: Path) -> None:
        """Call the application, in the active net.

        Args:
            folder: the case's own folder.
        """
        self._servers.open_mailboxes(self._mail.recipients)
        self._net.include_children()
        self._app.prepare(self._net.clock.now, folder)
        if self._app.kept:  # processes of their own cannot wait in the net's time
            self._net.clock.compress()
        with no_time_sleeping(self._net.clock, self._hangs):
            if self._case.idle:
                self._app.send(self._written(0, "before"))
                self._net.clock.advance(hours=1)
            self._ends.append(self._end())
            with self._happening():
                self._say(self._sent())
            left = len(self._case.steps) - 1 + _HEALTHY
            while left > 0 and (mail := self._again()) is not None:
                left -= 1
                if self._settings.retry:  # what has a queue of its own tries again when it is due
                    self._net.clock.advance(days=1)
                self._say(self._app.retry(mail))
        self._find_stuck()

    def _sent(self) -> Said:
        """Have the application send the mail, and die on the way if it is to."""
        try:
            return self._app.send(self._mail, self._crasher)
        except (InvalidSetting, WouldHang) as error:
            if self._case.place is None:
                raise
            unknown = dict.fromkeys(self._mail.recipients, Belief.UNKNOWN)
            return Said("did not die", unknown, unended=str(error))

    def _say(self, said: Said) -> None:
        self._said.append(said)
        self._believed.update(said.believed)
        self._ends.append(self._end())

    def _end(self) -> CallEnd:
        entries = life_of(self._net).journal.entries
        return CallEnd(len(self._net.messages), len(self._net.sessions), len(entries))

    def _again(self) -> Mail | None:
        """What a caller would call again for: the recipients whose mail is neither sent nor given up."""
        own_queue = bool(self._settings.retry)
        no = {to for it in self._refused() for to in it.recipients}
        # Of what a server took, no word is one as good as another: what is sent may be forgotten.
        taken = {to for it in self._taken() for to in it.recipients}
        left = [
            to
            for to, it in self._believed.items()
            if (it in {Belief.NOT_SENT, Belief.DEFERRED} or (it is Belief.UNKNOWN and to not in taken))
            and (own_queue or to not in no)
        ]
        if not left or self._hung() or self._said[-1].unended:
            return None
        return self._mail if own_queue else dataclasses.replace(self._mail, recipients=tuple(left))

    @contextlib.contextmanager
    def _happening(self) -> Iterator[None]:
        case, where = self._case, self._servers.failing
        for refusal in case.refusals:
            match = self._mail.recipients[-1] if case.recipients > 1 else None
            getattr(self._servers.agent, f"on_{refusal.stage}")(match).reply(refusal.reply).times(1)
        faults = case.faults if self._app.kept else tuple(map(_sooner, case.faults))
        if len(faults) == 1 and isinstance(faults[0], DnsFault):
            failure = self._net.fail(where, faults[0])  # for good: a resolver asks again by itself
            yield
            failure.end()
            return
        if any(faults):
            self._net.fail(where, FaultSchedule(*faults))
        yield

    def _hung(self) -> str:
        journal = life_of(self._net).journal
        return next((it.text for it in journal.incidents if it.kind == "hang"), "")

    def _hangs(self, why: str) -> WouldHang:
        journal, error = life_of(self._net).journal, WouldHang(why)
        journal.add(Incident(journal.elapsed(), "hang", why, error))
        return error

    def _refused(self) -> list[Rejected]:
        own_queue = bool(self._settings.retry)
        return list(refused_in(self._net.sessions, self._ends, self._case, own_queue=own_queue))

    def _taken(self) -> tuple[Taken, ...]:
        return tuple(taken_in(self._net.messages, self._ends, self._case))

    def _find_stuck(self) -> None:
        """Find out whether a mail that is not sent should have been, when nothing went wrong any more."""
        last, before = self._said[-_HEALTHY:], self._ends[:-_HEALTHY]
        entries = life_of(self._net).journal.entries
        if len(last) < _HEALTHY or self._again() is None or not all_well_since(entries, before[-1]):
            return
        opened = len(self._net.sessions) > before[-1].sessions
        if self._case.idle and not opened:
            self._stuck = (
                f"its connection ended while it was idle, and in {_HEALTHY} calls it opened no other: "
                f"{last[-1].text}"
            )
        elif all(it.network for it in last):
            self._stuck = (
                f"nothing went wrong any more, and in {_HEALTHY} calls it did not recover: {last[-1].text}"
            )

    @property
    def _has_a_record(self) -> bool:
        """Whether the application is known to keep a record, which it can write once a mail is taken."""
        return bool(self._settings.query or self._settings.belief)

    def result(self) -> Trial:
        """What came of it, once the net has been left."""
        case, net, journal = self._case, self._net, life_of(self._net).journal
        taken = self._taken()
        last = self._said[-1]
        if hung := self._hung():
            judgement = Judgement(Verdict.HUNG, hung)
        elif last.unended:
            # Where nothing was to go wrong, it waits for something else.
            hangs = last.for_good and any(case.faults)
            judgement = Judgement(Verdict.HUNG if hangs else Verdict.UNDECIDED, last.unended)
        else:
            judgement = judge(self._believed, taken, self._refused(), self._stuck)
            if case.place and judgement.verdict is Verdict.DUPLICATED and not self._has_a_record:
                # Nobody was told that the mail is sent, and nothing is left that could tell.
                judgement = Judgement(Verdict.DUPLICATES_POSSIBLE, judgement.why)
        exchanges = [it for session in net.sessions for it in session.exchanges]
        return Trial(
            case,
            tuple(self._said),
            taken,
            judgement,
            timeline(_without_noise(journal)),
            stages=frozenset(it.stage for it in exchanges if it.stage),
            connected=bool(net.sessions),
            unknown=tuple(dict.fromkeys(it.name for it in net.dns.queries if it.rcode == "NXDOMAIN")),
            incidents=tuple(it.text for it in journal.incidents if it.fails),
            modules=frozenset(sys.modules),
            places=tuple(self._crasher.places) if self._crasher else (),
            encrypted=any(it.tls for it in net.sessions),
        )


def _without_noise(journal: Journal) -> Journal:
    """The record without what is so in every case: that children's waits would take real time."""
    told = Journal()
    for entry in journal.entries:
        if not isinstance(entry, Incident) or entry.kind != "real time":
            told.add(entry)
    return told


def _crasher(net: MailNet, case: Case) -> Crasher | None:
    """What has the application die; where nothing goes wrong, it counts the places."""
    if case.place is not None:
        return Crasher(net, at=case.place.number)
    return Crasher(net) if case.id == NOTHING else None


def _sooner(fault: Fault | DnsFault | None) -> Fault | DnsFault | None:
    """A late reply that is as late as a process should have to wait for."""
    if isinstance(fault, Fault) and fault.manner is Manner.LATE:
        return dataclasses.replace(fault, seconds=_LATE)
    return fault
