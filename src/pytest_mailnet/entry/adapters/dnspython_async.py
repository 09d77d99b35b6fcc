"""dnspython's asynchronous half: its resolver and backend are chosen anew in each net."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from dns import asyncbackend, asyncquery, asyncresolver

from pytest_mailnet.entry.adapters.dnspython import lapsing
from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress", "install", "renew"]


def install(patches: Patches, world: Network) -> None:  # noqa: ARG001
    """Let the default resolver and the backend be chosen anew."""
    patches.put(asyncresolver, "default_resolver", None, watched=False)
    # dnspython chooses it once; a suite with tests of both asyncio and trio needs the choice made anew.
    patches.put(asyncbackend, "_default_backend", None, watched=False)


def renew() -> None:
    """Forget the default resolver, which asks the name server of the last net, and its backend."""
    asyncresolver.default_resolver = None
    asyncbackend._default_backend = None  # noqa: SLF001


def compress(patches: Patches, waits: Waits) -> None:
    """Let queries and resolvers reckon their time-outs in the net's time."""
    for module in (asyncquery, asyncresolver):
        patches.put(module, "time", lapsing(waits))
    backends = ["dns._asyncio_backend", *(["dns._trio_backend"] if "trio" in sys.modules else [])]
    for name in backends:
        _compress_pauses(patches, waits, importlib.import_module(name).Backend)


def _compress_pauses(patches: Patches, waits: Waits, backend: Any) -> None:
    sleep = backend.sleep

    async def pause(self: Any, seconds: float) -> None:
        if not waits.patience.own_thread():
            waits.sleep(seconds)  # a pause between two tries; there is no connection to wait on
            seconds = 0
        await sleep(self, seconds)

    patches.put(backend, "sleep", pause)
