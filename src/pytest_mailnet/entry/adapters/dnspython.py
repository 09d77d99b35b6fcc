"""dnspython: resolvers ask the net's name server instead of those in this machine's resolv.conf."""

from __future__ import annotations

import time
from types import SimpleNamespace

import dns.name
import dns.query

# Not `import dns.resolver`: when it is being imported, its package does not have it yet.
from dns import resolver as dns_resolver

from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress", "install", "lapsing", "renew"]


def install(patches: Patches, world: Network) -> None:
    """Let every resolver that is made from the system's configuration ask the network's name server."""

    def read_resolv_conf(resolver: dns_resolver.BaseResolver, f: object) -> None:  # noqa: ARG001
        # The loopback address, not a virtual one: trio binds `socket.recvfrom` when it is imported, so it
        # sees the real address of a reply.
        endpoint = world.names.name_server()
        resolver.nameservers = [endpoint.ip]
        resolver.port = endpoint.port
        resolver.search = []
        resolver.domain = dns.name.root

    patches.put(dns_resolver.BaseResolver, "read_resolv_conf", read_resolv_conf)
    patches.put(dns_resolver, "default_resolver", None, watched=False)


def renew() -> None:
    """Forget the default resolver, which asks the name server of the last net."""
    dns_resolver.default_resolver = None


def compress(patches: Patches, waits: Waits) -> None:
    """Let queries and resolvers reckon their time-outs in the net's time."""
    for module in (dns.query, dns_resolver):
        patches.put(module, "time", lapsing(waits))


def lapsing(waits: Waits) -> SimpleNamespace:
    """A replacement for the module `time` in the modules of dnspython."""

    def now() -> float:
        lapsed = waits.look()  # first: see `lapsed`
        return time.time() + lapsed

    def pause(seconds: float) -> None:
        (time if waits.patience.own_thread() else waits).sleep(seconds)

    return SimpleNamespace(time=now, sleep=pause)
