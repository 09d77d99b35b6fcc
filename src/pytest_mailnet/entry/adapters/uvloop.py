"""uvloop: the methods of its loop are replaced, because it looks names up and connects in C.

Connections are made on Python sockets, which are translated, and handed to the loop. Datagrams to a name
server are translated in the transport, their answers in the protocol.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvloop

from pytest_mailnet.entry.arguments import host_name, numeric, port_number, port_wanted
from pytest_mailnet.entry.network import ConnectionQuestions, Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.starting import stamp_loops
from pytest_mailnet.entry.waits import Waits
from pytest_mailnet.values import Endpoint

__all__ = ["compress", "install"]


def install(patches: Patches, world: Network) -> None:  # noqa: C901  # four methods, one after the other
    """Lead the loops of uvloop into a network."""
    found_connection = uvloop.Loop.create_connection
    found_datagram = uvloop.Loop.create_datagram_endpoint
    found_getaddrinfo = uvloop.Loop.getaddrinfo

    async def create_connection(
        loop: Any, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        if host is None and port is None:
            return await found_connection(loop, protocol_factory, **options)  # options have a socket
        lookup = {name: options[name] for name in ("family", "proto", "flags") if name in options}
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, **lookup)
        if not _leads(world, infos):
            return await found_connection(loop, protocol_factory, host, port, **options)
        sock = await _connected(loop, infos, options.pop("local_addr", None))
        if options.get("ssl") and options.get("server_hostname") is None:
            options["server_hostname"] = host  # the socket does not know it
        for done in (*lookup, "happy_eyeballs_delay", "interleave"):
            options.pop(done, None)
        return await found_connection(loop, protocol_factory, sock=sock, **options)

    async def create_datagram_endpoint(
        loop: Any, protocol_factory: Any, local_addr: Any = None, remote_addr: Any = None, **options: Any
    ) -> Any:
        sock = options.get("sock")
        if (options.get("family") if sock is None else sock.family) == socket.AF_UNIX:
            return await found_datagram(loop, protocol_factory, local_addr, remote_addr, **options)
        if sock is None and remote_addr is not None:
            lookup = {name: options[name] for name in ("family", "proto", "flags") if name in options}
            infos = await loop.getaddrinfo(*remote_addr[:2], type=socket.SOCK_DGRAM, **lookup)
            if not _leads(world, infos):
                return await found_datagram(loop, protocol_factory, local_addr, remote_addr, **options)
            sock = await _connected(loop, infos, local_addr)
        if sock is not None:
            local_addr, options = None, {"sock": sock}
            if not sock.getsockname()[1]:
                sock.bind(_anywhere(sock.family))
        elif local_addr is None:
            local_addr = _anywhere(options.get("family"))
        # Bound by now, so that the port is known before the first datagram goes.
        transport, led = await found_datagram(
            loop, lambda: _LedProtocol(world.connections, protocol_factory()), local_addr, None, **options
        )
        return _LedTransport(world.connections, transport), led.protocol

    async def getaddrinfo(loop: Any, host: Any, port: Any, **options: Any) -> Any:
        name, number = host_name(host), port_number(port)
        if name is not None and world.names.claims(name, port_wanted(port)):
            return socket.getaddrinfo(host, port if number is None else number, **options)
        infos = await found_getaddrinfo(loop, host, port, **options)
        if name is not None:
            world.names.passed(name, [address[0] for *_, address in infos])
        return infos

    async def getnameinfo(loop: Any, sockaddr: Any, flags: int = 0) -> Any:
        return await loop.run_in_executor(None, socket.getnameinfo, sockaddr, flags)

    for function in (create_connection, create_datagram_endpoint, getaddrinfo, getnameinfo):
        patches.put(uvloop.Loop, function.__name__, function)
    stamp_loops(patches, uvloop.Loop, timers=("call_at", "call_later"))


def _leads(world: Network, infos: Any) -> bool:
    """Whether the net answers at one of the addresses that were found."""
    return any(world.connections.takes(kind, _endpoint(address)) for _, kind, _, _, address in infos)


def _anywhere(family: int | None) -> tuple[str, int]:
    return ("::" if family == socket.AF_INET6 else "0.0.0.0", 0)  # noqa: S104


def _endpoint(address: Any) -> Endpoint:
    return Endpoint(numeric(address[0]) or address[0], int(address[1]))


async def _connected(loop: Any, infos: Any, local: Any) -> socket.socket:
    """Try each address in turn, as the loop's own method does."""
    errors: list[OSError] = []
    for family, kind, proto, _, address in infos:
        sock = socket.socket(family, kind, proto)
        try:
            sock.setblocking(False)  # noqa: FBT003
            if local is not None:
                sock.bind(local)
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            errors.append(error)
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise errors[0]


def compress(patches: Patches, waits: Waits) -> None:
    """Report each loop that runs: its waits, which are in C, take real time."""
    found = uvloop.Loop.run_forever

    def run_forever(loop: Any) -> None:
        waits.patience.uncovered("a wait on a loop of uvloop")
        found(loop)

    patches.put(uvloop.Loop, "run_forever", run_forever)


class _LedTransport:
    """A datagram transport that sends questions for other name servers to the net's."""

    def __init__(self, connections: ConnectionQuestions, transport: Any) -> None:
        self._connections = connections
        self._transport = transport

    def sendto(self, data: Any, address: Any = None) -> None:
        name = self._transport.get_extra_info("sockname")
        if address is not None and self._connections.takes(socket.SOCK_DGRAM, _endpoint(address)):
            dialled = self._connections.dial(socket.SOCK_DGRAM, name[1], _endpoint(address))
            if dialled.where is not None:
                prefix = "::ffff:" if ":" in name[0] else ""
                address = (prefix + dialled.where.ip, dialled.where.port)
        self._transport.sendto(data, address)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _LedProtocol(asyncio.DatagramProtocol):
    """A protocol that passes answers on as if they came from the server that the application asked."""

    def __init__(self, connections: ConnectionQuestions, protocol: Any) -> None:
        self._connections = connections
        self._transport: Any = None
        self.protocol = protocol

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.protocol.connection_made(_LedTransport(self._connections, transport))

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self._connections.is_engine(Endpoint(addr[0].removeprefix("::ffff:"), addr[1])):
            port = self._transport.get_extra_info("sockname")[1]
            addr = self._connections.far_end(socket.SOCK_DGRAM, port) or addr
        self.protocol.datagram_received(data, tuple(addr))

    def error_received(self, exc: Exception) -> None:
        self.protocol.error_received(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.protocol.connection_lost(exc)
