"""The facts about how users read their mail at a provider: its file NAME.reading.toml."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from pytest_mailnet.mailboxes.shelf import PLAIN, FolderLayout

__all__ = [
    "NO_READING",
    "Passwords",
    "Protocol",
    "ReadingFacts",
    "ReadingServers",
    "SourcedText",
    "plain_reading",
]

Protocol: TypeAlias = Literal["IMAP", "POP3"]

Passwords: TypeAlias = Literal["usual", "app", "never"]
"""Which passwords log in: the account's own (or an app password, where it has two-step verification), only
app passwords, or none, since only tokens do."""


class SourcedText(NamedTuple):
    """What a server says, with its source.

    Attributes:
        text: the text, its variables unfilled.
        source: the public page, file or capture that it was taken from.
        year: the year of the source; None if unknown.
    """

    text: str
    source: str
    year: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ReadingServers:
    """The facts about a provider's servers of one protocol.

    Attributes:
        name: what messages call them: "gmail.imap".
        protocol: "IMAP" or "POP3".
        hosts: their names.
        ports: the ports that they listen on.
        tls_ports: those of them that are for TLS from the first byte on.
        capabilities: what they can do before a log-in, in their order.
        capabilities_after_login: what they can do after it.
        words: their status responses, by condition.
        lines: their other lines, by name.
        passwords: which passwords log in.
        idle_seconds: how long a client may be silent; 0 for as long as it likes.
        connections: how many connections a user may have at a time; 0 for any number.
        daily_octets: how many octets a user may fetch in a day; 0 for any number.
        needs_tls: whether POP3 offers no log-in before TLS; IMAP has the capability LOGINDISABLED for that.
        needs_id: whether folders are opened only for a client that has given ID (RFC 2971).
        lets_disabled_in: whether a user whose account has the protocol disabled logs in, and is refused then.
        also: the names of other providers whose users log in here too.
    """

    name: str
    protocol: Protocol
    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    tls_ports: tuple[int, ...]
    capabilities: tuple[str, ...]
    capabilities_after_login: tuple[str, ...]
    words: Mapping[str, SourcedText]
    lines: Mapping[str, SourcedText]
    passwords: Passwords = "usual"
    idle_seconds: int = 1800
    connections: int = 0
    daily_octets: int = 0
    needs_tls: bool = False
    needs_id: bool = False
    lets_disabled_in: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ReadingFacts:
    """The facts about how users read their mail at a provider.

    Attributes:
        layout: the folders that they have.
        imap, pop3: the servers; None where it has none.
    """

    layout: FolderLayout = PLAIN
    imap: ReadingServers | None = None
    pop3: ReadingServers | None = None

    @property
    def servers(self) -> tuple[ReadingServers, ...]:
        """The servers of both protocols."""
        return tuple(it for it in (self.imap, self.pop3) if it is not None)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of all hosts, each once."""
        return tuple(dict.fromkeys(host for it in self.servers for host in it.hosts))

    def at(self, host: str, port: int) -> ReadingServers | None:
        """The servers to which a port of a host belongs; None for none."""
        return next((it for it in self.servers if host in it.hosts and port in it.ports), None)


NO_READING = ReadingFacts()
"""Those of a provider at which no mail is read."""


def plain_reading(name: str, stock: ReadingFacts) -> ReadingFacts:
    """Those of a test's own mail server, in the words of the RFCs.

    Args:
        name: its host name.
        stock: these words.
    """
    own = {
        it.protocol: dataclasses.replace(it, name=f"{name}.{it.protocol.lower()}", hosts=(name,))
        for it in stock.servers
    }
    return ReadingFacts(PLAIN, own.get("IMAP"), own.get("POP3"))
