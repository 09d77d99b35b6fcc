"""A client of IMAP that says lines and hears lines, over TLS from the first byte on."""

from __future__ import annotations

import socket
import ssl

import pytest


class Client:
    """One connection; `say` returns what comes up to the tagged response, without the lines' ends.

    Args:
        host: the server.
        port: its port.
        trusted: the PEM of the authority that signs its certificate.
    """

    def __init__(self, host: str, port: int, trusted: str) -> None:
        context = ssl.create_default_context(cadata=trusted)
        plain = socket.create_connection((host, port), timeout=20)
        self._socket = context.wrap_socket(plain, server_hostname=host)
        self._file = self._socket.makefile("rb")
        self.greeting = self.line()
        self._tags = 0

    def line(self) -> str:
        """The next line; a literal in it is left as it is."""
        said = self._file.readline()
        while said.rstrip(b"\r\n").endswith(b"}") and said.rpartition(b"{")[2].rstrip(b"}\r\n").isdigit():
            said += self._file.read(int(said.rpartition(b"{")[2].rstrip(b"}\r\n")))
            said += self._file.readline()
        return said.decode().removesuffix("\r\n")

    def send(self, text: str | bytes) -> None:
        """Send a line, or bytes as they are."""
        self._socket.sendall(text if isinstance(text, bytes) else f"{text}\r\n".encode())

    def say(self, command: str) -> list[str]:
        """Say a command with a tag of its own, and hear everything up to the end of its answer."""
        self._tags += 1
        tag = f"a{self._tags}"
        self.send(f"{tag} {command}")
        heard = [self.line()]
        while heard[-1] and not heard[-1].startswith((f"{tag} ", "+")):
            heard.append(self.line())
        return [it.removeprefix(f"{tag} ") for it in heard]

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()


@pytest.fixture
def shop(mailnet):
    """A server of one's own, with a mailbox."""
    server = mailnet.add_server("mx.shop.example", domain="shop.example")
    server.add_mailbox("alice", password="secret")
    return server


@pytest.fixture
def alice(shop):
    """Her mailbox."""
    return shop.mailbox("alice")


@pytest.fixture
def connect(mailnet):
    """Connects to a host by IMAP over TLS."""
    clients = []

    def connect(host="mx.shop.example", port=993):
        clients.append(Client(host, port, mailnet.ca.pem))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def imap(connect, alice):
    """A session in which Alice has logged in."""
    client = connect()
    assert client.say("LOGIN alice@shop.example secret") == ["OK LOGIN completed"]
    return client


@pytest.fixture
def deliver(mailnet, client_of):
    """Delivers mails to Alice, each with a subject."""

    def deliver(*subjects, to="alice@shop.example", host="mx.shop.example"):
        for subject in subjects:
            client_of(host).sendmail(
                "bob@sender.example", [to], f"From: bob@sender.example\r\nSubject: {subject}\r\n\r\nhello\r\n"
            )

    return deliver


@pytest.fixture
def client_of():
    """A client of SMTP at a host."""
    import smtplib

    opened = []

    def client_of(host):
        opened.append(smtplib.SMTP(host))
        return opened[-1]

    yield client_of
    for it in opened:
        it.quit()
