"""pycares (and aiodns): c-ares reads resolv.conf and sends by itself: its channels are told whom to ask."""

from __future__ import annotations

from typing import Any

import pycares

from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress", "install"]


def install(patches: Patches, world: Network) -> None:
    """Let every channel that is made ask the world's name server, whatever servers it is given."""
    found = pycares.Channel.__init__
    found_servers: Any = vars(pycares.Channel)["servers"]
    takes_ports = int(pycares.__version__.split(".")[0]) >= 5  # before, the ports of `__init__` are meant

    def init(channel: Any, *args: Any, **options: Any) -> None:
        ip, port = world.names.name_server()
        found(channel, *args, **{**options, "servers": [ip], "udp_port": port, "tcp_port": port})

    def assign(channel: Any, servers: Any) -> None:  # noqa: ARG001
        ip, port = world.names.name_server()
        found_servers.fset(channel, [f"{ip}:{port}" if takes_ports else ip])

    patches.put(pycares.Channel, "__init__", init)
    patches.put(pycares.Channel, "servers", property(found_servers.fget, assign))


def compress(patches: Patches, waits: Waits) -> None:
    """Say of each channel that is made that its waits, which are in C, really wait."""
    found = pycares.Channel.__init__

    def init(channel: Any, *args: Any, **options: Any) -> None:
        waits.patience.uncovered("a query of pycares")
        found(channel, *args, **options)

    patches.put(pycares.Channel, "__init__", init)
