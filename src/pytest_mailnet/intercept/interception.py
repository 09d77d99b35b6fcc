"""Installs every way in for as long as a net is active, and takes it away again."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pytest_mailnet.intercept import blocking, guard, names, polling, sockets, trust
from pytest_mailnet.intercept.imports import OnImport
from pytest_mailnet.intercept.patches import Patches
from pytest_mailnet.intercept.waits import Patience, Waits
from pytest_mailnet.intercept.world import World

__all__ = ["Interception"]

# The module that is patched, and the one here that does it.
_ADAPTERS: Mapping[str, str] = MappingProxyType(
    {
        "dns.asyncresolver": "dnspython_async",
        "dns.resolver": "dnspython",
        "eventlet.green.socket": "eventlet",
        "gevent._socket3": "gevent",
        "gevent.resolver.ares": "gevent_ares",
        "pycares": "pycares",
        "trio._socket": "trio",
        "uvloop": "uvloop",
    }
)


class Interception:
    """The patches of one net."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._patches = Patches()
        self._waits: Waits | None = None
        self._on_import = OnImport({name: functools.partial(self._adapt, name) for name in _ADAPTERS})

    def install(self) -> None:
        """Lead this process into the net."""
        try:
            sockets.install(self._patches, self._world)
            names.install(self._patches, self._world)
            trust.install(self._patches, self._world)
            for module in _ADAPTERS:
                if module in sys.modules:
                    self._adapt(module)
            self._on_import.install()
            guard.watch(self._world)
        except BaseException:
            self.uninstall()
            raise

    def compress(self, patience: Patience) -> None:
        """Let waits take no time, from now on until all is put back."""
        self._waits = Waits(patience)
        blocking.compress(self._patches, self._waits)
        polling.compress(self._patches, self._waits)
        for module in _ADAPTERS:
            if module in sys.modules:
                self._compress(module, self._waits)

    def tampered(self) -> list[str]:
        """Which patches somebody has replaced since, and with what."""
        return self._patches.tampered()

    def uninstall(self) -> None:
        """Put everything back."""
        guard.unwatch(self._world)
        self._on_import.uninstall()
        self._patches.undo()

    def _adapt(self, module: str) -> None:
        _adapter(module).install(self._patches, self._world)
        if self._waits is not None:
            self._compress(module, self._waits)

    def _compress(self, module: str, waits: Waits) -> None:
        _adapter(module).compress(self._patches, waits)


def _adapter(module: str) -> Any:
    return importlib.import_module(f"{__package__}.{_ADAPTERS[module]}")
