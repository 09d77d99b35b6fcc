"""`Crasher`, the class of the fixture `mailnet_crash`: runs an application that dies, and starts it again."""

from __future__ import annotations

import contextlib
import gc
import inspect
import os
import shlex
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from subprocess import CompletedProcess, Popen, TimeoutExpired
from typing import Any, ParamSpec, TypeVar

from pytest_mailnet.crashes.countdown import Countdown, Victim
from pytest_mailnet.crashes.place import CrashPlace
from pytest_mailnet.crashes.victims import RunningFunction, StartedProcess, ended_within
from pytest_mailnet.errors import Crash, InvalidSetting, WouldHang, behind
from pytest_mailnet.handles.attributes import is_number, is_whole, steady
from pytest_mailnet.handles.snapshot import Snapshot
from pytest_mailnet.net.mailnet import MailNet, life_of
from pytest_mailnet.net.reconciliation import Reckoning
from pytest_mailnet.printable import cut, printable
from pytest_mailnet.system.native import patched

__all__ = ["Crasher"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


@steady("mailnet_crash")
class Crasher:
    """Runs an application in a net, lets it die at one place, and starts it again.

    Args:
        net: the net, which is active.
        at: the number of the place at which the application dies, from 1; None for nowhere, to count them.

    Raises:
        InvalidSetting: if `at` is no number of a place.
    """

    def __init__(self, net: MailNet, *, at: int | None = None) -> None:
        if not isinstance(net, MailNet) or not (at is None or (is_whole(at) and at >= 1)):
            raise InvalidSetting(
                f"Crasher({net!r}, at={at!r}) takes a mailnet, and the number of a place, from 1"
            )
        self._life = life_of(net)
        self._net = net
        self._countdown = Countdown(at, self._life.journal)
        self._starts = 0
        self._includes_children = False

    @property
    def places(self) -> list[CrashPlace]:
        """The places that the application came to, until its death."""
        return Snapshot(self._countdown.places, "mailnet_crash.places", "run() and call() add to them.")

    @property
    def died_at(self) -> CrashPlace | None:
        """The place at which the application died; None if it did not."""
        return self._countdown.died_at

    @property
    def starts(self) -> int:
        """How often the application was started."""
        return self._starts

    @property
    def reckoned(self) -> Reckoning | None:
        """The result of the last `mailnet.account_for`; None if it was not called."""
        return self._life.reckoned

    def run(
        self, args: Sequence[str | os.PathLike[str]], *, timeout: float = 30.0, **popen: Any
    ) -> CompletedProcess[Any]:
        """Run the application as a child process in the net; once it was killed, start it again.

        Args:
            args: the program and its arguments: `[sys.executable, "outbox.py"]`.
            timeout: how long one start of it may take, in seconds.
            popen: further arguments of `subprocess.Popen`.

        Returns:
            The result of the first start that ended by itself, whatever its status.

        Raises:
            WouldHang: if it does not end in time; it is killed.
            InvalidSetting: for a text in place of a list, or if the net is not active.
        """
        __tracebackhide__ = True
        if isinstance(args, str | bytes) or not (is_number(timeout) and timeout > 0):
            raise InvalidSetting(
                f"mailnet_crash.run({args!r}, timeout={timeout!r}) takes a list, as subprocess does, and "
                "seconds: mailnet_crash.run([sys.executable, 'outbox.py'], timeout=30)"
            )
        if not self._includes_children:
            self._net.include_children()
            self._includes_children = True
        if popen.get("env") is not None:
            popen["env"] = _in_the_net(popen["env"])
        victim = StartedProcess()
        with self._watching(victim):
            while True:
                self._starts += 1
                with Popen(args, start_new_session=True, **popen) as process:  # noqa: S603  # the test's own
                    victim.process = process
                    try:
                        said = self._ended(process, timeout)
                    finally:
                        victim.kill()
                        self._life.engine.settled()
                if not self._countdown.dead or process.returncode != -signal.SIGKILL:
                    return CompletedProcess(args, process.returncode, *said)
                self._countdown.dead = False

    def call(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Call the application as a function; once a `Crash` has ended it, call it again.

        The function meets the exception at the very place: in its connect, send or look-up. That is quick,
        and a first pass: its `finally` blocks run, and what it has in memory stays.

        Args:
            function: sends mail, in this thread or by others that it waits for.
            args: passed to it.
            kwargs: passed to it.

        Returns:
            What it returns. An exception of its own is raised.

        Raises:
            InvalidSetting: if it has survived the `Crash`, is a coroutine function, or cannot die, since
                gevent or eventlet has patched this process.
        """
        __tracebackhide__ = True
        if patched():
            raise InvalidSetting(
                f"mailnet_crash.call({_name(function)}): gevent or eventlet has patched this process, in "
                "which no greenlet can be made to die at its place. mailnet_crash.run([...]) kills a process"
            )
        victim = RunningFunction(self._life.engine)
        self._life.activation("mailnet_crash.call()")
        with self._watching(victim):
            while True:
                self._starts += 1
                survived = self._survived(victim, function, *args, **kwargs)
                if survived is not None:
                    return survived[0]
                self._countdown.dead = False

    def _survived(
        self, victim: RunningFunction, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> tuple[_T] | None:
        """What a function has returned; None if it has died."""
        __tracebackhide__ = True
        try:
            returned = function(*args, **kwargs)
            victim.over()
        except BaseException as error:
            victim.over()
            if not self._countdown.dead:
                raise
            known = behind(error)
            if not any(isinstance(it, Crash) for it in known):
                raise self._went_on(function, f"raised {error!r}") from error
            with _left_open():
                for each in known:
                    each.__traceback__ = None
                del each, known
                self._life.engine.cut(self._life.internet)
                gc.collect(1)  # the young: all of them would take longer than the rest
            return None
        if self._countdown.dead:
            raise self._went_on(function, f"returned {returned!r}")
        if inspect.iscoroutine(returned):
            returned.close()
            name = _name(function)
            raise InvalidSetting(
                f"mailnet_crash.call({name}): that is a coroutine function; "
                f"mailnet_crash.call(lambda: asyncio.run({name}()))"
            )
        return (returned,)

    def _went_on(self, function: Callable[..., object], did: str) -> InvalidSetting:
        return InvalidSetting(
            f"mailnet_crash.call({_name(function)}): it was to die at place {self.died_at}, and has "
            f"{printable(cut(did))} after that. It has caught the exception pytest_mailnet.Crash, as "
            "`except BaseException` and bare threads do, or could not meet it. "
            "mailnet_crash.run([...]) kills a process for sure"
        )

    @contextlib.contextmanager
    def _watching(self, victim: Victim) -> Iterator[None]:
        internet = self._life.internet
        if internet.passing is not None:
            raise InvalidSetting("mailnet_crash: run() and call() run one application at a time")
        self._countdown.victim = victim
        internet.passing = self._countdown
        try:
            yield
        finally:
            internet.passing = None
            self._countdown.dead = False

    def _ended(self, process: Popen[Any], timeout: float) -> tuple[Any, Any]:
        """What a process has written to its pipes by its end."""
        __tracebackhide__ = True
        try:
            if process.stdout or process.stderr or process.stdin:
                return process.communicate(timeout=timeout)
            if ended_within(process, timeout):
                process.wait()
                return None, None
        except TimeoutExpired:
            pass
        shown = shlex.join(map(os.fspath, process.args))  # type: ignore[arg-type]  # a list, as `run` has it
        came = self.places
        last = f"The last place it came to is {came[-1]}" if came else "It has come to no place in the net"
        raise WouldHang(
            f"mailnet_crash.run: `{printable(cut(shown))}` has not ended by itself within {timeout:g} s "
            f"in start {self._starts}. {last}. Have it end when its mail is sent; timeout=60 gives it longer"
        )


@contextlib.contextmanager
def _left_open() -> Iterator[None]:
    """Let go of what a function has left open without a word about it: with a process, it ends."""
    told = sys.unraisablehook
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        sys.unraisablehook = bool
        try:
            yield
        finally:
            sys.unraisablehook = told


def _name(function: Callable[..., object]) -> str:
    return str(getattr(function, "__name__", function))


def _in_the_net(given: Any) -> dict[str, str]:
    """An environment of the test's own, with what leads a child into the net."""
    from pytest_mailnet.entry.network import PARENT  # noqa: PLC0415

    path = filter(None, [os.environ.get("PYTHONPATH"), given.get("PYTHONPATH")])
    return {**given, PARENT: os.environ[PARENT], "PYTHONPATH": os.pathsep.join(path)}
