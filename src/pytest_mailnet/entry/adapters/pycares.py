"""pycares (and aiodns): channels are given the net's name server, because c-ares sends by itself."""

from __future__ import annotations

from typing import Any

import pycares

from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress", "install"]


def install(patches: Patches, world: Network) -> None:
    """Let every new channel ask the network's name server, whatever servers it is given."""
    found = pycares.Channel.__init__
    found_servers: Any = vars(pycares.Channel)["servers"]
    takes_ports = int(pycares.__version__.split(".")[0]) >= 5  # older ones use the ports of `__init__`

    def init(channel: Any, *args: Any, **options: Any) -> None:
        ip, port = world.names.name_server()
        found(channel, *args, **{**options, "servers": [ip], "udp_port": port, "tcp_port": port})

    def assign(channel: Any, servers: Any) -> None:  # noqa: ARG001
        ip, port = world.names.name_server()
        found_servers.fset(channel, [f"{ip}:{port}" if takes_ports else ip])

    patches.put(pycares.Channel, "__init__", init)
    patches.put(pycares.Channel, "servers", property(found_servers.fget, assign))


def compress(patches: Patches, waits: Waits) -> None:
    """Report each new channel: its waits, which are in C, take real time."""
    found = pycares.Channel.__init__

    def init(channel: Any, *args: Any, **options: Any) -> None:
        waits.patience.uncovered("a query of pycares")
        found(channel, *args, **options)

    patches.put(pycares.Channel, "__init__", init)
