"""The time of a net whose clock is compressed: waits on its connections move the clock instead of lasting."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_mailnet.clock import timekeeper_of
from pytest_mailnet.entry.ends import End
from pytest_mailnet.errors import WouldHang
from pytest_mailnet.net.internet import Internet
from pytest_mailnet.record.journal import Incident
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import Endpoint

__all__ = ["CompressedTime"]


class CompressedTime:
    """The `Patience` of the patched waits of one net. Called in the application's threads.

    Args:
        net: has the clock that is moved, and the record.
        engine: knows on which connections its servers are silent.
        leads_here: whether a real address that a client is connected to leads into the net.
    """

    def __init__(self, net: Internet, engine: Engine, leads_here: Callable[[Endpoint], bool]) -> None:
        self._net = net
        self._engine = engine
        self._leads_here = leads_here
        self._reported: set[str] = set()
        self._lock = lock()  # of the set: several threads report waits

    def own_thread(self) -> bool:
        return self._engine.busy_here

    def now(self) -> float:
        return self._net.clock.time()

    def silent(self, ends: Iterable[End]) -> bool:
        ends = list(ends)
        silences = self._engine.silences
        if any(end.sending for end in ends) or not any((end.kind, end.port) in silences for end in ends):
            return False
        for end in ends:
            if end.peer is not None and not self._leads_here(end.peer):
                self.uncovered(f"a wait on {end.peer}, which is not in the net,")
                return False
        return self._engine.settled() and any((end.kind, end.port) in silences for end in ends)

    def let_pass(self, until: float | None) -> bool:
        return timekeeper_of(self._net.clock).let_pass(until)

    def uncovered(self, what: str) -> None:
        with self._lock:
            if what in self._reported:
                return
            self._reported.add(what)
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
