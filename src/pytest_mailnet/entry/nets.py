"""The nets that are active in this process, and which of them a caller is in."""

from __future__ import annotations

import functools
from collections import deque
from typing import Any, cast

from pytest_mailnet.entry import origins
from pytest_mailnet.entry.network import Dialled, Network, Resolution
from pytest_mailnet.entry.nowhere import Nowhere
from pytest_mailnet.entry.origins import Origin
from pytest_mailnet.entry.waits import Patience
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import Endpoint

__all__ = ["Nets"]


class Nets:
    """All nets of this process.

    Nets begin and end in any thread, under the lock; everybody else takes the tuple of them as a whole.

    Attributes:
        fallback: what those are in who are in no net; None for the machine's own network.
        outlived: of what was started in a net and has gone on when it was gone: the net's title, and what
            it did.
    """

    def __init__(self) -> None:
        self._lock = lock()
        self._origins: tuple[Origin, ...] = ()
        self._entered = 0
        self._of_nobody: dict[int, str] = {}  # by single operations, which need no lock
        self.fallback: Network | None = None
        self.outlived: deque[tuple[str, str]] = deque(maxlen=1000)

    def add(self, origin: Origin) -> None:
        """Let a net be the innermost one."""
        with self._lock:
            self._entered += 1
            origin.number = self._entered
            self._origins += (origin,)

    def remove(self, origin: Origin) -> None:
        """Let a net be one no more, in whatever order."""
        with self._lock:
            self._origins = tuple(other for other in self._origins if other is not origin)
        origin.world = origin.forked = origin.patience = origin.child = None

    @property
    def active(self) -> bool:
        """Whether any net is."""
        return bool(self._origins)

    def here(self) -> Network | None:
        """What the caller is in: its net, nowhere if that is gone, the innermost net, or None for none."""
        origin = origins.current() or self._innermost
        if origin is None:
            return self.fallback
        return self._gone(origin) if origin.world is None else origin.world

    def patience(self) -> Patience:
        """How the caller's waits take no time, or that they take it."""
        origin = origins.current() or self._innermost
        return (None if origin is None else origin.patience) or cast("Patience", _TakesItsTime())

    @property
    def world(self) -> Network:
        """A world that is for each caller the one that it is in."""
        return cast("Network", _Here(self))

    def note_call(self, port: int) -> None:
        """Note who calls from a port, if it is a thread of no net that is known."""
        name = origins.name_of_nobody()
        if name is None:
            self._of_nobody.pop(port, None)
        else:
            self._of_nobody[port] = name

    def note_cut_off(self, origin: Origin, port: int, what: str) -> None:
        """Note a mail that was not finished when a net was left, if its sender may try it again in another.

        Args:
            origin: the net.
            port: of the client.
            what: the mail, in words.
        """
        name = self._of_nobody.get(port)
        if name is not None:
            text = f"thread {name!r}, which is none of this test's, was amid {what} when the net was left"
            self.outlived.append((origin.title, f"{text}: tried again, it comes into another test's net"))

    def note_outlived(self) -> None:
        """Note of who was given work by somebody in another net where it was started."""
        found = origins.outlived()
        if found is not None:
            origin, name = found
            what = f"{name}, which was started in {origin.title}, goes on in {self._title}"
            self.outlived.append((origin.title, what))

    def before_fork(self) -> None:
        """Get ready what a child will see of each net, while the net can still be asked."""
        for origin in self._origins:
            if origin.child is not None:
                origin.forked = origin.child()

    def in_forked_child(self) -> None:
        """Let the process that was forked off see that."""
        self._lock = lock()
        for origin in self._origins:
            origin.patience = None
            if origin.world is not None:
                origin.world.after_fork()
            if origin.forked is not None:
                origin.world = origin.forked
                origin.child = functools.partial(_same, origin.forked)

    @property
    def _innermost(self) -> Origin | None:
        found = self._origins
        return found[-1] if found else None

    @property
    def _title(self) -> str:
        innermost = self._innermost
        return "no net" if innermost is None else innermost.title

    def _gone(self, origin: Origin) -> Network:
        def note(text: str) -> None:
            self.outlived.append((origin.title, text))
            innermost = self._innermost
            if innermost is not None and innermost.world is not None:
                innermost.world.overheard(text)

        why = (
            f"it comes from what was started in {origin.title}, whose net is gone. "
            "End threads, timers, tasks and executors in the test that starts them, or start what serves "
            "several tests before the first net"
        )
        return Nowhere(why, note, every_name=True)


def _same(world: Network) -> Network:
    return world


class _Here:
    """Hands each question on; see `Nets.world`."""

    def __init__(self, nets: Nets) -> None:
        self._nets = nets

    def dial(self, kind: int, port: int, destination: Endpoint) -> Dialled:
        self._nets.note_outlived()
        self._nets.note_call(port)
        return self._world().dial(kind, port, destination)

    def resolve(self, name: str, family: int, via: str, port: int | None = None) -> Resolution:
        self._nets.note_outlived()
        return self._world().resolve(name, family, via, port)

    def __getattr__(self, question: str) -> Any:
        return getattr(self._world(), question)

    def _world(self) -> Network:
        # In a patched function that is still running while the last net is left there is none.
        here = self._nets.here()
        return _NOWHERE if here is None else here


class _TakesItsTime:
    """The patience of who is in no net whose clock is compressed: its waits are left alone."""

    def own_thread(self) -> bool:
        return True

    def uncovered(self, what: str) -> None:
        pass


_NOWHERE = Nowhere("its net has been left", str, every_name=False)
