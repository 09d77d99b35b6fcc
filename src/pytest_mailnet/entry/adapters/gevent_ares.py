"""c-ares inside gevent: resolvers that applications make are given the net's name server."""

from __future__ import annotations

import importlib
from typing import Any

from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress", "install"]


def install(patches: Patches, world: Network) -> None:
    """Let every new resolver ask the network's name server, whatever servers it is given."""
    cls = _resolver()
    found = cls.cares_class

    def channel(loop: Any, **options: Any) -> Any:
        ip, port = world.names.name_server()
        return found(loop, **{**options, "servers": [ip], "udp_port": port, "tcp_port": port})

    patches.put(cls, "cares_class", staticmethod(channel))


def compress(patches: Patches, waits: Waits) -> None:
    """Report each new resolver: its waits, which are in C, take real time."""
    cls = _resolver()
    found = cls.cares_class

    def channel(loop: Any, **options: Any) -> Any:
        waits.patience.uncovered("a query of gevent's c-ares resolver")
        return found(loop, **options)

    patches.put(cls, "cares_class", staticmethod(channel))


def _resolver() -> Any:
    # By its name: when it is being imported, its package does not have it yet.
    return importlib.import_module("gevent.resolver.ares").Resolver
