"""What several test files use: raw conversations over a socket."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

# How long an example takes says nothing on a machine that does other work too.
settings.register_profile(
    "mailnet",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("mailnet")


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Runs with this plugin alone: loading all that are installed takes longer than most tests."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_mailnet.plugin")
    return pytester


@pytest.fixture
def beside_others(monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester) -> None:
    """Lets `pytester` load all plugins that are installed, as suites of users do."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.delenv("PYTEST_PLUGINS")


class Conversation:
    """A client that says what it is told to, byte by byte, and hears whole replies."""

    def __init__(self, host: str, port: int = 25) -> None:
        self._socket = socket.create_connection((host, port), timeout=10)
        self._lines = self._socket.makefile("rb")
        self.banner = self.reply()

    def reply(self) -> str:
        said = []
        while True:
            line = self._lines.readline().decode()
            said.append(line)
            if line[3:4] != "-":
                return "".join(said)

    def say(self, line: str | bytes) -> str:
        self.send(line if isinstance(line, bytes) else f"{line}\r\n".encode())
        return self.reply()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def encrypt(self, context: ssl.SSLContext | None = None, name: str = "mx.shop.example") -> str:
        """Say STARTTLS and shake hands; return the protocol."""
        assert self.say("STARTTLS")[:3] == "220"
        return self.shake_hands(context, name)

    def shake_hands(self, context: ssl.SSLContext | None = None, name: str = "mx.shop.example") -> str:
        self._lines.close()
        context = context or ssl.create_default_context()
        self._socket = context.wrap_socket(self._socket, server_hostname=name)
        self._lines = self._socket.makefile("rb")
        version = self._socket.version()
        assert version is not None
        return version

    def rest(self) -> bytes:
        """All that comes until the server closes."""
        return self._lines.read()

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


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
