"""What those who wait on a net's connections ask of it, where time is compressed."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_mailnet.clock import timekeeper_of
from pytest_mailnet.entry.waits import End
from pytest_mailnet.errors import WouldHang
from pytest_mailnet.net.internet import Internet
from pytest_mailnet.record.journal import Incident
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.system.native import lock

__all__ = ["Lapse"]


class Lapse:
    """A net's time as the patched waits see it: their `Patience`. Called in the application's threads.

    Args:
        net: whose clock moves.
        engine: knows where nothing comes.
    """

    def __init__(self, net: Internet, engine: Engine) -> None:
        self._net = net
        self._engine = engine
        self._told: set[str] = set()
        self._lock = lock()  # what was told is asked and noted by several threads

    def own_thread(self) -> bool:
        return self._engine.busy_here

    def now(self) -> float:
        return self._net.clock.time()

    def silent(self, ends: Iterable[End]) -> bool:
        ends = list(ends)
        silences = self._engine.silences
        if any(end.sending for end in ends) or not any((end.kind, end.port) in silences for end in ends):
            return False
        ours = (self._engine.listener, self._engine.dns)
        for end in ends:
            if end.peer is not None and end.peer not in ours:
                self.uncovered(f"a wait on {end.peer}, which is not in the net,")
                return False
        return self._engine.settled() and any((end.kind, end.port) in silences for end in ends)

    def let_pass(self, until: float | None) -> bool:
        return timekeeper_of(self._net.clock).let_pass(until)

    def uncovered(self, what: str) -> None:
        with self._lock:
            if what in self._told:
                return
            self._told.add(what)
        journal = self._net.journal
        text = f"{what} takes its time: mailnet.clock.compress() cannot shorten it"
        journal.add(Incident(journal.elapsed(), "real time", text, fails=False))

    def hang(self) -> WouldHang:
        what = "the application waits without a time-out for a server that will never speak"
        error = WouldHang(
            f"{what}: in life it would hang for good. Give the client one, as in "
            "smtplib.SMTP(host, timeout=60)"
        )
        journal = self._net.journal
        journal.add(Incident(journal.elapsed(), "hang", what, error))
        return error
