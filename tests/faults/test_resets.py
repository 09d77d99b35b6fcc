"""A reset before the banner: a client's connect has always succeeded before it comes."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import pytest

from pytest_mailnet.entry import INTERCEPTION
from pytest_mailnet.net.mailnet import life_of

MX = ("mx.shop.example", 25)


@pytest.fixture(params=["lived through", "compressed"])
def shop(mailnet, request):
    """A domain whose one host resets connections before it greets, with both kinds of time."""
    if request.param == "compressed":
        mailnet.clock.compress()
    mailnet.add_server(MX[0], domain="shop.example")
    mailnet.host(MX[0]).fail("reset-at-connect")


@pytest.fixture
def standing(mailnet, monkeypatch):
    """How many connections stood, once the server had done its worst, when each connect returned."""
    if INTERCEPTION.moved is not None:
        return [1]  # of the kernel's connects nobody is told
    engine, counts = life_of(mailnet).engine, []
    connected = engine.connected

    def returned(port):
        engine.settled()
        counts.append(len(engine.calls.standing))
        connected(port)

    monkeypatch.setattr(engine, "connected", returned)
    return counts


@pytest.mark.usefixtures("shop")
def test_a_blocking_client_gets_its_connection_and_then_the_reset(standing):
    with socket.create_connection(MX, timeout=60) as sock, pytest.raises(ConnectionResetError):
        sock.recv(1)

    assert standing == [1]


@pytest.mark.usefixtures("shop")
def test_a_client_with_an_event_loop_gets_its_connection_and_then_the_reset(standing):
    async def banner():
        reader, writer = await asyncio.open_connection(*MX)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()

    asyncio.run(banner())

    assert standing == [1]


@pytest.mark.usefixtures("shop")
def test_a_client_of_uvloop_gets_its_connection_and_then_the_reset(standing):
    uvloop = pytest.importorskip("uvloop")

    async def banner():
        reader, writer = await asyncio.open_connection(*MX)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(banner())

    assert standing == [1]


@pytest.mark.usefixtures("shop")
def test_a_client_of_trio_gets_its_connection_and_then_the_reset(standing):
    trio = pytest.importorskip("trio")

    async def banner():
        stream = await trio.open_tcp_stream(*MX)
        async with stream:
            with pytest.raises(trio.BrokenResourceError):
                await stream.receive_some(1)

    trio.run(banner)

    assert standing == [1]


@pytest.mark.usefixtures("shop")
def test_a_child_process_gets_its_connection_and_then_the_reset(mailnet):
    mailnet.include_children()
    code = f"""
import socket

with socket.create_connection({MX}, timeout=60) as sock:
    try:
        sock.recv(1)
    except ConnectionResetError:
        print("reset")
"""

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout == "reset\n"


@pytest.mark.skipif(
    INTERCEPTION.moved is not None, reason="a connect that does not block is in progress there"
)
@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("connect", ["connect", "connect_ex"])
def test_a_connect_that_does_not_block_succeeds_at_once(connect):
    with socket.socket() as sock:
        sock.settimeout(0)

        assert not getattr(sock, connect)(("192.0.2.10", 25))
