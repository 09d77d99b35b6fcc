"""gevent: in processes that it has patched, and used by name. What it shares with eventlet is in green_suite.py."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(not find_spec("gevent"), reason="gevent is not installed")

RESOLVERS = """
import gevent, pytest
from gevent import socket
from gevent.resolver import ares

def test_every_resolver_asks_the_net(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    [address] = mailnet.host("mx.shop.example").addresses

    assert type(gevent.get_hub()._resolver or gevent.get_hub().resolver_class(hub=gevent.get_hub())).__module__ == {module!r}
    assert socket.gethostbyname("mx.shop.example") == address
    assert [query.rcode for query in mailnet.dns.queries] == ["NOERROR"]
    with pytest.raises(socket.gaierror, match="is not in this mailnet"):
        socket.gethostbyname("mx.shop.exampl")

def test_a_resolver_of_c_ares_made_by_hand_asks_the_net_and_really_waits(mailnet):
    mailnet.clock.compress()
    mailnet.add_server("mx.shop.example", domain="shop.example")

    resolver = ares.Resolver(servers=["8.8.8.8"])
    try:
        answer = resolver.getaddrinfo("mx.shop.example", 25, socket.AF_INET)
    finally:
        resolver.close()

    assert answer[0][4] == (mailnet.host("mx.shop.example").addresses[0], 25)
    assert [incident.text for incident in mailnet.journal.incidents] == [
        "a query of gevent's c-ares resolver takes its time: mailnet.clock.compress() cannot shorten it"
    ]
"""

SLIMTA = """
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
    try:
        MxSmtpRelay(connect_timeout=50, command_timeout=50).attempt(letter(), 0)
    except TypeError:
        pytest.skip("this python-slimta calls pycares as it was before its version 5")
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

CHILD = """
from gevent import monkey; monkey.patch_all()
import gevent, smtplib
def send():
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.sendmail("bob@app.example", ["sales@shop.example"], "Subject: hi\\r\\n\\r\\nhello\\r\\n")
gevent.joinall([gevent.spawn(send) for _ in range(5)], raise_error=True)
"""


@pytest.mark.parametrize(
    ("patched", "counts"), [(True, {"passed": 30}), (False, {"passed": 19, "skipped": 11})]
)
def test_greenlets_are_in_the_net(green, patched, counts):
    green("gevent", patched=patched).assert_outcomes(**counts)


@pytest.mark.parametrize("resolver", ["thread", "dnspython", "ares"])
def test_all_resolvers_ask_the_net(green, resolver):
    suite = RESOLVERS.format(module=f"gevent.resolver.{resolver}")

    green("gevent", suite, GEVENT_RESOLVER=resolver).assert_outcomes(passed=2)


@pytest.mark.skipif(
    not (find_spec("slimta") and find_spec("pkg_resources")),
    reason="python-slimta, or the pkg_resources that it imports, is not installed",
)
@pytest.mark.parametrize("patched", [True, False])
def test_python_slimta_relays(green, patched):
    counts = green("gevent", SLIMTA, patched=patched).parseoutcomes()

    assert counts.get("passed", 0) + counts.get("skipped", 0) == 8
    assert not counts.keys() - {"passed", "skipped", "warnings", "warning"}


def test_a_child_that_patches_itself_delivers(mailnet, delivered):
    mailnet.include_children()

    done = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=25, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    delivered(5)
