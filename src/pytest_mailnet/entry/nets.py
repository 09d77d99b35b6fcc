"""The nets that are active in this process, and which of them a caller is in."""

from __future__ import annotations

import functools
from collections import deque
from typing import Any, cast

from pytest_mailnet.entry import origins
from pytest_mailnet.entry.network import (
    ConnectionQuestions,
    Dialled,
    EngineSocket,
    NameQuestions,
    Network,
    Notes,
    Resolution,
    TlsQuestions,
)
from pytest_mailnet.entry.nowhere import Nowhere
from pytest_mailnet.entry.origins import Origin
from pytest_mailnet.entry.waits import Patience
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import Endpoint

__all__ = ["Nets"]


class Nets:
    """All nets of this process.

    Nets begin and end in any thread, under the lock. Readers need no lock: they take the whole tuple at once.

    Attributes:
        fallback: the network of callers that are in no net; None for the machine's own.
        outlived: what went on after its net had ended: the title of the net, and a sentence.
    """

    def __init__(self) -> None:
        self._lock = lock()
        self._origins: tuple[Origin, ...] = ()
        self._entered = 0
        self._of_nobody: dict[int, str] = {}  # by single operations, which need no lock
        self.fallback: Network | None = None
        self.outlived: deque[tuple[str, str]] = deque(maxlen=1000)

    def add(self, origin: Origin) -> None:
        """Add a net; it is the innermost one now."""
        with self._lock:
            self._entered += 1
            origin.number = self._entered
            self._origins += (origin,)

    def remove(self, origin: Origin) -> None:
        """Remove a net, which need not be the innermost one."""
        with self._lock:
            self._origins = tuple(other for other in self._origins if other is not origin)
        origin.world = origin.forked = origin.patience = origin.child = None

    @property
    def active(self) -> bool:
        """Whether there is any net."""
        return bool(self._origins)

    def here(self) -> Network | None:
        """The caller's network.

        This is the net that the caller was started in, or `Nowhere` if that net has ended. A caller that was
        started in no net is in the innermost one, or in the fallback if there is no net.
        """
        origin = origins.current() or self._innermost
        if origin is None:
            return self.fallback
        return self._gone(origin) if origin.world is None else origin.world

    def patience(self) -> Patience:
        """The time of the caller's net. If its clock is not compressed, waits are left alone."""
        origin = origins.current() or self._innermost
        return (None if origin is None else origin.patience) or cast("Patience", _TakesItsTime())

    @property
    def world(self) -> Network:
        """A network that passes each question on to the network of the caller."""
        return _Here(self)

    def note_call(self, port: int) -> None:
        """Note the calling thread for a client's port, if it is not known in which net it was started."""
        name = origins.name_of_nobody()
        if name is None:
            self._of_nobody.pop(port, None)
        else:
            self._of_nobody[port] = name

    def note_cut_off(self, origin: Origin, port: int, what: str) -> None:
        """Note a mail that the end of a net cut off, if its thread was not started in that net.

        Such a thread lives on, and may send the mail again in the next net.

        Args:
            origin: the net that ends.
            port: the client's.
            what: the mail, as the warning names it: "a mail to mx.shop.example".
        """
        name = self._of_nobody.get(port)
        if name is not None:
            text = f"thread {name!r}, which is none of this test's, was amid {what} when the net was left"
            self.outlived.append((origin.title, f"{text}: tried again, it comes into another test's net"))

    def note_outlived(self) -> None:
        """Note a thread or task that was started in a net which has ended, and now works for this one."""
        found = origins.outlived()
        if found is not None:
            origin, name = found
            what = f"{name}, which was started in {origin.title}, goes on in {self._title}"
            self.outlived.append((origin.title, what))

    def before_fork(self) -> None:
        """Prepare, just before a fork, the network that the child will see in place of each net."""
        for origin in self._origins:
            if origin.child is not None:
                origin.forked = origin.child()

    def in_forked_child(self) -> None:
        """Put the prepared networks in place, in the process that was forked off."""
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
                innermost.world.notes.overheard(text)

        why = (
            f"it comes from what was started in {origin.title}, whose net is gone. "
            "End threads, timers, tasks and executors in the test that starts them, or start what serves "
            "several tests before the first net"
        )
        return Nowhere(why, note, every_name=True)


def _same(world: Network) -> Network:
    return world


class _Here:
    """The `Network` of whoever asks; see `Nets.world`."""

    def __init__(self, nets: Nets) -> None:
        self._nets = nets
        # Casts: what passes every question on has no method by name.
        self.connections: ConnectionQuestions = cast("ConnectionQuestions", _ConnectionsHere(nets))
        self.names: NameQuestions = cast("NameQuestions", _NamesHere(nets))
        self.tls: TlsQuestions = cast("TlsQuestions", _QuestionsHere(nets, "tls"))
        self.notes: Notes = cast("Notes", _QuestionsHere(nets, "notes"))

    def instead_of(self, refused: Endpoint) -> str:
        return _world(self._nets).instead_of(refused)

    def of_caller(self) -> Network:
        return _world(self._nets)

    def entrance(self, kind: int) -> EngineSocket | None:
        return _world(self._nets).entrance(kind)

    def end_of(self, port: int) -> EngineSocket | None:
        return _world(self._nets).end_of(port)

    @property
    def answers_all(self) -> bool:
        return _world(self._nets).answers_all

    def after_fork(self) -> None:
        _world(self._nets).after_fork()


class _QuestionsHere:
    """All questions of one kind, each of which the caller's net answers."""

    def __init__(self, nets: Nets, kind: str) -> None:
        self._nets, self._kind = nets, kind

    def __getattr__(self, question: str) -> Any:
        return getattr(getattr(_world(self._nets), self._kind), question)


class _ConnectionsHere(_QuestionsHere):
    def __init__(self, nets: Nets) -> None:
        super().__init__(nets, "connections")

    def dial(self, kind: int, port: int, destination: Endpoint) -> Dialled:
        self._nets.note_outlived()
        self._nets.note_call(port)
        return _world(self._nets).connections.dial(kind, port, destination)


class _NamesHere(_QuestionsHere):
    def __init__(self, nets: Nets) -> None:
        super().__init__(nets, "names")

    def resolve(self, name: str, family: int, via: str, port: int | None) -> Resolution:
        self._nets.note_outlived()
        return _world(self._nets).names.resolve(name, family, via, port)


def _world(nets: Nets) -> Network:
    # There is none in a patched function that is still running while the last net is left.
    here = nets.here()
    return _NOWHERE if here is None else here


class _TakesItsTime:
    """The `Patience` of callers whose net has no compressed clock: their waits are left alone."""

    def own_thread(self) -> bool:
        return True

    def uncovered(self, what: str) -> None:
        pass


_NOWHERE = Nowhere("its net has been left", str, every_name=False)
