"""What a net endures: very many nets in one run, connections at once, and datagrams that are none."""

from __future__ import annotations

import contextlib
import gc
import random
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks.race import Row, Way, compared, race
from benchmarks.units import plain

__all__ = ["rows"]

_FEW_NETS = 1_000
_NETS = 50_000
_CONNECTIONS = 1_000
_DATAGRAMS = 20_000
_DESCRIPTORS = 8_192
_SESSION = (
    b"EHLO app.example\r\nMAIL FROM:<bob@app.example>\r\nRCPT TO:<sales@shop.example>\r\nDATA\r\n"
    b"Subject: hi\r\n\r\nhi\r\n.\r\nQUIT\r\n"
)


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare blocks of memory after many nets with those after few, and what came back with what was sent.

    Args:
        quick: measure nothing, since it takes minutes.
    """
    if quick:
        return
    # One block that each net leaves behind would make it 1.1. The limit leaves what caches come and go by.
    few, many = race([partial(_nets, it) for it in (_FEW_NETS, _NETS)], 1)
    beside = f"after {_FEW_NETS:,} nets"
    yield compared(f"memory after {_NETS:,} nets, blocks", beside, [many, few], plain, 1.01, way=Way.NUMBER)
    for what, contestant, sent in (
        (f"{_CONNECTIONS:,} connections at once, mails taken", _connections, _CONNECTIONS),
        (f"questions among {_DATAGRAMS:,} malformed datagrams, answers", _datagrams, _DATAGRAMS // 100),
    ):
        [got] = race([contestant], 1)
        yield compared(what, "sent", [got, [float(sent)]], plain, 1, way=Way.MORE)


@contextmanager
def _nets(count: int) -> Iterator[Callable[[], float]]:
    """The blocks that Python has allocated after so many nets."""
    from pytest_mailnet.net.mailnet import MailNet
    from pytest_mailnet.server.engine import Engine

    engine = Engine()
    rounds = iter((_FEW_NETS, count - _FEW_NETS))  # the first is the one that is not counted

    def measure() -> float:
        for number in range(next(rounds)):
            with MailNet(engine=engine) as net:
                net.add_server("mx.shop.example", domain="shop.example")
                if number % 20 == 0:
                    with socket.create_connection(("mx.shop.example", 25), timeout=10) as client:
                        client.sendall(_SESSION)
                        while client.recv(4096):
                            pass
        gc.collect()
        return sys.getallocatedblocks()

    yield measure
    engine.close()


@contextmanager
def _connections() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_DESCRIPTORS, most), most))

    def measure() -> float:
        with MailNet() as net, contextlib.ExitStack() as opened:
            net.add_server("mx.shop.example", domain="shop.example")
            clients = [
                opened.enter_context(socket.create_connection(("mx.shop.example", 25), timeout=60))
                for _ in range(_CONNECTIONS)
            ]
            for client in clients:
                client.sendall(_SESSION)
            for client in clients:
                while client.recv(4096):
                    pass
            return len(net.messages)

    yield measure


@contextmanager
def _datagrams() -> Iterator[Callable[[], float]]:
    import dns.exception
    import dns.message
    import dns.query

    from pytest_mailnet.net.mailnet import MailNet

    question = dns.message.make_query("shop.example", "MX")

    def measure() -> float:
        chosen, answers = random.Random(7), 0
        with MailNet() as net, socket.socket(type=socket.SOCK_DGRAM) as sock:
            net.add_server("mx.shop.example", domain="shop.example")
            for number in range(_DATAGRAMS):
                sock.sendto(_malformed(chosen, question.to_wire()), ("8.8.8.8", 53))
                if number % 100 == 0:
                    with contextlib.suppress(dns.exception.Timeout):
                        answers += len(dns.query.udp(question, "8.8.8.8", timeout=10).answer)
        return answers

    yield measure


def _malformed(chosen: random.Random, question: bytes) -> bytes:
    data = bytearray(question if chosen.random() < 0.5 else chosen.randbytes(chosen.randrange(1, 600)))
    for _ in range(chosen.randrange(1, 5)):
        data[chosen.randrange(len(data))] = chosen.randrange(256)
    return bytes(data[: chosen.randrange(len(data) + 1)] if chosen.random() < 0.3 else data)
