"""What several rooms' tests use: raw conversations over a socket, and a mail host whose decisions a test lays out."""

from __future__ import annotations

import gc
import importlib.util
import json
import smtplib
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from _pytest.pytester import SysModulesSnapshot
from hypothesis import HealthCheck, settings

from pytest_mailnet import MailNet
from pytest_mailnet.certificates import Authority, Certificate
from pytest_mailnet.clock import Clock
from pytest_mailnet.config import MailNetConfig
from pytest_mailnet.faults import FaultSchedule
from pytest_mailnet.faults.armed import Armed
from pytest_mailnet.providers.catalogue import stock_phrases
from pytest_mailnet.record.journal import Journal
from pytest_mailnet.relay.retries import RetrySchedule
from pytest_mailnet.senders.dkim_key import DkimKey
from pytest_mailnet.smtp.manners import USUAL
from pytest_mailnet.smtp.state import HangUp, Step
from pytest_mailnet.values import Envelope, Reply, Stage

pytest_plugins = ["pytester"]

# How long an example takes says nothing on a machine that does other work too.
settings.register_profile(
    "mailnet",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("mailnet")


def pytest_configure() -> None:
    """Let coverage see the guard: Python traces no audit hook that does not ask for it."""
    if sys.gettrace() is not None:
        add = sys.addaudithook

        def add_traced(hook: Callable[[str, tuple[Any, ...]], object]) -> None:
            def traced(event: str, args: tuple[Any, ...]) -> None:
                hook(event, args)

            traced.__cantrace__ = True  # type: ignore[attr-defined]
            add(traced)

        sys.addaudithook = add_traced


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Runs with this plugin alone: loading all that are installed takes longer than most tests."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_mailnet.plugin")

    def stays(name: str) -> bool:
        file = getattr(sys.modules[name], "__file__", None)
        return file is None or not Path(file).is_relative_to(pytester.path)

    # A run in this process takes a tenth of the time of one in a process of its own. What it has imported besides its
    # own files is not to be forgotten, as pytester would have it: a second dnspython has other exceptions.
    monkeypatch.setattr(
        pytester, "_Pytester__take_sys_modules_snapshot", lambda: SysModulesSnapshot(preserve=stays)
    )
    # Nor at the end of the test: the package would go on patching the dnspython that is gone.
    monkeypatch.setattr(pytester, "_sys_modules_snapshot", SysModulesSnapshot(preserve=stays))
    return pytester


@pytest.fixture
def beside_others(monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester) -> None:
    """Lets `pytester` load all plugins that are installed, as suites of users do."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_PLUGINS")


class Conversation:
    """A client that says what it is told to, byte by byte, and hears whole replies."""

    def __init__(self, host: str, port: int = 25) -> None:
        self.socket = socket.create_connection((host, port), timeout=10)
        self.lines = self.socket.makefile("rb")
        self.banner = self.reply()

    def reply(self) -> str:
        said = []
        while True:
            line = self.lines.readline().decode()
            said.append(line)
            if line[3:4] != "-":
                return "".join(said)

    def say(self, line: str | bytes) -> str:
        self.send(line if isinstance(line, bytes) else f"{line}\r\n".encode())
        return self.reply()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def encrypt(self, context: ssl.SSLContext | None = None, name: str = "mx.shop.example") -> str:
        """Say STARTTLS and shake hands; return the protocol."""
        assert self.say("STARTTLS")[:3] == "220"
        return self.shake_hands(context, name)

    def shake_hands(self, context: ssl.SSLContext | None = None, name: str = "mx.shop.example") -> str:
        self.lines.close()
        context = context or ssl.create_default_context()
        self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self.lines = self.socket.makefile("rb")
        version = self.socket.version()
        assert version is not None
        return version

    def rest(self) -> bytes:
        """All that comes until the server closes."""
        return self.lines.read()

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


@pytest.fixture
def script() -> Callable[[Path], Any]:
    """Load a file that stands beside tests and is run by hand, as a module."""

    def load(path: Path) -> Any:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def check_json() -> Callable[[str, object], None]:
    """Check what was read from JSON against the schema of docs/reference/schemas that has a name."""
    from jsonschema import Draft202012Validator

    folder = Path(__file__).parent.parent / "docs" / "reference" / "schemas"

    def check(name: str, told: object) -> None:
        schema = json.loads((folder / f"{name}.schema.json").read_text("utf-8"))
        Draft202012Validator(schema).validate(told)

    return check


@pytest.fixture
def converse() -> Iterator[Callable[..., Conversation]]:
    """Open conversations that are closed after the test."""
    opened = []

    def open_one(host: str, port: int = 25) -> Conversation:
        opened.append(Conversation(host, port))
        return opened[-1]

    yield open_one
    for conversation in opened:
        conversation.close()


@pytest.fixture
def shop(mailnet):
    """A plain server of the net, mx.shop.example."""
    return mailnet.add_server("mx.shop.example", domain="shop.example")


@pytest.fixture
def client(shop, converse):
    """A conversation with mx.shop.example that has got past EHLO."""
    conversation = converse("mx.shop.example")
    conversation.say("EHLO app.example")
    return conversation


class Decider:
    """A mail host without a net: decides what `answers` has for a stage, an answer or a function of the step."""

    hostname = "mx.shop.example"
    certificate = Certificate.VALID

    def __init__(self) -> None:
        self.answers: dict[Stage, Reply | HangUp | Callable[[Step], Reply | HangUp | None]] = {}
        self.extensions: tuple[str, ...] | None = ("SIZE 1000", "8BITMIME", "SMTPUTF8")
        self.delivered: list[tuple[Envelope, bytes]] = []
        self.failures: list[tuple[Stage, Exception]] = []
        self.challenges_tokens = True
        self.faults = Armed(threading.Lock())
        self.clock = Clock()
        self.manners = USUAL
        self.authority = Authority()
        self.phrases = {condition: phrase.reply for condition, phrase in stock_phrases().items()}

    def phrase(self, condition: str) -> Reply:
        return self.phrases[condition]

    def extension_lines(self, step: Step) -> tuple[str, ...] | None:
        return self.extensions

    def begins_with_tls(self, port: int) -> bool:
        return port == 465

    def speaks_lmtp(self, port: int) -> bool:
        return port == 24

    def tls_context(self, certificate: Certificate) -> ssl.SSLContext:
        return self.authority.context(self.hostname, certificate)

    def user_of(self, identity: str) -> str:
        return f"{identity}@shop.example"

    def has_mailbox(self, address: str) -> bool | None:
        return address.startswith("a") if address.endswith("@shop.example") else None

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
def decider() -> Decider:
    """A host, mx.shop.example, for a dialogue or a server without a net."""
    return Decider()


@pytest.fixture
def journal() -> Journal:
    """The record of what has no net."""
    return Journal()


@pytest.fixture
def held(make_mailnet: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """What a test holds, by the names that the tables of misuse have for it."""
    with make_mailnet(strict=False, start=datetime(2026, 11, 28, 12, 0, tzinfo=UTC)) as net:
        shop = net.add_server("mx.shop.example", domain="shop.example")
        alice = net.gmail.add_mailbox("alice")
        with smtplib.SMTP("mx.shop.example") as client:
            client.sendmail("bob@sender.example", ["alice@shop.example"], "Subject: x\r\n\r\nx")
        yield {
            "mailnet": net,
            "shop": shop,
            "alice": alice,
            "host": net.host("mx.shop.example"),
            "session": net.sessions[0],
            "message": net.messages[0],
            "key": DkimKey("shop.example", "mailnet", ""),
            "MailNet": MailNet,
            "MailNetConfig": MailNetConfig,
            "FaultSchedule": FaultSchedule,
            "RetrySchedule": RetrySchedule,
            "datetime": datetime,
            "timedelta": timedelta,
        }


@pytest.fixture
def misuse(held: dict[str, Any]) -> Callable[[str, type[Exception], str], None]:
    """Run what a test has written, and hold the error against what it is to be, to the letter.

    In the tables of misuse "…" stands for a list that grows with the catalogue or the settings, and for what
    newer Pythons add.
    """

    def run(written: str, error: type[Exception], told: str) -> None:
        with pytest.raises(error) as raised:
            exec(written, held)  # noqa: S102

        begins, _, ends = told.partition("…")
        assert type(raised.value) is error
        assert str(raised.value) == told or ("…" in told and str(raised.value).startswith(begins))
        assert str(raised.value).endswith(ends)

    return run


@pytest.fixture
def bounce(tmp_path: Path) -> Path:
    """A file with a bounce of Postfix in it."""
    path = tmp_path / "bounce.eml"
    path.write_text(BOUNCE)
    return path


BOUNCE = """\
Return-Path: <>
From: MAILER-DAEMON@relay.sender.example (Mail Delivery System)
To: bob@sender.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

This is the mail system at host relay.sender.example.

<alice@shop.example>: host mx.shop.example[192.0.2.8] said: 550-5.1.1
    <alice@shop.example>: nobody 550 5.1.1 here (in reply to RCPT TO command)

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.sender.example

Final-Recipient: rfc822; alice@shop.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.shop.example
Diagnostic-Code: smtp; 550-5.1.1 <alice@shop.example>: nobody 550 5.1.1 here

--b1
Content-Type: text/rfc822-headers

Return-Path: <bob@sender.example>
Subject: Order 7

--b1--
"""


@pytest.fixture
def leaked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """What nobody has closed, as the collector finds it; what it finds by the test's end fails no other test."""

    def collect() -> list[str]:
        gc.collect()
        return found

    found: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda it: found.append(str(it.exc_value)))
    yield collect
    gc.collect()
