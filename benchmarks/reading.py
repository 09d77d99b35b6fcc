"""A large mailbox and short sessions, read by IMAP and POP3 in the net and at Dovecot."""

from __future__ import annotations

import itertools
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from benchmarks.mail import CONTENT
from benchmarks.race import Row, compared, race
from benchmarks.units import milliseconds

__all__ = ["rows"]

_MAILS = 10_000
_BATCH = 500  # mails that are appended without a wait for the answer
_SESSIONS = 20  # a round
_HOST = "mail.shop.example"
_USER, _PASSWORD = "alice", "secret"
_COMMANDS = {
    "SELECT": "SELECT INBOX",
    "flags fetched": "FETCH 1:* (FLAGS)",
    "SEARCH UNSEEN": "SEARCH UNSEEN",
    "UID SEARCH SUBJECT": "UID SEARCH SUBJECT invoice",
}


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare what a mailbox of ten thousand mails takes, and a session that fetches one.

    Args:
        quick: measure sessions alone, in fewer rounds.
    """
    from tests.oracles.reading_dovecot import missing, version

    if reason := missing():
        print(f"reading is left out: {reason}", file=sys.stderr)
        return
    beside = f"Dovecot {version()}"
    contestants = [partial(_sessions, served, it) for it in _SPEAKS for served in (_net, _dovecot)]
    imap, dovecots_imap, pop3, dovecots_pop3 = race(contestants, 7 if quick else 21)
    what = "a session that fetches a mail"
    yield compared(f"{what} by IMAP", beside, [imap, dovecots_imap], milliseconds, None)
    yield compared(f"{what} by POP3", beside, [pop3, dovecots_pop3], milliseconds, None)
    yield compared(f"{what} by IMAP, in the net", "by POP3", [imap, pop3], milliseconds, None)
    if not quick:
        # The commands take turns, so that the mailbox is filled once. The first one has the turn not counted.
        ours, theirs = race([partial(_mailbox, _net), partial(_mailbox, _dovecot)], 11 * len(_COMMANDS))
        for place, name in enumerate(_COMMANDS):
            turns = slice((place - 1) % len(_COMMANDS), None, len(_COMMANDS))
            figures = [ours[turns], theirs[turns]]
            yield compared(f"{name}, {_MAILS:,} mails", beside, figures, milliseconds, None)


@contextmanager
def _mailbox(served: Callable[[], Any]) -> Iterator[Callable[[], float]]:
    """The commands in turn, in an INBOX with many mails, half of them read."""
    with served() as opened:
        client = _Imap(opened("imap"))
        for first in range(0, _MAILS, _BATCH):
            client.append([_mail(it) for it in range(first, first + _BATCH)])
        assert b"* %d EXISTS" % _MAILS in client.say("SELECT INBOX")
        client.say(f"STORE 1:{_MAILS // 2} +FLAGS.SILENT (\\Seen)")
        commands = itertools.cycle(_COMMANDS.values())

        def measure() -> float:
            command = next(commands)
            start = time.perf_counter()
            client.say(command)
            return time.perf_counter() - start

        yield measure
        client.close()


def _mail(number: int) -> bytes:
    """One of ten is about an invoice."""
    subject = b"Invoice" if number % 10 == 0 else b"Greetings"
    return b"X-Number: %d\r\n" % number + CONTENT.replace(b"This is test mail", subject)


@contextmanager
def _sessions(served: Callable[[], Any], protocol: str) -> Iterator[Callable[[], float]]:
    with served() as opened:
        client = _Imap(opened("imap"))
        client.append([_mail(0)])
        client.close()

        def measure() -> float:
            start = time.perf_counter()
            for _ in range(_SESSIONS):
                _SPEAKS[protocol](opened(protocol.lower()))
            return (time.perf_counter() - start) / _SESSIONS

        yield measure


def _by_imap(connection: socket.socket) -> None:
    client = _Imap(connection)
    client.say("SELECT INBOX")
    assert CONTENT[-100:] in client.say("FETCH 1 BODY.PEEK[]")
    client.close()


def _by_pop3(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as file:

        def say(command: str) -> None:
            connection.sendall(f"{command}\r\n".encode())
            assert file.readline().startswith(b"+OK")

        assert file.readline().startswith(b"+OK")
        for command in (f"USER {_USER}", f"PASS {_PASSWORD}", "STAT", "RETR 1"):
            say(command)
        while file.readline() != b".\r\n":
            pass
        say("QUIT")


_SPEAKS = {"IMAP": _by_imap, "POP3": _by_pop3}


class _Imap:
    """A client that looks for the end of an answer alone, so that it takes next to no time itself."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._tags = 0
        while not (greeting := connection.recv(4096)).startswith(b"* OK"):
            assert greeting
        self.say(f"LOGIN {_USER} {_PASSWORD}")

    def say(self, command: str) -> bytes:
        self._tags += 1
        tag = b"a%d " % self._tags
        self._connection.sendall(tag + command.encode() + b"\r\n")
        return self._heard(tag)

    def append(self, mails: list[bytes]) -> None:
        said = bytearray()
        for it in mails:
            self._tags += 1
            said += b"a%d APPEND INBOX {%d+}\r\n%b\r\n" % (self._tags, len(it), it)
        self._connection.sendall(said)
        self._heard(b"a%d " % self._tags)

    def _heard(self, tag: bytes) -> bytes:
        heard = bytearray()
        while True:
            data = self._connection.recv(1 << 20)
            assert data
            heard += data
            last = heard.rfind(b"\n", 0, -1) + 1
            if heard.endswith(b"\r\n") and heard.startswith(tag, last):
                assert heard.startswith(tag + b"OK", last), heard[last:]
                return bytes(heard)

    def close(self) -> None:
        self.say("LOGOUT")
        self._connection.close()


@contextmanager
def _net() -> Iterator[Callable[[str], socket.socket]]:
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net:
        net.add_server(_HOST, domain="shop.example").add_mailbox(_USER, password=_PASSWORD)
        context = ssl.create_default_context()
        yield lambda protocol: _over_tls(context, (_HOST, {"imap": 993, "pop3": 995}[protocol]))


@contextmanager
def _dovecot() -> Iterator[Callable[[str], socket.socket]]:
    import trustme
    from tests.oracles.reading_dovecot import Dovecot

    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    issued = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA)
    with Dovecot.started(issued.private_key_and_cert_chain_pem.bytes()) as running:
        yield lambda protocol: _over_tls(context, running.imaps if protocol == "imap" else running.pop3s)


def _over_tls(context: ssl.SSLContext, address: tuple[str, int]) -> socket.socket:
    return context.wrap_socket(socket.create_connection(address), server_hostname=address[0])
