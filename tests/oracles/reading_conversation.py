"""Sessions of IMAP and POP3 as a client holds them, and what it hears, with what differs by chance taken out."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .reading_structure import heard_line, heard_pop3

__all__ = ["ANOTHER", "Mail", "Opened", "ReadingSession", "Said", "converse", "fill"]

ANOTHER = "2: "
"""What stands before the commands of a second client of the same mailbox."""

Opened = Callable[[str], socket.socket]
"""Opens a connection to a server of "imap" or "pop3"."""

_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n")
_PATIENCE = 20.0  # seconds


class Mail(NamedTuple):
    """A mail that is in the inbox when a session begins.

    Attributes:
        content: its bytes.
        flags: "\\Seen \\Flagged".
        received: its internal date.
    """

    content: bytes
    flags: str = ""
    received: str = "17-Jul-1996 02:44:25 -0700"


@dataclass(frozen=True)
class ReadingSession:
    """What a client says, one command at a time.

    Attributes:
        name: which session it is.
        says: the commands, without tags; literals in them are sent as a client has to, when it is told to go on.
            "DONE" has no tag, "expect TEXT" waits for a line with that, and what begins with "2: " is said by a
            second client, which has logged in and selected the inbox.
        mails: what is in the inbox.
        protocol: "imap" or "pop3".
        begins: what is said before, and not compared; "{user}" is the mailbox.
    """

    name: str
    says: tuple[str | bytes, ...]
    mails: tuple[Mail, ...] = ()
    protocol: str = "imap"
    begins: tuple[str, ...] = ("LOGIN {user} secret", "SELECT INBOX")

    @property
    def commands(self) -> tuple[str, ...]:
        """What is said, as text."""
        return tuple(it if isinstance(it, str) else it.decode("latin-1") for it in self.says)


class Said(NamedTuple):
    """A command, and what was heard.

    Attributes:
        command: as in the session.
        heard: the responses, as `reading_structure` reads them; the last one is the tagged.
    """

    command: str
    heard: tuple[str, ...]


@dataclass
class _Client:
    opened: Opened
    protocol: str
    tags: int = 0
    idling: str = ""
    lines: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = self.opened(self.protocol)
        self.socket.settimeout(_PATIENCE)
        self.file = self.socket.makefile("rb")
        # Dovecot says something more before it is ready, where it is just starting.
        while self.line().startswith(b"* OK Waiting"):
            pass

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def line(self) -> bytes:
        """The next response with its literals; b"" at the end."""
        try:
            whole = said = self.file.readline()
            while found := re.search(rb"\{([0-9]+)\}\r\n$", said):
                whole += self.file.read(int(found[1])) + (said := self.file.readline())
        except ConnectionError:
            return b""
        return whole

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except OSError:  # the server has hung up, which is heard
            return

    def say(self, command: str | bytes) -> list[bytes]:
        text = command if isinstance(command, bytes) else command.encode()
        if self.protocol == "pop3":
            return self._say_pop3(text)
        if text.startswith(b"expect "):
            return self._until(text.removeprefix(b"expect "))
        if text == b"DONE":
            self.send(b"DONE\r\n")
            return self._up_to(self.idling.encode())
        self.tags += 1
        tag = f"a{self.tags}"
        heard: list[bytes] = []
        rest = f"{tag} ".encode() + text + b"\r\n"
        while found := _LITERAL.search(rest):
            self.send(rest[: found.end()])
            rest = rest[found.end() :]
            heard += self._up_to(tag.encode())
            if not heard[-1].startswith(b"+"):
                return heard
        self.send(rest)
        heard += self._up_to(tag.encode())
        if heard[-1].startswith(b"+"):
            self.idling = tag
        return heard

    def _up_to(self, tag: bytes) -> list[bytes]:
        heard = []
        while True:
            heard.append(self.line())
            if not heard[-1] or heard[-1].startswith((tag + b" ", b"+")):
                return heard

    def _until(self, wanted: bytes) -> list[bytes]:
        heard = [self.line()]
        while heard[-1] and wanted not in heard[-1]:
            heard.append(self.line())
        return heard

    def _say_pop3(self, text: bytes) -> list[bytes]:
        self.send(text + b"\r\n")
        heard = [self.line()]
        verb, _, rest = text.upper().partition(b" ")
        several = verb in {b"RETR", b"TOP", b"CAPA"} or (verb in {b"LIST", b"UIDL"} and not rest)
        if several and heard[0].startswith(b"+OK"):
            while heard[-1] not in {b".\r\n", b""}:
                heard.append(self.line())
        return heard


def fill(opened: Opened, user: str, mails: Sequence[Mail]) -> None:
    """Put mails into an inbox."""
    client = _Client(opened, "imap")
    try:
        _agreed(client.say(f"LOGIN {user} secret"))
        for it in mails:
            head = f'APPEND INBOX ({it.flags}) "{it.received}" {{{len(it.content)}}}\r\n'.encode()
            _agreed(client.say(head + it.content))
        client.say("LOGOUT")
    finally:
        client.close()


def _agreed(heard: list[bytes]) -> None:
    assert b" OK" in heard[-1][:20], heard


def converse(opened: Opened, user: str, session: ReadingSession) -> tuple[Said, ...]:
    """Hold a session."""
    if session.mails:
        fill(opened, user, session.mails)
    clients = [_Client(opened, session.protocol)]
    try:
        for it in session.begins:
            clients[0].say(it.format(user=user))
        heard = [_heard(clients, opened, user, session, it) for it in session.says]
        return tuple(map(Said, session.commands, heard))
    finally:
        for client in clients:
            client.close()


def _heard(
    clients: list[_Client], opened: Opened, user: str, session: ReadingSession, text: str | bytes
) -> tuple[str, ...]:
    client = clients[0]
    if isinstance(text, str) and text.startswith(ANOTHER):
        text = text.removeprefix(ANOTHER)
        if len(clients) == 1:
            clients.append(_Client(opened, "imap"))
            for it in (f"LOGIN {user} secret", "SELECT INBOX"):
                _agreed(clients[1].say(it))
        client = clients[1]
    if isinstance(text, str):
        text = text.replace("{user}", user)
    heard = client.say(text)
    return heard_pop3(heard) if session.protocol == "pop3" else heard_line(heard)


def user_of(names: Iterable[str], name: str) -> str:
    """The mailbox of a session."""
    return f"u{list(names).index(name)}"
