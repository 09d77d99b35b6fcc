"""What the tests of each kind of client share: a letter, loops to run in, what the net recorded."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio
import uvloop

from pytest_mailnet.entry import INTERCEPTION

HERE = Path(__file__).parent
SUITE = (HERE / "green_suite.py").read_text("utf-8")
LETTER = "From: bob@app.example\r\nTo: sales@shop.example\r\nSubject: hi\r\n\r\nhello\r\n"


@pytest.fixture
def letter() -> str:
    """A mail from bob@app.example to sales@shop.example."""
    return LETTER


@pytest.fixture
def echo() -> Iterator[Any]:
    """The address of a plain server on loopback, no part of any net: it sends back what it gets first."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(10)

    def serve():
        taken, _ = listening.accept()
        with taken:
            taken.sendall(taken.recv(100))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()
    thread.join(10)
    listening.close()


@pytest.fixture
def resolvable(shop, mailnet) -> str:
    """The one address of mx.shop.example."""
    [address] = mailnet.host("mx.shop.example").addresses
    return address


@pytest.fixture
def sessions(shop, mailnet) -> Callable[..., list[Any]]:
    """The net's sessions, once they have been found to be what they should: who called whom."""

    def recorded(count: int = 1, *, client: str | None = None, port: int = 25) -> list[Any]:
        [address] = mailnet.host("mx.shop.example").addresses
        found = mailnet.sessions
        assert len(found) == count
        assert {session.client.ip for session in found} == {client or mailnet.sender.ip}
        assert {session.server for session in found} == {(address, port)}
        assert {session.host for session in found} == {"mx.shop.example"}
        return found

    return recorded


@pytest.fixture
def delivered(shop, mailnet, sessions) -> Callable[..., None]:
    """Find the mail in the mailbox of sales@shop.example, and the session as it should be."""

    def found(count: int = 1, **expected: Any) -> None:
        assert [message.parsed["subject"] for message in shop.mailbox("sales").messages] == ["hi"] * count
        sessions(count, **expected)

    return found


@pytest.fixture
def asked(mailnet) -> Callable[[], list[tuple[Any, ...]]]:
    """The questions to the net's DNS: name, type, outcome, function or transport, server, asker."""

    def questions() -> list[tuple[Any, ...]]:
        return [
            (
                query.name,
                query.rdtype,
                query.rcode,
                query.via,
                query.server and tuple(query.server),
                query.client,
            )
            for query in mailnet.dns.queries
        ]

    return questions


@pytest.fixture
def by() -> Callable[[str], str]:
    """How the record names who asked: the function; where the run has moved, the C library asks, over UDP."""
    return str if INTERCEPTION.moved is None else lambda _function: "udp"


@pytest.fixture
def why() -> Callable[[str], str | None]:
    """The pattern of an error's text: the net's reason; where the run has moved, the kernel has none."""
    return str if INTERCEPTION.moved is None else lambda _reason: None


@pytest.fixture
def green(pytester, monkeypatch) -> Callable[..., pytest.RunResult]:
    """Run the suite of greenlets, or another, in a process that gevent or eventlet has patched first."""

    def run(
        library: str, suite: str = SUITE, *, patched: bool = True, **environment: str
    ) -> pytest.RunResult:
        environment |= {"GREEN": library, "PATCHED": "yes" if patched else "no"}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        pytester.makepyfile(suite)
        # eventlet leaves sockets open, and calls what dnspython has renamed; other suites have libraries of their own.
        warnings = ("-W", "error") if library == "gevent" and suite is SUITE else ()
        return pytester.run(
            sys.executable, HERE / "green_launcher.py", "-q", "-p", "no:cacheprovider", *warnings
        )

    return run


@pytest.fixture
def mx(mailnet) -> list[tuple[int, str]]:
    """The two MX of shop.example, each with an address."""
    mailnet.add_server("mx.shop.example", domain="shop.example")
    mailnet.add_server("mx2.shop.example", domain="shop.example", preference=20)
    return [(10, "mx.shop.example."), (20, "mx2.shop.example.")]


def _on_trio(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return trio.run(work)


def _on_asyncio(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(work())


def _on_uvloop(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return uvloop.run(work())


@pytest.fixture(params=[_on_asyncio, _on_uvloop], ids=["asyncio", "uvloop"])
def run(request) -> Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]:
    """Run a coroutine function on asyncio's own loop, or on uvloop's."""
    return request.param


@pytest.fixture(params=[_on_asyncio, _on_uvloop, _on_trio], ids=["asyncio", "uvloop", "trio"])
def run_anywhere(request) -> Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]:
    """Run a coroutine function on asyncio's own loop, on uvloop's, or on trio."""
    return request.param


@pytest.fixture(
    params=[("asyncio", {}), ("asyncio", {"use_uvloop": True}), ("trio", {})],
    ids=["asyncio", "uvloop", "trio"],
)
def run_anyio(request) -> Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]:
    """Run a coroutine function by anyio, on each of its backends."""
    backend, options = request.param
    return lambda work: anyio.run(work, backend=backend, backend_options=options)
