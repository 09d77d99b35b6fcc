"""What a test can get wrong with sessions, messages and queries, and what each mistake is told."""

from __future__ import annotations

import pytest

from pytest_mailnet.errors import ReadOnly, UnknownAttribute

MISUSES = [
    ("session.user = 'alice'", ReadOnly, "'user' of a session can only be read"),
    (
        "session.usr = 'alice'",
        UnknownAttribute,
        "a session has no attribute 'usr' (did you mean 'user'?), and none that can be set",
    ),
    (
        "session.message",
        UnknownAttribute,
        "a session has no attribute 'message': session.messages are those that the server took in it",
    ),
    ("message.content = b''", ReadOnly, "'content' of a message can only be read"),
    (
        "message.headers",
        UnknownAttribute,
        "a message has no attribute 'headers': message['Subject'] is a header field, message.parsed.items() are all",
    ),
    (
        "message.to",
        UnknownAttribute,
        "a message has no attribute 'to': message.recipients are whom RCPT named, message['To'] is the header field",
    ),
    (
        "message.sesion",
        UnknownAttribute,
        "a message has no attribute 'sesion' (did you mean 'session'?)",
    ),
    ("mailnet.dns.queries[0].name = 'x'", ReadOnly, "'name' of a query can only be read"),
]


@pytest.mark.parametrize(("written", "error", "told"), MISUSES, ids=[written for written, *_ in MISUSES])
def test_a_misuse_is_told_where_it_is_written(misuse, written, error, told):
    misuse(written, error, told)
