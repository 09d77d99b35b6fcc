"""What the real servers and the net's say to the same sessions, side by side."""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import re
import socket
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from pytest_mailnet import MailNet
from pytest_mailnet.errors import ExpectationFailed

from .conversation import Heard, Session, hold
from .masks import masked
from .servers import HOSTNAME, IDLE, Real

__all__ = ["Difference", "Heards", "Listed", "ask_net", "ask_real", "differences", "read_list"]

_AT_ONCE = 12  # sessions with a real server; Exim takes 20 connections, and not more
_ERAS = {"postfix": "3.7"}  # of the suite's packages, where today's is another
_POSTMASTER = ("postfix", "exim", "opensmtpd")  # whose packages write it into /etc/aliases
_NO_IDLE_LIMIT = ("opensmtpd",)  # five minutes, which no setting changes

_REPLY = re.compile(r"(?:[0-9]{3}-[^\n]*\n)*[^\n]+")

Heards = dict[str, tuple[Heard, ...]]


@dataclass(frozen=True)
class Difference:
    """One step after which a real server and the net's are heard to say something else.

    Attributes:
        server: "postfix".
        session: the session's name.
        sent: what the client had sent, as in `Heard`.
        real: what the real server said; see `_shown`.
        ours: what the net's server said.
    """

    server: str
    session: str
    sent: str
    real: str
    ours: str


@dataclass(frozen=True)
class Listed:
    """A difference that is known, and why it stays; `*` stands for anything.

    Attributes:
        kind: what the difference is, in a few words.
        server: whose; "*" for all.
        session: in which sessions.
        sent: after what.
        real: what the real server says.
        ours: what the net's server says.
        reason: why it is not mended.
    """

    kind: str
    server: str
    real: str
    ours: str
    reason: str
    session: str = "*"
    sent: str = "*"

    def covers(self, difference: Difference) -> bool:
        """Whether this is that difference."""
        parts = ("server", "session", "sent", "real", "ours")
        return all(_like(getattr(difference, it), getattr(self, it)) for it in parts)


def ask_real(real: Real, sessions: Iterable[Session]) -> Heards:
    """Hold the sessions with a real server, several at once."""

    def wait_for_the_limit(client: socket.socket) -> None:
        client.settimeout(IDLE * 3)
        with contextlib.suppress(OSError):  # what there is, or is not, is heard then
            client.recv(1, socket.MSG_PEEK)

    def ask(session: Session) -> tuple[str, tuple[Heard, ...]]:
        idle = None if real.name in _NO_IDLE_LIMIT else wait_for_the_limit
        mask = functools.partial(masked, real.name)
        told = hold(session.with_server(real.name), real.connect, mask, patience=6, grace=0.12, idle=idle)
        return session.name, told

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return dict(threads.map(ask, sessions))


def ask_net(server: str, sessions: Iterable[Session]) -> tuple[Heards, str]:
    """Hold the sessions with the net's server of that name; return what failed in the net too, "" for nothing."""
    heard: Heards = {}
    try:
        with MailNet() as net:
            _hold_all(net, server, sessions, heard)
    except ExpectationFailed as failure:  # told at the net's end, when all has been heard
        return heard, str(failure)
    return heard, ""


def _hold_all(net: MailNet, server: str, sessions: Iterable[Session], heard: Heards) -> None:
    if server in _ERAS:
        net.provider(server, era=_ERAS[server])
    domain = net.add_domain("shop.example", on=server)
    domain.add_mailbox("a@shop.example")
    if server in _POSTMASTER:
        domain.add_mailbox("postmaster@shop.example")
    net.sender.ptr = "client.sender.example"
    mask = functools.partial(masked, server)

    def connect() -> socket.socket:
        return socket.create_connection((HOSTNAME, 25), timeout=10)

    def pass_the_limit(client: socket.socket) -> None:
        net.clock.advance(hours=2)

    idle = None if server in _NO_IDLE_LIMIT else pass_the_limit
    for it in sessions:
        heard[it.name] = hold(it.with_server(server), connect, mask, patience=2, grace=0.002, idle=idle)


def differences(
    server: str, session: str, real: tuple[Heard, ...], ours: tuple[Heard, ...]
) -> list[Difference]:
    """The replies of a session that differ, up to where one of the two has ended it."""
    found = []
    for theirs, our in zip_longest(real, ours):
        if theirs != our:
            sent = (theirs or our).sent
            for reply, own in zip_longest(_shown(theirs), _shown(our), fillvalue="(nothing)"):
                if reply != own:
                    found.append(Difference(server, session, sent, reply, own))
            if (theirs is None or theirs.closed) != (our is None or our.closed):
                break
    return list(dict.fromkeys(found))


def read_list(file: Path) -> tuple[Listed, ...]:
    """The differences that are known."""
    return tuple(Listed(**entry) for entry in tomllib.loads(file.read_text("utf-8")).get("difference", ()))


def _shown(heard: Heard | None) -> list[str]:
    """The replies of a step, one by one, and whether the connection is then closed."""
    if heard is None:
        return ["(not asked)"]
    replies = _REPLY.findall(heard.reply) or ["(nothing)"]
    return [*replies[:-1], replies[-1].rstrip("\n") + (" (closes)" if heard.closed else "")]


@functools.lru_cache(maxsize=4096)
def _like(text: str, pattern: str) -> bool:
    # Only the asterisk is special: replies have brackets of their own.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]").replace("?", "[?]"))
