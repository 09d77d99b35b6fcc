"""The ways into the nets of this process: patches, put with the first net and taken away with the last."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

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
from pytest_mailnet.entry.handing import notice_work
from pytest_mailnet.entry.imports import OnImport
from pytest_mailnet.entry.nets import Nets
from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.origins import Origin
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.waits import Patience, Waits
from pytest_mailnet.system.native import reentrant_lock

__all__ = ["INTERCEPTION", "Interception"]

# The module that is patched, and the one here that does it.
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
    """What leads a process into its nets. One lock: nets begin and end in several threads, in any order.

    Attributes:
        nets: those that are active.
    """

    def __init__(self) -> None:
        self.nets = Nets()
        self._patches = Patches()
        self._noticing = Patches()
        self._waits: Waits | None = None
        self._lock = reentrant_lock()
        self._on_import = OnImport({name: functools.partial(self._adapt, name) for name in _ADAPTERS})
        self._watching = False
        self._adapted: tuple[str, ...] = ()

    def enter(self, world: Network, title: str) -> Origin:
        """Lead the process into a net; return what is to be left again.

        Args:
            world: the net.
            title: what messages call it.
        """
        origin = Origin(title, world)
        with self._lock:
            if not self.nets.active:
                # Anew where they are put for the fallback only: who forbids sockets may have come since.
                self._put()
            if not (self._noticing.in_place or self._noticing.put_again()):
                notice_work(self._noticing)
                self._noticing.keep()
            self._renew()
            self.nets.add(origin)
        origins.enter(origin)
        return origin

    def leave(self, origin: Origin) -> None:
        """Lead nobody into a net any more; with the last one all is put back."""
        with self._lock:
            self.nets.remove(origin)
            origins.leave()
            self._renew()
            if not self.nets.active and self.nets.fallback is None:
                self._undo()
            self.tidy()

    def tidy(self) -> None:
        """Notice no more who gives work to whom, once nothing is left of nets that are gone."""
        with self._lock:
            if not (self.nets.active or origins.left_running()):
                self._noticing.undo()

    def fall_back(self, world: Network | None) -> None:
        """Have a world for those who are in no net, or, with None, have none any more."""
        with self._lock:
            self.nets.fallback = world
            if world is not None and not self._patches.in_place:
                self._put()
            elif world is None and not self.nets.active:
                self._undo()

    def mend(self) -> None:
        """Put the patches anew, where there is no net and somebody has replaced some of them."""
        with self._lock:
            if not self.nets.active and self._patches.tampered():
                self._put()

    def compress(self, origin: Origin, patience: Patience) -> None:
        """Let waits on a net take no time, until it is left."""
        with self._lock:
            origin.patience = patience
            if self._waits is None:
                self._waits = Waits(self.nets.patience)
                blocking_waits.compress(self._patches, self._waits)
                polling_waits.compress(self._patches, self._waits)
                for module in _ADAPTERS:
                    if module in sys.modules:
                        _adapter(module).compress(self._patches, self._waits)

    def tampered(self) -> list[str]:
        """Which patches somebody has replaced since, and with what."""
        return self._patches.tampered()

    def _put(self) -> None:
        self._undo(yielding=True)  # who forbids sockets by functions of his own goes on to do so
        if not self._watching:
            self._watching = True
            guard.watch(self.nets)
            os.register_at_fork(before=self.nets.before_fork, after_in_child=self._in_forked_child)
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

    def _undo(self, *, yielding: bool = False) -> None:
        self._waits = None
        self._on_import.uninstall()
        self._patches.undo(yielding=yielding)

    def _adapt(self, module: str) -> None:
        _adapter(module).install(self._patches, self.nets.world)
        if self._waits is not None:
            _adapter(module).compress(self._patches, self._waits)

    def _renew(self) -> None:
        """Let libraries keep nothing from one net to the next that they found out in it."""
        for module in _ADAPTERS:
            renew = module in sys.modules and getattr(_adapter(module), "renew", None)
            if renew:
                renew()

    def _in_forked_child(self) -> None:
        self._lock = reentrant_lock()
        self.nets.in_forked_child()


@functools.cache
def _adapter(module: str) -> Any:
    return importlib.import_module(f"{__package__}.adapters.{_ADAPTERS[module]}")


INTERCEPTION: Final = Interception()
"""This process's. Patches are of a process, and there is one set of them, whichever nets there are."""
