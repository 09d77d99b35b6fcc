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

from pytest_mailnet.net.mailnet import life_of

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
    assert [incident.text for incident in life_of(mailnet).journal.incidents] == [
        "a query of gevent's c-ares resolver takes its time: mailnet.clock.compress() cannot shorten it"
    ]
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


def test_a_child_that_patches_itself_delivers(mailnet, delivered):
    mailnet.include_children()

    done = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=25, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    delivered(5)
