"""A connection in a net: its two ends, and the service that answers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_mailnet.clock import Clock, timekeeper_of
from pytest_mailnet.values import Endpoint

if TYPE_CHECKING:
    from pytest_mailnet.dns.name_server import NameServer
    from pytest_mailnet.record.session import Session

__all__ = ["Connection", "Passing", "Service", "Tenant", "at_once", "elapse"]


class Service(Protocol):
    """A listener at a virtual address: makes a protocol for each connection."""

    def accept(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
        """Make the protocol that serves a connection; the caller calls its `connection_made` at once.

        Args:
            connection: the connection to serve.
            loop: the engine's event loop.
        """
        ...


class Passing(Protocol):
    """What a net calls at each place at which the application can die."""

    def __call__(
        self,
        what: str,
        *,
        after: bool = False,
        heard: Session | None = None,
        drop: Callable[[], object] = bool,
    ) -> bool:
        """Pass a place, or have the application die there.

        Args:
            what: what is about to happen, or has happened: "RCPT TO:<alice@shop.example>", "250 to DATA".
            after: whether the server has acted, and only its reply is held back.
            heard: the session in which the application has heard every reply by now; None for none.
            drop: breaks off the connection; called once the application can no longer notice.

        Returns:
            Whether it is dead, and nothing more is to be done for it. A function of this process may meet the
            `Crash` in the call already.
        """
        ...


class Tenant(Protocol):
    """A net, as far as the engine knows it."""

    @property
    def name_server(self) -> NameServer:
        """The server that answers DNS questions to this net."""
        ...

    @property
    def clock(self) -> Clock:
        """The net's clock."""
        ...

    @property
    def passing(self) -> Passing | None:
        """Called at each place at which the application can die; None where nobody asks."""
        ...

    def caller(self) -> str:
        """The sender's address for DNS questions without a note of who asks."""
        ...


def at_once(do: Callable[[], object]) -> object:
    """Run a callback."""
    return do()


@dataclass(slots=True, eq=False)
class Connection:
    """A connection from a virtual source to a virtual destination; noted before it arrives.

    Attributes:
        tenant: the net that both ends belong to.
        source: the virtual address and port of the client.
        destination: the virtual address and port that the client connects to; None for a resolver that
            asks the net's name server by its loopback address.
        service: what answers the call, until the call has ended; None for DNS.
        transport: the server's transport, from the arrival of the call to its end.
        dialling: whether the client's connect has not returned yet.
        arrived: whether the call has ever arrived; each call arrives once.
        silent: called with True when the client gets nothing more unless time passes, with False otherwise.
        once_connected: runs a callback in the loop when the client's connect has returned; at once where it
            has returned already.
        held: the callback that waits for the connect to return; None for none.
    """

    tenant: Tenant
    source: Endpoint
    destination: Endpoint | None
    service: Service | None
    transport: asyncio.BaseTransport | None = None
    dialling: bool = False
    arrived: bool = False
    silent: Callable[[bool], object] = bool
    once_connected: Callable[[Callable[[], object]], object] = at_once
    held: Callable[[], object] | None = None


def elapse(clock: Clock, loop: asyncio.AbstractEventLoop, seconds: float, do: Callable[[], object]) -> None:
    """Run a callback in a loop after some seconds: the net's where time is compressed, else real ones.

    Args:
        clock: the net's clock.
        loop: the loop in whose thread the callback runs.
        seconds: the delay.
        do: the callback.
    """
    if clock.compressed:
        timekeeper_of(clock).later(seconds, lambda: loop.call_soon_threadsafe(do))
    else:
        loop.call_later(seconds, do)
