"""eventlet, whether it has patched the standard library or is used by name.

Its sockets have a socket of Python's inside, of a copy of the class, which is translated like the others. It
looks names up by a copy of dnspython that it has imported for itself.
"""

from __future__ import annotations

import _socket
import importlib
import socket
import sys
from collections.abc import Callable
from typing import Any

import dns.rdata

from pytest_mailnet.entry.adapters.dnspython import lapsing
from pytest_mailnet.entry.adapters.greenlets import Deadlines
from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.sockets import lead_new
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress", "install", "renew"]

_IN, _MX = 1, 15  # class and type of a record, as in packets
_LOOK_UPS = {"getaddrinfo", "getfqdn", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "getnameinfo"}


def install(patches: Patches, world: Network) -> None:
    """Lead eventlet's sockets into a network, and replace its look-ups by those of the patched C module."""
    lead_new(patches, world, "socket")
    for module in ("eventlet.green.socket", "eventlet.green._socket_nodns", "eventlet.support.greendns"):
        for name in _LOOK_UPS & vars(sys.modules.get(module, object)).keys():
            found = _by_c_module(name) if hasattr(_socket, name) else getattr(socket, name)
            patches.put(sys.modules[module], name, found)
    if socket.getaddrinfo.__module__.startswith("eventlet"):
        patches.put(socket, "getaddrinfo", _by_c_module("getaddrinfo"))
    if "eventlet.support.greendns" in sys.modules:
        _load_records()


def renew() -> None:
    """Forget the resolver, which asks the name server of the last net, and its cache."""
    greendns = sys.modules.get("eventlet.support.greendns")
    if greendns is not None:
        vars(greendns.resolver)["_cached_resolver"] = None


def _by_c_module(name: str) -> Callable[..., Any]:
    # Not by `socket`, into which eventlet may be patching this very function.
    def look_up(*args: Any, **options: Any) -> Any:
        return getattr(_socket, name)(*args, **options)

    return look_up


def _load_records() -> None:
    """Let dnspython load its record types again, if it has found those of eventlet's copy of dnspython.

    A zone refuses records of the copy: "expected an Rdata". dnspython keeps what it has loaded once.
    """
    rdata: Any = dns.rdata  # not the one of `sys.modules`, which may be another copy
    if issubclass(rdata.get_rdata_class(_IN, _MX), rdata.Rdata):
        return
    copies = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("dns.rdtypes")}
    try:
        vars(rdata)["_rdata_classes"].clear()
        rdata.load_all_types(disable_dynamic_load=False)
    finally:
        sys.modules.update(copies)


def compress(patches: Patches, waits: Waits) -> None:
    """Let sockets, and `eventlet.Timeout` on them, wait in the net's time."""
    timeouts: Any = importlib.import_module("eventlet.timeout").Timeout
    greenthread, hubs = map(importlib.import_module, ("eventlet.greenthread", "eventlet.hubs"))
    deadlines = Deadlines(waits, greenthread.getcurrent)
    hub: Any = importlib.import_module("eventlet.hubs.hub").BaseHub
    found_start, found_schedule = timeouts.start, hub.schedule_call_global

    def start(timeout: Any) -> Any:
        found_start(timeout)
        if timeout.seconds is not None:
            deadlines.add(timeout)
        return timeout

    def schedule(hub: Any, seconds: float, do: Any, *args: Any, **options: Any) -> Any:
        if seconds > 0 and do == greenthread.getcurrent().switch:
            waits.patience.uncovered("eventlet.sleep")
        return found_schedule(hub, seconds, do, *args, **options)

    if "eventlet.support.greendns" in sys.modules:  # which reckons the time-outs of dnspython's queries anew
        patches.put(sys.modules["eventlet.support.greendns"], "time", lapsing(waits))
    patches.put(timeouts, "start", start)
    patches.put(hub, "schedule_call_global", schedule)
    found, trampoline = hubs.trampoline, _trampoline(waits, deadlines, hubs.trampoline)
    for module in [it for name, it in sys.modules.items() if name.startswith("eventlet.")]:
        if vars(module).get("trampoline") is found:
            patches.put(module, "trampoline", trampoline)


def _trampoline(waits: Waits, deadlines: Deadlines, found: Callable[..., Any]) -> Callable[..., None]:
    """A replacement for the function by which all of eventlet's sockets wait."""

    def trampoline(
        fd: Any,
        read: Any = None,
        write: Any = None,
        *,
        timeout: float | None = None,
        timeout_exc: Any = TimeoutError,
        mark_as_closed: Any = None,
    ) -> None:
        def step(seconds: float) -> bool:
            try:
                found(fd, read, write, seconds, _StepOver, mark_as_closed)
            except _StepOver:
                return False
            return True

        if waits.patience.own_thread():
            found(fd, read, write, timeout, timeout_exc, mark_as_closed)
            return
        descriptor = fd if isinstance(fd, int) else fd.fileno()
        if not deadlines.wait(descriptor, step, timeout, writing=bool(write)):
            raise timeout_exc

    return trampoline


class _StepOver(Exception):
    """One step of a wait is over."""
