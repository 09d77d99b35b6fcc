"""The interpreter's own locks, threads and polls, where gevent or eventlet have put greenlets in their place.

In a process that one of them has patched, `threading.Lock` belongs to the hub of one thread, and a new thread
is a greenlet. The engine is a thread of the system in such a process too, so that its event loop is not the
one that the application finds running; and what is shared with it takes the interpreter's locks.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

__all__ = ["Lock", "lock", "original", "patched", "reentrant_lock", "start"]

Lock = AbstractContextManager[Any]


def patched() -> bool:
    """Whether gevent or eventlet has patched the standard library of this process."""
    return _patcher() is not None


def original(module: str, name: str) -> Any:
    """What a name of the standard library stood for before gevent or eventlet patched it."""
    patcher = _patcher()
    return getattr(importlib.import_module(module), name) if patcher is None else patcher(module, name)


def lock() -> Any:
    """A lock between threads of the system."""
    return threading.Lock() if _patcher() is None else original("_thread", "allocate_lock")()


def reentrant_lock() -> Any:
    """A lock between threads of the system that its holder may take again."""
    return threading.RLock() if _patcher() is None else original("_thread", "RLock")()


def start(run: Callable[[], object], name: str) -> Callable[[], object]:
    """Start a thread of the system, which ends with the process; return what waits for its end before."""
    if not patched():
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread.join
    ended = lock()
    ended.acquire()

    def run_to_end() -> None:  # pragma: no cover  # coverage does not follow threads of the system
        try:
            run()
        finally:
            ended.release()

    original("_thread", "start_new_thread")(run_to_end, ())
    return ended.acquire  # type: ignore[no-any-return]


def _patcher() -> Callable[[str, str], Any] | None:
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None and gevent.saved:
        found: Callable[[str, str], Any] = gevent.get_original
        return found
    if eventlet is not None and eventlet.already_patched:
        return lambda module, name: getattr(eventlet.original(module), name)
    return None
