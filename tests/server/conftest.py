"""A mail server on a real port, of a host whose decisions a test lays out."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_mailnet.record.journal import Journal
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.smtp_server import MailService
from pytest_mailnet.values import Endpoint

CLIENT = Endpoint("203.0.113.7", 40000)
SERVER = Endpoint("192.0.2.27", 25)


async def _others():
    """Wait for the tasks in which asyncio gives a transport to what was accepted last."""
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


class Running:
    """A mail server on a real loopback port, in a thread of its own."""

    def __init__(self, service: MailService) -> None:
        self._service = service
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.servers: list[asyncio.Protocol] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        accepting = asyncio.run_coroutine_threadsafe(self._accept(), self._loop)
        self._thread.start()
        accepting.result(5)

    def call(self, what: Callable[[], object]) -> None:
        """Call something in the loop's thread."""

        async def called() -> None:
            what()

        asyncio.run_coroutine_threadsafe(called(), self._loop).result(5)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_forever()
        self._server.close()
        self._loop.run_until_complete(_others())
        for server in self.servers:
            server.reset("the test is over")
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _accept(self) -> None:
        def accept() -> asyncio.Protocol:
            self.servers.append(
                self._service.accept(Connection(None, CLIENT, SERVER, self._service), self._loop)
            )
            return self.servers[-1]

        self._server = await self._loop.create_server(accept, sock=self._listener)


class Departures:
    """Connections that are gone; they can be waited for."""

    def __init__(self) -> None:
        self._gone = threading.Semaphore(0)

    def __call__(self, _connection: object) -> None:
        self._gone.release()

    def wait(self) -> None:
        assert self._gone.acquire(timeout=5)


@pytest.fixture
def departures() -> Departures:
    return Departures()


@pytest.fixture
def running(decider: Any, journal: Journal, departures: Departures) -> Iterator[Running]:
    server = Running(MailService(decider, "shop", journal, departures))
    server.start()
    yield server
    server.stop()
