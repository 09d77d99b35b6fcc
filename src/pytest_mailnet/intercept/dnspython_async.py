"""dnspython's asynchronous half: no resolver and no backend is kept from net to net."""

from __future__ import annotations

from dns import asyncbackend, asyncquery, asyncresolver

from pytest_mailnet.intercept.dnspython import lapsing
from pytest_mailnet.intercept.patches import Patches
from pytest_mailnet.intercept.waits import Waits
from pytest_mailnet.intercept.world import World

__all__ = ["compress", "install"]


def install(patches: Patches, world: World) -> None:  # noqa: ARG001
    """Let the default resolver and the backend be chosen anew."""
    patches.put(asyncresolver, "default_resolver", None, watched=False)
    # Chosen once and kept by dnspython: a suite with asyncio and trio tests needs it chosen anew.
    patches.put(asyncbackend, "_default_backend", None, watched=False)


def compress(patches: Patches, waits: Waits) -> None:
    """Let queries and resolvers reckon their time-outs by the net's clock."""
    for module in (asyncquery, asyncresolver):
        patches.put(module, "time", lapsing(waits))
