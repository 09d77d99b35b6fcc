"""A server with a user who sends, and the reports that come back to her."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from typing import Any

import pytest

MAIL = b"From: alice@app.example\r\nSubject: hi\r\n\r\nhello\r\n"


@pytest.fixture
def server(mailnet: Any) -> Any:
    """The server at which Alice hands in her mail."""
    return mailnet.add_server("smtp.app.example", domain="app.example", ip="192.0.2.99")


@pytest.fixture
def alice(server: Any) -> Any:
    return server.add_mailbox("alice", password="pw")


@pytest.fixture
def send(alice: Any) -> Callable[..., None]:
    """Hand in a mail of Alice's."""

    def send(
        *recipients: str,
        mail: bytes = MAIL,
        sender: str = "alice@app.example",
        mail_options: tuple[str, ...] = (),
        rcpt_options: tuple[str, ...] = (),
    ) -> None:
        with smtplib.SMTP("smtp.app.example", 587) as client:
            client.starttls()
            client.login("alice", "pw")
            refused = client.sendmail(sender, recipients, mail, mail_options, rcpt_options)
        assert refused == {}

    return send


@pytest.fixture
def add_mx(mailnet: Any) -> Callable[..., Any]:
    """Add an MX host of shop.example, by its preference."""

    def add(host: str, preference: int = 10, **options: Any) -> Any:
        return mailnet.add_server(host, domain="shop.example", preference=preference, **options)

    return add


@pytest.fixture
def mx(add_mx: Callable[..., Any]) -> Any:
    """The one MX host of shop.example."""
    return add_mx("mx.shop.example")


@pytest.fixture
def reports(alice: Any) -> Callable[[], list[Any]]:
    """What the delivery reports in Alice's mailbox say: for each, the fields of its recipients."""

    def read() -> list[Any]:
        told = []
        for message in alice.messages:
            assert message.envelope.mail_from == ""
            _, status, _ = message.parsed.iter_parts()
            told.append([dict(group.items()) for group in status.get_payload()[1:]])
        return told

    return read
