"""Counts the places that an application comes to, and has it die at one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pytest_mailnet.crashes.place import CrashPlace
from pytest_mailnet.record.journal import Journal
from pytest_mailnet.record.session import Finding, Session
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import Stage

__all__ = ["Countdown", "Victim"]

_UNHEARD = Finding("crash", "the application may have died before it heard this")


class Victim(Protocol):
    """What runs the application, and can have it die."""

    def die(self, place: CrashPlace, drop: Callable[[], object]) -> None:
        """Have the application die now; return when it does nothing more, or raise where it runs here.

        Args:
            place: where it dies.
            drop: breaks off its connection; called once it can no longer notice.
        """
        ...


class Countdown:
    """The `Passing` of one net. Called with the engine's turn, and in the application's threads.

    Args:
        at: the number of the place at which the application dies; None for nowhere.
        journal: the net's, in which replies are marked that nobody may have heard.

    Attributes:
        places: the places that the application came to, until its death.
        died_at: the place at which it died; None while it has not.
        dead: whether it is dead now, and not started again.
        victim: what dies.
    """

    def __init__(self, at: int | None, journal: Journal) -> None:
        self._at, self._journal = at, journal
        self._lock = lock()
        self.places: list[CrashPlace] = []
        self.died_at: CrashPlace | None = None
        self.dead: bool = False
        self.victim: Victim | None = None

    def __call__(
        self,
        what: str,
        *,
        after: bool = False,
        heard: Session | None = None,
        drop: Callable[[], object] = bool,
    ) -> bool:
        """Pass a place, or have the application die there; see `Passing`."""
        with self._lock:
            if not self.dead:
                if self.died_at is not None:
                    return False
                place = CrashPlace(len(self.places) + 1, what, after)
                self.places.append(place)
                if place.number != self._at:
                    return False
                self.died_at, self.dead = place, True
                self._mark_unheard(heard)
        assert self.died_at is not None
        assert self.victim is not None
        self.victim.die(self.died_at, drop)
        return True

    def _mark_unheard(self, heard: Session | None) -> None:
        """Mark the last replies after a dot, if what came next does not show that they were heard."""
        for session in self._journal.sessions:
            exchanges = session.exchanges if session.open and session is not heard else []
            if exchanges and exchanges[-1].stage is Stage.MESSAGE:
                exchanges[-1] = exchanges[-1]._replace(finding=_UNHEARD)
