"""The deaths of an application: of a process by SIGKILL, of a function by an exception."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
from collections.abc import Callable
from subprocess import Popen, TimeoutExpired
from typing import Any

from pytest_mailnet.crashes.place import CrashPlace
from pytest_mailnet.errors import Crash
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.system.native import original

__all__ = ["RunningFunction", "StartedProcess", "ended_within"]

_PATIENCE = 10.0  # seconds, for the kernel to end a process


class StartedProcess:
    """An application that is a process of its own, with those that it has started, in a group.

    Attributes:
        process: the process; None before it is started.
    """

    def __init__(self) -> None:
        self.process: Popen[Any] | None = None

    def die(self, place: CrashPlace, drop: Callable[[], object]) -> None:  # noqa: ARG002
        """Kill the group, wait until the process is gone, and drop the connection."""
        self.kill()
        drop()

    def kill(self) -> None:
        """Kill the group, and wait until the process is gone."""
        process = self.process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS has the latter for zombies
            os.killpg(process.pid, signal.SIGKILL)
        ended_within(process, _PATIENCE)


class RunningFunction:
    """An application that is a function of this process.

    Args:
        engine: the background, in whose thread a client that cannot be answered in its own is met.

    Attributes:
        from_outside: whether the exception was put into the function's thread from another one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread: int = original("_thread", "get_ident")()
        self.from_outside: bool = False

    def die(self, place: CrashPlace, drop: Callable[[], object]) -> None:
        """Raise in the function, here or in its thread, and drop the connection."""
        if not self._engine.is_here:
            drop()
            raise Crash(str(place))
        if hasattr(ctypes, "pythonapi"):  # CPython's
            self.from_outside = True
            self._put()
        drop()

    def over(self) -> None:
        """Take back an exception that the thread, the caller's, has not met yet; the function has ended."""
        if not self.from_outside:
            return
        # It is met here. Taken back by NULL it would leave CPython with the flag that there is one, for good,
        # and Python 3.11 waits for ever for that flag to fall once somebody traces, as coverage and pdb do.
        with contextlib.suppress(Crash):
            self._put()
            while True:
                pass

    def _put(self) -> None:
        """Put the exception into the function's thread, in place of one that it has not met."""
        thread = ctypes.c_ulong(self._thread)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(Crash))


def ended_within(process: Popen[Any], seconds: float) -> bool:
    """Whether a process ends within some seconds; it may be asked in two threads at once.

    Args:
        process: the process, which the caller may still have to wait for.
        seconds: how long it may take.
    """
    # With a time-out, `Popen.wait` looks only every now and then, up to 50 ms apart.
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return True
        except OSError:  # the kernel is old
            pass
        else:
            try:
                waiting = original("select", "poll")()
                waiting.register(descriptor, select.POLLIN)
                return bool(waiting.poll(seconds * 1000))
            finally:
                os.close(descriptor)
    try:
        process.wait(seconds)
    except TimeoutExpired:
        return False
    return True
