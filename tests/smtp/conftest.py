"""A service whose decisions a test lays out, and a mail server that serves it on a real port."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest

from pytest_mailnet.certificates import Authority, Certificate
from pytest_mailnet.faults.armed import Armed
from pytest_mailnet.providers.catalogue import stock_phrases
from pytest_mailnet.record.journal import Journal
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.smtp_server import MailService
from pytest_mailnet.smtp.commands import OwnDialogue, answer_command
from pytest_mailnet.smtp.state import HangUp, Step
from pytest_mailnet.values import Endpoint, Envelope, Reply, Stage

CLIENT = Endpoint("203.0.113.7", 40000)
SERVER = Endpoint("192.0.2.27", 25)


_WORDS = {
    Stage.EHLO: "EHLO app.example",
    Stage.STARTTLS: "STARTTLS",
    Stage.AUTH: "AUTH PLAIN AGFsaWNlAHNlY3JldA==",
    Stage.MAIL: "MAIL FROM:<bob@b.example>",
    Stage.RCPT: "RCPT TO:<alice@shop.example>",
    Stage.DATA: "DATA",
}
_ON_THE_WAY = [Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE]


class Shop:
    """Decides what `answers` has for a stage: an answer, or a function of the step."""

    hostname = "mx.shop.example"
    certificate = Certificate.VALID

    def __init__(self) -> None:
        self.answers: dict[Stage, Reply | HangUp | Callable[[Step], Reply | HangUp | None]] = {}
        self.extensions: tuple[str, ...] | None = ("SIZE 1000", "8BITMIME", "SMTPUTF8")
        self.delivered: list[tuple[Envelope, bytes]] = []
        self.failures: list[tuple[Stage, Exception]] = []
        self.challenges_tokens = True
        self.faults = Armed(threading.Lock())
        self.authority = Authority()
        self.phrases = {condition: phrase.reply for condition, phrase in stock_phrases().items()}

    def phrase(self, condition: str) -> Reply:
        return self.phrases[condition]

    def extension_lines(self, step: Step) -> tuple[str, ...] | None:
        return self.extensions

    def tls_context(self, certificate: Certificate) -> ssl.SSLContext:
        return self.authority.context(self.hostname, certificate)

    def user_of(self, identity: str) -> str:
        return f"{identity}@shop.example"

    def decide(self, stage: Stage, step: Step) -> Reply | HangUp | None:
        answer = self.answers.get(stage)
        return answer(step) if callable(answer) and not isinstance(answer, Reply) else answer

    def deliver(self, _step: Step, envelope: Envelope, content: bytes) -> None:
        self.delivered.append((envelope, content))

    def value_of(self, step: Step, variable: str) -> str:
        values = {"server": self.hostname, "queue_id": "4Xy", "helo": step.helo, "ip": step.client.ip}
        return values.get(variable, "{" + variable + "}")

    def failed(self, error: Exception, stage: Stage, _step: Step) -> None:
        self.failures.append((stage, error))


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def journal() -> Journal:
    return Journal()


class Talk:
    """A dialogue without a socket."""

    def __init__(self, shop: Shop, journal: Journal) -> None:
        self._shop = shop
        self.session = journal.open_session(CLIENT, SERVER, shop.hostname, "shop")
        self.step = Step(self.session, CLIENT, SERVER, shop.hostname)
        self.dialogue = OwnDialogue(shop, self.step, journal)

    def say(self, *lines: str) -> str:
        """Say each line, and return the reply to the last."""
        return [answer_command(self.dialogue, f"{line}\r\n".encode()).decode() for line in lines][-1]

    def go_to(self, stage: Stage) -> None:
        """Go on until the next thing said is of that stage."""
        if stage is Stage.CONNECT:
            return
        self.dialogue.greet()
        for earlier in _ON_THE_WAY[: _ON_THE_WAY.index(stage) if stage in _ON_THE_WAY else 1]:
            assert self.say(_WORDS[earlier])[0] in "23"
        if stage in {Stage.STARTTLS, Stage.AUTH}:
            self._shop.extensions = ("STARTTLS", "AUTH PLAIN")

    def content(self, content: bytes) -> str:
        """Say the content that follows DATA, and return the reply to it."""
        reading = self.dialogue.reading
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        assert reading.feed(stuffed + b".\r\n") == b""
        return self.dialogue.content().decode()

    def do(self, stage: Stage) -> str:
        """Do what brings the stage about."""
        match stage:
            case Stage.CONNECT:
                return self.dialogue.greet().decode()
            case Stage.MESSAGE:
                return self.content(b"Subject: hi\r\n")
            case _:
                return self.say(_WORDS[stage])


@pytest.fixture
def new_talk() -> type[Talk]:
    """For tests that hold many dialogues."""
    return Talk


@pytest.fixture
def talk(shop: Shop, journal: Journal) -> Talk:
    return Talk(shop, journal)


@pytest.fixture
def welcomed(talk: Talk) -> Talk:
    """A dialogue that has got past EHLO."""
    talk.go_to(Stage.MAIL)
    return talk


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
def running(shop: Shop, journal: Journal, departures: Departures) -> Iterator[Running]:
    server = Running(MailService(shop, "shop", journal, departures))
    server.start()
    yield server
    server.stop()
