"""Installs every way in for as long as a net is active, and takes it away again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType

from pytest_mailnet.intercept import names, sockets
from pytest_mailnet.intercept.patches import Patches
from pytest_mailnet.intercept.world import World

__all__ = ["Interception"]


def _dnspython(patches: Patches, world: World) -> None:
    from pytest_mailnet.intercept import dnspython  # noqa: PLC0415

    dnspython.install(patches, world)


_ADAPTERS: Mapping[str, Callable[[Patches, World], None]] = MappingProxyType({"dns.asyncresolver": _dnspython})


class Interception:
    """The patches of one net."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._patches = Patches()

    def install(self) -> None:
        """Lead this process into the net."""
        try:
            sockets.install(self._patches, self._world)
            names.install(self._patches, self._world)
            for module, adapter in _ADAPTERS.items():
                if module in sys.modules:
                    adapter(self._patches, self._world)
        except BaseException:
            self._patches.undo()
            raise

    def tampered(self) -> list[str]:
        """Which patches somebody has replaced since, and with what."""
        return self._patches.tampered()

    def uninstall(self) -> None:
        """Put everything back."""
        self._patches.undo()
