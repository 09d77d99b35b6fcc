"""The exchanges of a session that has ended: kept in little room, and the same as before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.record.session import Exchange, Finding, Message, Session, add_exchange, add_message, fold
from pytest_mailnet.values import Endpoint, Envelope, Stage

EXCHANGES = st.lists(
    st.builds(
        Exchange,
        st.floats(0, 1e6),
        st.none() | st.sampled_from(Stage),
        st.binary(max_size=40),
        st.binary(max_size=40),
        st.none() | st.builds(Finding, st.text(max_size=9), st.text(max_size=9)),
    ),
    max_size=9,
)


def opened(exchanges=()):
    session = Session(
        0.0, 1, Endpoint("203.0.113.7", 4711), Endpoint("192.0.2.10", 25), "mx.shop.example", "shop"
    )
    for exchange in exchanges:
        add_exchange(session, exchange)
    return session


@pytest.fixture
def taken():
    """A session in which a mail was taken."""
    content = b"Subject: hi\r\n\r\n" + b"hello\r\n" * 200
    session = opened(
        [
            Exchange(0.1, Stage.DATA, b"DATA\r\n", b"354 go\r\n"),
            Exchange(0.2, Stage.MESSAGE, content, b"250 OK\r\n"),
        ]
    )
    add_message(Message(Envelope("", ("sales@shop.example",)), content, session, datetime.now(UTC), "shop"))
    return session


@given(EXCHANGES)
def test_a_folded_session_has_the_same_exchanges(exchanges):
    session = opened(exchanges)

    fold(session)
    fold(session)

    assert session.exchanges == exchanges
    assert [type(it.stage) for it in session.exchanges] == [type(it.stage) for it in exchanges]
    assert [type(it.finding) for it in session.exchanges] == [type(it.finding) for it in exchanges]


def test_the_content_of_a_mail_is_kept_once(taken):
    before = str(taken)

    fold(taken)

    assert taken.exchanges[-1].request is taken.messages[0].content
    assert str(taken) == before


def test_what_a_hook_says_after_the_end_is_kept_too(taken):
    fold(taken)

    add_exchange(taken, Exchange(0.3, None, b"NOOP\r\n", b"250 OK\r\n"))

    assert [it.request for it in taken.exchanges][-1] == b"NOOP\r\n"
    assert len(taken.exchanges) == 3


def test_a_session_of_the_net_is_folded_when_it_ends(mailnet, shop, client):
    [session] = mailnet.sessions

    client.say("QUIT")
    client.rest()

    assert session.exchanges is not session.exchanges
    assert [it.request for it in session.exchanges] == [b"", b"EHLO app.example\r\n", b"QUIT\r\n"]
