"""Real ports of this machine that an engine opens besides its own, for those that cannot be intercepted."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from selectors import EVENT_READ

from pytest_mailnet.server.binding import ANYWHERE, BACKLOG, bound, bound_pair
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.dns_server import DatagramServer
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.server.transport import Listener, MakeProtocol
from pytest_mailnet.system.kernel import KernelLoop
from pytest_mailnet.values import Endpoint

__all__ = ["open_port", "open_to_clients", "open_to_resolvers"]


def open_port(
    engine: Engine, protocol: MakeProtocol, at: Endpoint = ANYWHERE
) -> tuple[Endpoint, Callable[[], None]]:
    """Open a port, and serve each connection to it with a protocol of its own.

    Args:
        engine: serves it.
        protocol: makes the protocol for a client's real address and the engine's end of the connection.
        at: the machine's address and port; port 0 for any that is free.

    Returns:
        The port's address, and a function that closes the port and its connections.

    Raises:
        OSError: if that port is not to be had.
    """
    streams = bound(socket.SOCK_STREAM, at)
    where = Endpoint(*streams.getsockname()[:2])

    def begin(loop: KernelLoop) -> Callable[[], None]:
        listener = Listener(streams, loop, protocol)
        listener.start(BACKLOG)
        return listener.break_off

    return where, engine.watch((streams,), begin)


def open_to_clients(
    engine: Engine, connection: Callable[[Endpoint], Connection], at: Endpoint
) -> tuple[Endpoint, Callable[[], None]]:
    """Open a port for clients of a net.

    Args:
        engine: serves it.
        connection: makes the net's connection for a client's real address.
        at: the machine's address and port; port 0 for any that is free.

    Returns:
        The port's address, and a function that closes it.

    Raises:
        OSError: if that port is not to be had.
    """
    return open_port(engine, functools.partial(engine.arrived, connection), at)


def open_to_resolvers(
    engine: Engine, connection: Callable[[Endpoint], Connection], at: Endpoint
) -> tuple[Endpoint, Callable[[], None]]:
    """Open a port for resolvers that ask a net, over UDP and TCP.

    Args:
        engine: serves it.
        connection: makes the net's connection for a client's real address.
        at: the machine's address and port; port 0 for any that is free.

    Returns:
        The port's address, and a function that closes it.

    Raises:
        OSError: if that port is not to be had.
    """
    datagrams, streams = bound_pair(at)

    def begin(loop: KernelLoop) -> Callable[[], None]:
        answers = DatagramServer(datagrams, loop, connection, lambda *_: None)
        listener = Listener(streams, loop, functools.partial(engine.arrived, connection))
        answers.want(EVENT_READ)
        listener.start(BACKLOG)

        def end() -> None:
            answers.close()
            listener.break_off()

        return end

    close = engine.watch((datagrams, streams), begin)
    return Endpoint(*datagrams.getsockname()[:2]), close
