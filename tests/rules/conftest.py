"""A rule by itself: a step to look at, and a provider's evidence without a provider."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pytest_mailnet.clock import Clock
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.mailboxes.account import Account
from pytest_mailnet.mailboxes.mailbox import Mailbox
from pytest_mailnet.record.journal import Journal
from pytest_mailnet.smtp.state import Step
from pytest_mailnet.values import Endpoint


class Surroundings:
    """What a rule is told by its provider; a test fills it in."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.dns = Resolver()
        self.clock = Clock(datetime(2026, 1, 5, 9, 0, tzinfo=UTC))
        self.domains = {"gmail.com"}
        self.mailboxes: dict[str, Mailbox] = {}
        self.senders: dict[str, Any] = {}
        self.trusted: set[str] = set()
        self.dmarc_rfc = 9989
        self._memories: dict[int, Any] = {}

    def is_local(self, domain: str) -> bool:
        return not domain or domain in self.domains

    def mailbox_of(self, address: str) -> Mailbox | None:
        return self.mailboxes.get(address)

    def account_of(self, identity: str) -> Account | None:
        mailbox = self.mailboxes.get(identity)
        return None if mailbox is None else mailbox.account

    def trusts(self, ip: str) -> bool:
        return ip in self.trusted

    def sender_at(self, ip: str) -> Any:
        return self.senders.get(ip)

    def memory(self, rule: object, kind: Callable[[], Any]) -> Any:
        if id(rule) not in self._memories:
            self._memories[id(rule)] = kind()
        return self._memories[id(rule)]


@pytest.fixture
def evidence() -> Surroundings:
    return Surroundings()


@pytest.fixture
def add_mailbox(evidence: Surroundings) -> Callable[[str], Mailbox]:
    """Add a mailbox to the evidence."""

    def add(address: str) -> Mailbox:
        made = Mailbox(address, Account(address, evidence.clock), lambda *_: None)
        return evidence.mailboxes.setdefault(address, made)

    return add


@pytest.fixture
def make_step(evidence: Surroundings) -> Callable[..., Step]:
    """Make a step: what is given goes to its fields."""

    def make(*, ip: str = "203.0.113.7", **fields: Any) -> Step:
        client, server = Endpoint(ip, 40000), Endpoint("192.0.2.1", 25)
        session = evidence.journal.open_session(client, server, "mx.corp.example", "corp")
        return Step(session, client, server, "mx.corp.example", **fields)

    return make


CORP = """
name = "corp"
title = "Corp"
domains = ["corp.example"]

[zone]
source = "own"
text = "corp.example. 300 IN MX 10 mx.corp.example."

[[rules]]
{rule}

[[rules]]
rule = "unknown_mailbox"

[[rules]]
rule = "local_recipient"

[[rules]]
rule = "relaying_denied"

[replies.refused]
stage = "{stage}"
reply = "{reply}"
source = "own"
"""


@pytest.fixture
def corp_with(make_mailnet: Callable[..., Any], tmp_path: Any) -> Any:
    """Make a net with a provider, "corp" with mailboxes for alice and bob, that has one more rule."""
    with contextlib.ExitStack() as stack:

        def make(rule: str, reply: str = "550 5.7.1 No", stage: str = "rcpt") -> Any:
            file = tmp_path / "corp.toml"
            file.write_text(CORP.format(rule=rule, reply=reply, stage=stage))
            net = stack.enter_context(make_mailnet(providers=[file]))
            net.provider("corp").add_mailbox("alice")
            net.provider("corp").add_mailbox("bob")
            return net

        yield make


def converse_with(mx: str = "mx.corp.example", *lines: str) -> list[str]:
    """Say lines to a server; returns what it said to each, and an "" when it hung up."""
    said = []
    with socket.create_connection((mx, 25), timeout=10) as client, client.makefile("rb") as replies:
        for line in ("", *lines):
            if line:
                client.sendall(f"{line}\r\n".encode())
            try:
                heard = [replies.readline()]
            except ConnectionResetError:  # what was said met a closed connection
                heard = [b""]
            while heard[-1][3:4] == b"-":
                heard.append(replies.readline())
            said.append(b"".join(heard).decode().rstrip("\r\n"))
            if not said[-1]:
                break
    return said


@pytest.fixture
def say() -> Callable[..., list[str]]:
    """Say lines to the MX of "corp": returns its banner and what it said to each."""
    return lambda *lines: converse_with("mx.corp.example", *lines)
