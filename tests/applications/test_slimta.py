"""python-slimta: its relays, static and by MX, in a process that gevent has patched and in one that it has not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("slimta", reason="python-slimta is not installed; `tox -e applications` has it")

LAUNCHER = Path(__file__).parent.parent / "entry" / "green_launcher.py"
SUITE = """
import pytest, time
from slimta.envelope import Envelope
from slimta.relay import PermanentRelayError, TransientRelayError
from slimta.relay.smtp.mx import MxSmtpRelay
from slimta.relay.smtp.static import StaticSmtpRelay

STATIC = ("mx.shop.example", 25)

@pytest.fixture
def shop(mailnet):
    shop = mailnet.add_server("mx.shop.example", domain="shop.example")
    # Without patches its TLS is the standard library's, which blocks all of its greenlets.
    mailnet.host("mx.shop.example").extensions.discard("STARTTLS")
    return shop

def letter(to="sales@shop.example"):
    envelope = Envelope("bob@app.example", [to])
    envelope.parse(b"Subject: hi\\r\\n\\r\\nhello\\r\\n")
    return envelope

def relay(*where):
    return StaticSmtpRelay(*where, connect_timeout=50, command_timeout=50)

def test_a_static_relay_delivers(shop):
    relay(*STATIC).attempt(letter(), 0)
    assert len(shop.mailbox("sales").messages) == 1

def test_a_relay_by_mx_delivers(shop, mailnet):
    MxSmtpRelay(connect_timeout=50, command_timeout=50).attempt(letter(), 0)
    assert len(shop.mailbox("sales").messages) == 1
    assert [query.rdtype for query in mailnet.dns.queries][:1] == ["MX"]

def test_a_relay_to_a_real_port_delivers(shop, mailnet):
    where = mailnet.listen("mx.shop.example", 25)
    relay(where.ip, where.port).attempt(letter(), 0)
    assert len(shop.mailbox("sales").messages) == 1

def test_a_relay_is_refused_and_put_off(shop, mailnet):
    shop.on_rcpt("carl@*").reply("550 5.1.1 no").times(1)
    shop.on_message().reply("451 4.3.0 later").times(1)
    with pytest.raises(PermanentRelayError, match="5.1.1"):
        relay(*STATIC).attempt(letter("carl@shop.example"), 0)
    with pytest.raises(TransientRelayError, match="4.3.0"):
        relay(*STATIC).attempt(letter(), 0)

@pytest.mark.parametrize("fault", ["dropped-at-connect", "stalled-at-connect", "stalled-at-ehlo", "stalled-at-rcpt"])
def test_a_relay_meets_its_time_outs_in_no_time(shop, mailnet, fault):
    mailnet.clock.compress()
    mailnet.fail("shop.example", fault)
    began = mailnet.clock.time(), time.monotonic()
    with pytest.raises(TransientRelayError):
        relay(*STATIC).attempt(letter(), 0)
    assert mailnet.clock.time() - began[0] >= 50
    assert time.monotonic() - began[1] < 10
"""


@pytest.mark.parametrize("patched", ["yes", "no"])
def test_its_relays_deliver_are_refused_and_meet_their_time_outs(pytester, monkeypatch, patched):
    monkeypatch.setenv("GREEN", "gevent")
    monkeypatch.setenv("PATCHED", patched)
    pytester.makepyfile(SUITE)

    result = pytester.run(sys.executable, LAUNCHER, "-q", "-p", "no:cacheprovider")

    counts = result.parseoutcomes()
    assert counts.pop("passed") == 8
    assert not counts.keys() - {"warning", "warnings"}  # of python-slimta's own
