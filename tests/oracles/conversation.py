"""How a scripted session is held over a socket, with a real server and with one of the net, and what is heard."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self, TypeAlias

__all__ = ["Heard", "Idle", "Say", "Session", "Step", "Tls", "hold", "told"]

_LAST_LINE = re.compile(rb"(?m)^([0-9]{3})(?!-).*\n")
_FAREWELLS = ("221", "421", "500", "521", "554")  # replies after which some server closes
_SENDING = 20  # seconds


@dataclass(frozen=True)
class Say:
    """Bytes of the client.

    Attributes:
        sent: all that it sends at once.
        replies: so many replies are waited for; what else comes is heard as well.
    """

    sent: bytes
    replies: int = 1


@dataclass(frozen=True)
class Tls:
    """The client's handshake, after a reply that lets it begin; nothing where the reply did not."""


@dataclass(frozen=True)
class Idle:
    """The client says nothing until the server's limit has passed."""


Step: TypeAlias = Say | Tls | Idle


@dataclass(frozen=True)
class Session:
    """What a client does on one connection.

    Attributes:
        name: what it is about, as the list of differences and the record have it.
        steps: one after another, after the banner.
        early: bytes that are sent before the banner has come.
        longest: by server, after how many steps it is left: one that sleeps twice as long after each further command
            is not waited for.
    """

    name: str
    steps: tuple[Step, ...]
    early: bytes = b""
    longest: Mapping[str, int] = field(default_factory=dict)

    def with_server(self, server: str) -> Session:
        """The session as it is held with a server."""
        return replace(self, steps=self.steps[: self.longest.get(server)])


@dataclass(frozen=True)
class Heard:
    """What a client has heard after a step.

    Attributes:
        sent: what it had sent, shortened, as the record shows it; "" before it has sent anything.
        reply: all that came, without what differs from run to run; "" for nothing.
        closed: whether the server has closed the connection.
    """

    sent: str
    reply: str
    closed: bool


def hold(
    session: Session,
    connect: Callable[[], socket.socket],
    masked: Callable[[str], str],
    *,
    patience: float,
    grace: float,
    idle: Callable[[socket.socket], None] | None = None,
) -> tuple[Heard, ...]:
    """Hold a session, up to its end or to that of the connection.

    Args:
        session: the script.
        connect: opens the connection.
        masked: takes what differs from run to run out of a reply.
        patience: seconds in which a reply has to begin.
        grace: seconds in which what belongs to a reply follows it, the end of the connection above all.
        idle: waits until the server's limit has passed; None leaves the session at that.
    """
    with _Client(connect(), patience, grace) as client:
        if session.early:
            client.send(session.early)
        said, closed = client.hear(1)
        heard = [Heard(told(session.early), masked(said), closed)]
        for step in session.steps:
            if heard[-1].closed:
                break
            match step:
                case Say(sent, replies):
                    client.send(sent)
                    said, closed = client.hear(replies)
                    if closed and not said and heard[-1].reply[:3] in _FAREWELLS:
                        # It had been closed already, and the client has only now seen it.
                        heard[-1] = Heard(heard[-1].sent, heard[-1].reply, closed=True)
                        break
                    heard.append(Heard(told(sent), masked(said), closed))
                case Tls():
                    began = heard[-1].reply.startswith("220")
                    said = client.shake_hands() if began else "(none)"
                    heard.append(Heard("(handshake)", said, client.closed))
                case Idle():
                    if idle is None:
                        break
                    idle(client.socket)
                    said, closed = client.hear(1)
                    heard.append(Heard("(nothing)", masked(said), closed))
    return tuple(heard)


def told(sent: bytes) -> str:
    """Bytes as a line of the record: escaped, without the last line end, and with long repetitions shortened."""
    text = sent.removesuffix(b"\r\n").decode("latin-1").encode("unicode_escape").decode()
    text = re.sub(r"(.)\1{9,}", lambda found: f"{found[1]}{{{len(found[0])}}}", text)
    text = re.sub(
        r"(.{2,40}?)\1{4,}", lambda found: f"({found[1]}){{{len(found[0]) // len(found[1])}}}", text
    )
    return text if len(text) <= 110 else f"{text[:80]} … {text[-20:]}"


class _Client:
    def __init__(self, sock: socket.socket, patience: float, grace: float) -> None:
        self.socket = sock
        self.closed = False
        self._patience, self._grace = patience, grace

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.settimeout(_SENDING)
        try:
            self.socket.sendall(data)
        except OSError:
            self.closed = True

    def hear(self, replies: int) -> tuple[str, bool]:
        """All that comes: until there are so many replies, and what follows them at once."""
        heard = b""
        while not self.closed:
            codes = _LAST_LINE.findall(heard)
            enough = len(codes) >= replies
            farewell = bool(codes) and codes[-1].decode() in _FAREWELLS
            grace = self._grace * 3 if farewell else self._grace
            self.socket.settimeout(grace if enough else self._patience)
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                break
            except OSError:
                more = b""
            if not more:
                self.closed = True
            heard += more
        return heard.decode("utf-8", "backslashreplace"), self.closed

    def shake_hands(self) -> str:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket.settimeout(self._patience)
        try:
            self.socket = context.wrap_socket(self.socket)
        except OSError as error:
            self.closed = True
            return f"no TLS: {type(error).__name__}"
        return "TLS"
