"""A connection in a net: who calls whom, and what will serve it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pytest_mailnet.clock import Clock, timekeeper_of
from pytest_mailnet.dns.packets import NameServer
from pytest_mailnet.values import Endpoint

__all__ = ["Connection", "Service", "Tenant", "elapse"]


class Service(Protocol):
    """What listens at a destination: makes the protocol that serves one connection."""

    def accept(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
        """Return the protocol that will be told of `connection_made` at once."""


class Tenant(Protocol):
    """A net, as far as the engine knows it."""

    @property
    def name_server(self) -> NameServer:
        """What answers DNS questions that reach this net."""

    @property
    def clock(self) -> Clock:
        """The net's."""

    def caller(self) -> str:
        """The sender's address for questions that come without a note of who asks."""


@dataclass(slots=True, eq=False)
class Connection:
    """Who calls whom, noted before the call arrives.

    Attributes:
        tenant: the net that both ends belong to.
        source: the virtual address and port of the client.
        destination: the virtual address and port that it connects to; None where a resolver asks the
            net's name server by its address on loopback.
        service: what listens there, until the call has ended; None for DNS.
        transport: the server's end, from its arrival to its end.
        dialling: whether what happens at once has to wait for the client's connect to return.
        arrived: whether it has ever arrived; each call does so once.
        silent: told whether nothing more comes to the client unless time passes.
        once_connected: has something done in the loop when the client's connect has returned, or at once.
        held: what is done then.
    """

    tenant: Tenant
    source: Endpoint
    destination: Endpoint | None
    service: Service | None
    transport: asyncio.BaseTransport | None = None
    dialling: bool = False
    arrived: bool = False
    silent: Callable[[bool], object] = bool
    once_connected: Callable[[Callable[[], object]], object] = lambda do: do()
    held: Callable[[], object] | None = None


def elapse(clock: Clock, loop: asyncio.AbstractEventLoop, seconds: float, do: Callable[[], object]) -> None:
    """Have something done in a loop when so much time has passed: the clock's where it is compressed."""
    if clock.compressed:
        timekeeper_of(clock).later(seconds, lambda: loop.call_soon_threadsafe(do))
    else:
        loop.call_later(seconds, do)
