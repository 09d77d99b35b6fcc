"""The interpreter's own locks, threads and functions, also in a process that gevent or eventlet has patched.

In such a process `threading.Lock` belongs to the hub of one thread, and a new thread is a greenlet. The
engine must be a thread of the system even there: otherwise the application would find the engine's event loop
running in its own thread. Whatever is shared with the engine is guarded by the interpreter's locks.
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
    """The original of something that gevent or eventlet may have patched.

    Args:
        module: a module of the standard library.
        name: a name in the module.
    """
    patcher = _patcher()
    return getattr(importlib.import_module(module), name) if patcher is None else patcher(module, name)


def lock() -> Any:
    """Make a lock for threads of the system."""
    return threading.Lock() if _patcher() is None else original("_thread", "allocate_lock")()


def reentrant_lock() -> Any:
    """Make a lock for threads of the system that its holder may take again."""
    return threading.RLock() if _patcher() is None else original("_thread", "RLock")()


def start(run: Callable[[], object], name: str) -> Callable[[], object]:
    """Start a daemon thread of the system.

    Args:
        run: what the thread does.
        name: the name of the thread.

    Returns:
        A function that waits for the thread's end.
    """
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
