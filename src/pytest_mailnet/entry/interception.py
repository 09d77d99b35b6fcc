"""Patches this process when the first net is entered, and takes the patches away with the last."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from pytest_mailnet.entry import (
    blocking_waits,
    guard,
    lookups,
    origins,
    polling_waits,
    sockets,
    starting,
    trust,
)
from pytest_mailnet.entry.adapters import Adapter
from pytest_mailnet.entry.handing import notice_work
from pytest_mailnet.entry.imports import OnImport
from pytest_mailnet.entry.nets import Nets
from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.origins import Origin
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.waits import Patience, Waits
from pytest_mailnet.system.native import reentrant_lock

if TYPE_CHECKING:
    from pytest_mailnet.entry.namespace.moved import Moved

__all__ = ["INTERCEPTION", "Interception"]

# The library's module that is patched, and the adapter that does it.
_ADAPTERS: Mapping[str, str] = MappingProxyType(
    {
        "OpenSSL.SSL": "pyopenssl",
        "dns.asyncresolver": "dnspython_async",
        "dns.resolver": "dnspython",
        "eventlet.green.socket": "eventlet",
        "gevent._socket3": "gevent",
        "gevent.resolver.ares": "gevent_ares",
        "pycares": "pycares",
        "trio._socket": "trio",
        "twisted.internet.reactor": "twisted",
        "uvloop": "uvloop",
    }
)


class Interception:
    """The patches of one process. They have one lock: nets begin and end in several threads, in any order.

    Attributes:
        nets: the nets that are active.
        moved: the namespaces that the process has moved into, where nets need no patches; None for none.
    """

    def __init__(self) -> None:
        self.nets: Nets = Nets()
        self.moved: Moved | None = None
        self._patches = Patches()
        self._noticing = Patches()
        self._waits: Waits | None = None
        self._lock = reentrant_lock()
        self._on_import = OnImport({name: functools.partial(self._adapt, name) for name in _ADAPTERS})
        self._watching = self._heeding_forks = False
        self._adapted: tuple[str, ...] = ()

    def enter(self, world: Network, title: str) -> Origin:
        """Enter a net; return what `leave` takes.

        Args:
            world: the net.
            title: the net's name in messages.
        """
        origin = Origin(title, world)
        with self._lock:
            if not self.nets.active:
                # Anew if they are there for the fallback: a plugin may have forbidden sockets since.
                self._put()
            if not (self._noticing.in_place or self._noticing.put_again()):
                notice_work(self._noticing)
                self._noticing.keep()
            self.renew()
            self.nets.add(origin)
        origins.enter(origin)
        return origin

    def enter_around(self, world: Network, title: str) -> Origin:
        """Enter a net that is around the process, where waits alone are patched; return what `leave` takes.

        Args:
            world: the net.
            title: the net's name in messages.
        """
        origin = Origin(title, world)
        with self._lock:
            self._heed_forks()
            self.nets.add(origin)
        origins.enter(origin)
        return origin

    def leave(self, origin: Origin) -> None:
        """Leave a net. With the last one the patches are taken away, unless there is a fallback."""
        with self._lock:
            self.nets.remove(origin)
            origins.leave()
            self.renew()
            if not self.nets.active and self.nets.fallback is None:
                self._undo()
            self.tidy()

    def tidy(self) -> None:
        """Stop noticing who is given work, if there is no net and no thread of an ended net still runs."""
        with self._lock:
            if not (self.nets.active or origins.left_running()):
                self._noticing.undo()

    def fall_back(self, world: Network | None) -> None:
        """Set the network of callers that are in no net; None for the machine's own."""
        with self._lock:
            self.nets.fallback = world
            if world is not None and not self._patches.in_place:
                self._put()
            elif world is None and not self.nets.active:
                self._undo()

    def mend(self) -> None:
        """Put the fallback's patches in place again, if there is no net and others have replaced some."""
        with self._lock:
            if not self.nets.active and self._patches.tampered():
                self._put()

    def compress(self, origin: Origin, patience: Patience) -> None:
        """Compress the time of a net, until it is left.

        Args:
            origin: the net, as `enter` returned it.
            patience: its time.
        """
        with self._lock:
            origin.patience = patience
            if self._waits is None:
                self._waits = Waits(self.nets.patience)
                blocking_waits.compress(self._patches, self._waits)
                polling_waits.compress(self._patches, self._waits)
                for module in _ADAPTERS:
                    if module in sys.modules:
                        _adapter(module).compress(self._patches, self._waits)
                if self.moved is not None:
                    self._on_import.install()

    def tampered(self) -> list[str]:
        """The patches that others have replaced, and with what, each in a sentence."""
        return self._patches.tampered()

    def _put(self) -> None:
        self._undo(yielding=True)  # a plugin's own functions that forbid sockets stay
        if not self._watching:
            self._watching = True
            guard.watch(self.nets)
        self._heed_forks()
        adapted = tuple(filter(sys.modules.__contains__, _ADAPTERS))
        if self._adapted == adapted and self._patches.put_again():
            self._on_import.install()
            return
        self._patches.forget()
        self._adapted = adapted
        try:
            starting.install(self._patches)
            sockets.install(self._patches, self.nets.world)
            lookups.install(self._patches, self.nets.world)
            trust.install(self._patches, self.nets.world)
            for module in adapted:
                self._adapt(module)
            self._patches.keep()
            self._on_import.install()
        except BaseException:
            self._undo()
            raise

    def _heed_forks(self) -> None:
        if not self._heeding_forks:
            self._heeding_forks = True
            os.register_at_fork(before=self.nets.before_fork, after_in_child=self._in_forked_child)

    def _undo(self, *, yielding: bool = False) -> None:
        self._waits = None
        self._on_import.uninstall()
        self._patches.undo(yielding=yielding)

    def _adapt(self, module: str) -> None:
        if self.moved is None:
            _adapter(module).install(self._patches, self.nets.world)
        if self._waits is not None:
            _adapter(module).compress(self._patches, self._waits)

    def renew(self) -> None:
        """Make libraries forget what they found out in one net before the next one."""
        for module in _ADAPTERS:
            renew = module in sys.modules and getattr(_adapter(module), "renew", None)
            if renew:
                renew()

    def _in_forked_child(self) -> None:
        self._lock = reentrant_lock()
        self.nets.in_forked_child()


@functools.cache
def _adapter(module: str) -> Adapter:
    return cast("Adapter", importlib.import_module(f"{__package__}.adapters.{_ADAPTERS[module]}"))


INTERCEPTION: Final = Interception()
"""The one set of patches of this process, which all its nets share."""
