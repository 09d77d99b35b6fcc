"""Twisted: its reactors and their clock keep the net's time."""

from __future__ import annotations

import sys
import weakref
from select import POLLIN, POLLOUT
from typing import Any

from twisted.internet import base
from twisted.python import threadpool

from pytest_mailnet.entry.ends import End, ends_of, poller
from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress", "install"]

# The reactors that wait by themselves. asyncio's lets its loop wait.
_REACTORS = {"epollreactor": "EPollReactor", "pollreactor": "PollReactor", "selectreactor": "SelectReactor"}
_ASYNCIO = {"AsyncioSelectorReactor"}


def install(patches: Patches, world: Network) -> None:
    """Do nothing: reactors look names up and connect by the standard library."""


def compress(patches: Patches, waits: Waits) -> None:
    """Let the reactor wait in the net's time; report one that runs on another library's loop."""
    found: Any = base.ReactorBase.seconds

    def lapsed_seconds() -> float:
        lapsed = waits.lapsed  # first: see `lapsed`
        return float(found()) + lapsed

    run: Any = base.ReactorBase.startRunning

    def start_anew(reactor: Any, *args: Any, **options: Any) -> None:
        if not reactor.getDelayedCalls():
            waits.count_anew()
        run(reactor, *args, **options)

    patches.put(base.ReactorBase, "seconds", staticmethod(lapsed_seconds))
    patches.put(base.ReactorBase, "startRunning", start_anew)
    _await_threads(patches, waits)
    for module, name in _REACTORS.items():
        if f"twisted.internet.{module}" in sys.modules:
            _compress_reactor(patches, waits, getattr(sys.modules[f"twisted.internet.{module}"], name))
    running = type(sys.modules["twisted.internet.reactor"]).__name__
    if running not in {*_REACTORS.values(), *_ASYNCIO}:
        waits.patience.uncovered(f"a wait of Twisted's {running}")


def _await_threads(patches: Patches, waits: Waits) -> None:
    """Let loops wait for threads that work for a reactor, as for more than connections."""
    pools: weakref.WeakSet[Any] = weakref.WeakSet()
    cls: Any = threadpool.ThreadPool
    found = cls.callInThreadWithCallback

    def call_in_thread(pool: Any, *args: Any, **options: Any) -> None:
        pools.add(pool)
        found(pool, *args, **options)

    patches.put(cls, "callInThreadWithCallback", call_in_thread)
    waits.awaited = lambda: any(pool.working for pool in list(pools))


def _compress_reactor(patches: Patches, waits: Waits, cls: Any) -> None:
    found = cls.doIteration

    def patient_iteration(reactor: Any, timeout: float | None) -> None:
        waiting = timeout is None or timeout > 0  # None is for ever; False means that the reactor is stopping
        if waiting and not waits.patience.own_thread():
            events: dict[int, int] = {}
            for event, selectables in ((POLLIN, reactor.getReaders()), (POLLOUT, reactor.getWriters())):
                for each in selectables:
                    events[each.fileno()] = events.get(each.fileno(), 0) | event

            def ends() -> list[End]:
                return [] if waits.awaited() else ends_of(list(events))

            who = "Twisted's reactor (reactor.callLater, say)"
            waits.until(poller(events), ends, timeout, who, by_clock=True)
            timeout = 0
        found(reactor, timeout)

    patches.put(cls, "doIteration", patient_iteration)
