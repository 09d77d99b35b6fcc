"""Faults that come in turn, and faults that come by chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.faults.dns_fault import MX_MANNERS, DnsFault, DnsManner
from pytest_mailnet.faults.fault import Fault
from pytest_mailnet.faults.known import FAULTS, fault_named
from pytest_mailnet.handles.attributes import is_number, steady
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import DELIVERY

__all__ = ["Chaos", "FaultSchedule", "Turns", "Weather"]

_AGAIN = "mailnet.chaos(rate=0.1, seed=7) makes another, mailnet.chaos(rate=0) calms it"
# What passes again: the weather changes no records.
_PASSING = (DnsManner.SERVFAIL, DnsManner.REFUSED, DnsManner.TIME_OUT, DnsManner.TRUNCATED, DnsManner.SLOW)


@steady("a schedule of faults", {"steps": "FaultSchedule('reset-after-dot', None) makes another"})
class FaultSchedule:
    """Faults over several tries, one each: `FaultSchedule("reset-after-dot", None, "dns-servfail")`.

    Each step is met once: a fault of look-ups by the next question about the domain, any other by the next
    connection to one of its hosts. None lets one connection through.

    Args:
        steps: faults, or their ids, or None.

    Raises:
        UnknownName: for an unknown fault; names the near misses.
        InvalidSetting: for one that cannot happen.
    """

    def __init__(self, *steps: FaultName | Fault | DnsFault | None) -> None:
        self._steps = tuple(None if step is None else fault_named(step) for step in steps)

    @property
    def steps(self) -> tuple[Fault | DnsFault | None, ...]:
        """The faults, one after the other."""
        return self._steps

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FaultSchedule) and self.steps == other.steps

    def __hash__(self) -> int:
        return hash(self.steps)

    def __repr__(self) -> str:
        return f"FaultSchedule({', '.join('None' if step is None else repr(step.id) for step in self.steps)})"


class Turns:
    """The progress of a schedule. It has a lock, since connections and questions come in several threads.

    Args:
        domain: the domain that has the schedule.
        schedule: the steps.
    """

    def __init__(self, domain: str, schedule: FaultSchedule) -> None:
        self.domain = domain
        self._schedule = schedule
        self._next = 0
        self._lock = lock()

    @property
    def left(self) -> tuple[Fault | DnsFault | None, ...]:
        """The steps that have not been met; steps at the end that let connections through do not count."""
        steps = list(self._schedule.steps[self._next :])
        while steps and steps[-1] is None:
            steps.pop()
        return tuple(steps)

    def of_connection(self) -> Fault | None:
        """The fault that a connection meets if it begins now; None for none."""
        with self._lock:
            step = self._step()
            if isinstance(step, DnsFault):
                return None
            self._next += 1
            return step

    def of_question(self, rdtype: str) -> DnsFault | None:
        """The fault that a question meets if it is asked now; None for none."""
        with self._lock:
            step = self._step()
            if not isinstance(step, DnsFault) or (step.manner in MX_MANNERS and rdtype != "MX"):
                return None
            self._next += 1
            return step

    def end(self) -> None:
        """Leave out the steps that have not been met."""
        with self._lock:
            self._next = len(self._schedule.steps)

    def _step(self) -> Fault | DnsFault | None:
        steps = self._schedule.steps
        return steps[self._next] if self._next < len(steps) else None

    def __str__(self) -> str:
        return repr(self._schedule)


@steady("a mailnet's chaos", {"rate": _AGAIN, "seed": _AGAIN})
class Chaos:
    """Random weather: now and then a connection or a question meets a fault, the same ones for the same seed.

    Args:
        seed: the seed of the random numbers.
        rate: how often something goes wrong, 0 to 1.

    Raises:
        InvalidSetting: for another rate.
    """

    def __init__(self, seed: int, rate: float) -> None:
        if not is_number(rate) or not 0 <= rate <= 1:
            raise InvalidSetting(f"mailnet.chaos(rate={rate!r}): a rate is 0 (never) to 1 (every time)")
        self._seed, self._rate = seed, rate
        self._connections = Random(f"{seed} connections")  # noqa: S311
        self._questions = Random(f"{seed} questions")  # noqa: S311
        self._lock = lock()  # connections and questions come in several threads

    @property
    def seed(self) -> int:
        """The seed of the random numbers."""
        return self._seed

    @property
    def rate(self) -> float:
        """How often something goes wrong, 0 to 1."""
        return self._rate

    def of_connection(self, possible: Callable[[Fault], bool]) -> Fault | None:
        """The fault that a connection meets if it begins now; None for none.

        Args:
            possible: whether a fault can happen to it.
        """
        with self._lock:
            if self._connections.random() >= self.rate:
                return None
            return self._connections.choice([it for it in _connection_faults() if possible(it)])

    def of_question(self) -> DnsFault | None:
        """The fault that a question meets if it is asked now; None for none."""
        with self._lock:
            if self._questions.random() >= self.rate:
                return None
            return DnsFault(self._questions.choice(_PASSING))

    def __repr__(self) -> str:
        return f"mailnet.chaos(seed={self.seed}, rate={self.rate:g})"


class Weather:
    """What the connections and questions of one net meet, besides the faults of hosts and of names."""

    def __init__(self) -> None:
        self.turns: list[Turns] = []
        self.chaos: Chaos | None = None
        self._of_name: dict[str, Turns] = {}

    def plan(self, turns: Turns, names: Iterable[str]) -> None:
        """Apply a schedule to some names, in place of an earlier one.

        Args:
            turns: the schedule.
            names: the domain and its hosts.
        """
        self.turns.append(turns)
        for name in names:
            self._of_name[name] = turns

    def of_connection(self, host: str, possible: Callable[[Fault], bool]) -> Fault | None:
        """What a connection to a host meets.

        Args:
            host: its name.
            possible: whether a fault can happen to the connection.
        """
        turns = self._of_name.get(host)
        if turns is not None and (fault := turns.of_connection()) is not None:
            return fault
        return None if self.chaos is None else self.chaos.of_connection(possible)

    def of_question(self, name: str, rdtype: str) -> DnsFault | None:
        """What a question about a name meets.

        Args:
            name: the name that is asked about.
            rdtype: the type that is asked for.
        """
        turns = self._of_name.get(name)
        if turns is not None and (fault := turns.of_question(rdtype)) is not None:
            return fault
        return None if self.chaos is None else self.chaos.of_question()


def _connection_faults() -> Iterable[Fault]:
    return (it for it in FAULTS.values() if isinstance(it, Fault) and it.stage in DELIVERY)
