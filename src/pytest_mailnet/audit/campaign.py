"""All trials of an audit, in order, and what was found in them."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from pytest_mailnet.audit.application import Application
from pytest_mailnet.audit.cases import NOTHING, REFUSALS, Case, Rejection, case_named, single_cases
from pytest_mailnet.audit.command import StartedCommand
from pytest_mailnet.audit.findings import Audit
from pytest_mailnet.audit.forks import in_forks
from pytest_mailnet.audit.function import CalledFunction
from pytest_mailnet.audit.search import search
from pytest_mailnet.audit.settings import AuditSettings
from pytest_mailnet.audit.trial import Trial, run_trial, warm_up
from pytest_mailnet.audit.verdicts import Judgement, Verdict
from pytest_mailnet.errors import InvalidSetting, MissingExtra, ZoneError
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.system.realtime import monotonic
from pytest_mailnet.values import DELIVERY, OF_READING, Stage

__all__ = ["Campaign"]

_AT_ONCE = 4
"""How many trials run at once: they wait for each other's locks and for timers more than they compute."""

_WAITING = 16
"""How many trials of a command run at once: it really waits for its time-outs."""

_STARTS = 8
"""How many starts of a command fit into a trial at most."""

_OURS = ("pytest_mailnet", "dnslib", "dns", "trustme", "cryptography")
_OF_SYNTAX = range(500, 505)  # what a client has mistaken, and nobody decides


class Campaign:
    """Runs the cases of an audit, each in a fork of this process with a net of its own: `with Campaign(…)`.

    Args:
        settings: the application, and whom it writes to.

    Raises:
        InvalidSetting: if the application cannot be called.
    """

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self._refusals = _refusals(settings)  # before the application: a misspelt provider is told at once
        self._app: Application = _application(settings)
        self._engine = Engine()
        self._number = 0
        self._authorities = ""
        self._folder = TemporaryDirectory(prefix="mailnet-audit-")
        warm_up(self._app, settings, self._engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the folders of the cases, and of the authority."""
        self._folder.cleanup()
        self._engine.close()

    def run(self, *, seed: int = 0, examples: int = 60) -> Audit:
        """Run all cases, and search for schedules of several steps.

        Args:
            seed: of what the search draws.
            examples: how many schedules it draws; 0 for no search.

        Raises:
            InvalidSetting: if the application does not send a mail even where nothing goes wrong.
        """
        began = monotonic()
        usual = self.usual()
        refusals = self._refusals.values()
        cases = single_cases(
            usual.stages, refusals, usual.places, several=self._app.several, kept=self._app.kept
        )
        trials = [usual, *self.trials(cases)]
        without, before = [], self._number
        if examples:
            known = {it.judgement.verdict for it in trials}
            home = Path(self._folder.name, "hypothesis")
            try:
                trials += search(
                    self.trial, usual.stages, refusals, known, seed=seed, examples=examples, home=home
                )
            except MissingExtra as missing:
                without.append(str(missing))
        searched = self._number - before
        unsaid = tuple(it for it in Stage if it is not Stage.OTHER and it not in {*OF_READING, *usual.stages})
        return Audit(self._app.name, tuple(trials), searched, unsaid, tuple(without), monotonic() - began)

    def one(self, name: str) -> Audit:
        """Run one case.

        Args:
            name: its name.

        Raises:
            UnknownName: if there is no such case.
            InvalidSetting: as `run` does, and for a case that cannot happen.
        """
        began = monotonic()
        case = case_named(name, self._refusals, self.usual().places)
        trial = self.trial(case)
        if trial is None:
            raise InvalidSetting(f"--case {name}: that cannot happen to {self._app.name}")
        return Audit(self._app.name, (trial,), seconds=monotonic() - began)

    def usual(self) -> Trial:
        """The trial in which nothing goes wrong.

        Raises:
            InvalidSetting: if the application does not send its mail then, with what it did.
        """
        trial = self.trial(Case(NOTHING))
        assert trial is not None
        _import(trial.modules)
        if trial.encrypted:
            self._authorities = str(self._engine.authority.bundle)
        if trial.judgement.verdict is Verdict.RIGHT and trial.taken:
            return trial
        name, text = self._app.name, trial.said[0].text if trial.said else trial.judgement.why
        if trial.connected or not trial.said:
            raise InvalidSetting(
                f"{name} does not send its mail even where nothing goes wrong: {text}\n{trial.record}"
            )
        settings = self._settings
        named = trial.unknown[-1] if trial.unknown else "localhost"
        hint = (
            f"host = {settings.host!r} is said to take its mail, at port {settings.port}"
            if settings.host
            else "does it go by the MX of the recipient? If it hands its mail to a server of its own: "
            f"host = {named!r} and port = 587, say, in [tool.mailnet.audit] of pyproject.toml"
        )
        told = "".join(f"\n{it}" for it in (*trial.incidents, trial.record) if it)
        raise InvalidSetting(f"{name} connected to no mail server of the net, and {text}: {hint}{told}")

    def trial(self, case: Case) -> Trial | None:
        """Run a case; None if it cannot happen here."""
        return next(self.trials([case]), None)

    def trials(self, cases: Iterable[Case]) -> Iterator[Trial]:
        """Run cases, and leave out those that cannot happen here."""
        tried = list(cases)
        works = map(self._work, tried)
        for case, came in zip(tried, in_forks(works, self._limit, self._at_once), strict=True):
            if isinstance(came, ZoneError):  # the domain has no MX records, which could be wrong
                continue
            if isinstance(came, EOFError):
                yield _undecided(case, "it has ended its own process, so that nothing is known of it")
            elif isinstance(came, Exception):
                raise came
            else:
                yield _undecided(case, self._too_long) if came is None else came

    @property
    def _at_once(self) -> int:
        """How many trials run at once: one, if they share a database or the like."""
        settings = self._settings
        own = "{folder}" in f"{settings.database}{settings.prepare}" or "folder" in f"{settings.prepare}"
        if (settings.database or settings.prepare) and not own:
            return 1
        return _WAITING if settings.command else _AT_ONCE

    @property
    def _limit(self) -> float:
        """How many real seconds a trial may take; a command has its own limit for each start."""
        return self._settings.longest * (_STARTS if self._settings.command else 1)

    def _work(self, case: Case) -> Callable[[], Trial]:
        self._number += 1
        return functools.partial(
            run_trial,
            self._app,
            self._settings,
            case,
            self._engine,
            number=self._number,
            authorities=self._authorities,
            folder=Path(self._folder.name, str(self._number)),
        )

    @property
    def _too_long(self) -> str:
        return (
            f"it had not ended after {self._settings.longest:g} s; if it only waits for so long: limit = in "
            "[tool.mailnet.audit] of pyproject.toml"
        )


def _undecided(case: Case, why: str) -> Trial:
    return Trial(case, (), (), Judgement(Verdict.UNDECIDED, why), "")


def _application(settings: AuditSettings) -> Application:
    if settings.command:
        return StartedCommand(settings)
    if not settings.app:
        raise InvalidSetting(
            "which application? mailnet audit app.py:deliver names a function, mailnet audit -- python -m "
            "app a command; so do app = and command = in [tool.mailnet.audit] of pyproject.toml"
        )
    return CalledFunction(settings)


def _refusals(settings: AuditSettings) -> Mapping[str, Rejection]:
    """The refusals to try, by their ids: a provider's own, or those of a server without opinions."""
    if not settings.provider:
        return REFUSALS
    facts = catalogue_with().load(settings.provider)
    found: dict[str, Rejection] = {}
    said = set()
    for phrase in facts.phrases.values():
        reply = phrase.reply
        if phrase.stage not in set(DELIVERY) or phrase.role == "submission" or reply.code < 400:
            continue
        if reply.code not in _OF_SYNTAX and (phrase.condition, reply.code) not in said:
            said.add((phrase.condition, reply.code))
            name = f"{facts.name}/{phrase.name}"
            found[name] = Rejection(name, Stage(phrase.stage), reply)
    return found


def _import(names: Iterable[str]) -> None:
    """Import what a fork has imported, for the forks to come; not what is the application's."""
    for name in sorted(names):
        root = name.partition(".")[0]
        if name not in sys.modules and (root in _OURS or root in sys.stdlib_module_names):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
