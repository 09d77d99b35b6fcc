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

from benchmarks.race import Row, race

__all__ = ["rows"]

_NETS = 50_000
_CONNECTIONS = 1_000
_DATAGRAMS = 20_000
_DESCRIPTORS = 8_192
_BLOCKS = 500  # what caches and threads come and go by
_SESSION = (
    b"EHLO app.example\r\nMAIL FROM:<bob@app.example>\r\nRCPT TO:<sales@shop.example>\r\nDATA\r\n"
    b"Subject: hi\r\n\r\nhi\r\n.\r\nQUIT\r\n"
)


def rows() -> Iterator[Row]:
    """Memory after so many nets, mails of so many connections, answers among so many datagrams."""
    [[blocks]] = race([_nets], 1)
    yield Row(
        f"{_NETS:,} nets, memory",
        f"{blocks:+.0f} blocks",
        "1,000 nets",
        "0",
        f"{blocks:+.0f}",
        f"< +{_BLOCKS}",
        blocks < _BLOCKS,
    )
    [[mails]] = race([_connections], 1)
    yield _all(f"{_CONNECTIONS:,} connections at once, mails", mails, _CONNECTIONS)
    [[answers]] = race([_datagrams], 1)
    yield _all(f"{_DATAGRAMS:,} malformed datagrams, answers", answers, _DATAGRAMS // 100)


def _all(what: str, got: float, wanted: int) -> Row:
    return Row(what, f"{got:,.0f}", "sent", f"{wanted:,}", f"{got - wanted:+.0f}", "+0", got == wanted)


@contextmanager
def _nets() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet
    from pytest_mailnet.server.engine import Engine

    engine = Engine()
    rounds = iter((1_000, _NETS - 1_000))  # the first is not counted: what is read and kept once a process

    def measure() -> float:
        before = _allocated()
        for number in range(next(rounds)):
            with MailNet(engine=engine) as net:
                net.add_server("mx.shop.example", domain="shop.example")
                if number % 20 == 0:
                    with socket.create_connection(("mx.shop.example", 25), timeout=10) as client:
                        client.sendall(_SESSION)
                        while client.recv(4096):
                            pass
        return _allocated() - before

    yield measure
    engine.close()


def _allocated() -> int:
    gc.collect()
    return sys.getallocatedblocks()


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
