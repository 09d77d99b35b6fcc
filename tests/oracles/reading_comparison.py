"""Dovecot and a server of the net in the same sessions: what each is heard to say, and what of it differs."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pytest_mailnet import MailNet

from .reading_conversation import Opened, ReadingSession, Said, converse, user_of
from .reading_dovecot import PASSWORD, Dovecot
from .reading_sessions import SESSIONS

__all__ = ["Difference", "Known", "differences", "net", "of_dovecot", "of_net"]

_HOST, _DOMAIN = "mail.shop.example", "shop.example"
_PORTS = {"imap": 993, "pop3": 995}


class Known(NamedTuple):
    """Differences that stay.

    Attributes:
        what: which they are, in a few words.
        reason: why they stay.
        where: the commands that are answered differently, by session.
    """

    what: str
    reason: str
    where: Mapping[str, tuple[str, ...]]

    def covers(self, difference: Difference) -> bool:
        """Whether a difference is one of them."""
        return difference.command in self.where.get(difference.session, ())


class Difference(NamedTuple):
    """A command that the two answer differently.

    Attributes:
        session: the session's name.
        command: what was said.
        dovecot: what Dovecot was heard to say.
        net: what the net was.
    """

    session: str
    command: str
    dovecot: tuple[str, ...]
    net: tuple[str, ...]

    def __str__(self) -> str:
        theirs, ours = _items(self.dovecot), _items(self.net)
        told = [it for it in theirs if it not in ours], [it for it in ours if it not in theirs]
        return f"{self.session}: {self.command}\n  Dovecot {told[0]}\n  net     {told[1]}"


def of_dovecot(dovecot: Dovecot, session: ReadingSession) -> tuple[Said, ...]:
    """Hold a session with Dovecot."""
    ports = {"imap": dovecot.imap, "pop3": dovecot.pop3}
    return converse(
        lambda protocol: socket.create_connection(ports[protocol], timeout=20), _user(session), session
    )


@contextlib.contextmanager
def net() -> Iterator[Opened]:
    """A net with a server of one's own that has the mailboxes of all sessions."""
    made = MailNet(strict=False)
    server = made.add_server(_HOST, domain=_DOMAIN)
    for it in SESSIONS:
        server.add_mailbox(_user(it), password=PASSWORD)
    with made:
        context = ssl.create_default_context(cadata=made.ca.pem)

        def opened(protocol: str) -> socket.socket:
            plain = socket.create_connection((_HOST, _PORTS[protocol]), timeout=20)
            return context.wrap_socket(plain, server_hostname=_HOST)

        yield opened


def of_net(opened: Opened, session: ReadingSession) -> tuple[Said, ...]:
    """Hold a session with the net's server."""
    return converse(opened, _user(session), session)


def differences(name: str, dovecot: Iterable[Said], ours: Iterable[Said]) -> list[Difference]:
    """The commands of a session that are answered differently."""
    return [
        Difference(name, theirs.command, theirs.heard, mine.heard)
        for theirs, mine in zip(dovecot, ours, strict=True)
        if theirs.heard != mine.heard and not _only_a_code_more(theirs.heard, mine.heard)
    ]


def _only_a_code_more(theirs: tuple[str, ...], mine: tuple[str, ...]) -> bool:
    """Whether the net alone gives a response code for its NO (RFC 5530)."""
    return theirs[:-1] == mine[:-1] and theirs[-1] == "NO" and mine[-1].startswith("NO [")


def _items(heard: tuple[str, ...]) -> list[str]:
    """The lines, and of FETCH each item."""
    found = []
    for it in heard:
        head, fetched, items = it.partition(" FETCH { ")
        found += [f"{head} {item}" for item in items.removesuffix(" }").split(" | ")] if fetched else [it]
    return found


def _user(session: ReadingSession) -> str:
    return user_of((it.name for it in SESSIONS), session.name)
