"""Twisted's mail, and pyOpenSSL, by which it encrypts."""

from __future__ import annotations

import contextlib
import socket

import pytest

pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
from OpenSSL import SSL

HOST = "mx.shop.example"

# A reactor runs once in a process.
TWISTED = """
import pytest
from twisted.internet import defer, endpoints, protocol, reactor, ssl
from twisted.mail import smtp

HOST = "mx.shop.example"
MADE_BEFORE = ssl.optionsForClientTLS(HOST)


def run(work):
    came = []
    reactor.callLater(20, lambda: came.append(TimeoutError()) or reactor.stop())
    reactor.callWhenRunning(lambda: work().addBoth(came.append).addBoth(lambda _: reactor.stop()))
    reactor.run()
    return came[0]


@pytest.fixture
def shop(mailnet):
    shop = mailnet.add_server(HOST, domain="shop.example")
    shop.add_mailbox("alice", password="secret")
    return shop


class Reader(protocol.Protocol):
    def __init__(self):
        self.heard, self.ended = b"", defer.Deferred()

    def dataReceived(self, data):
        self.heard += data
        self.transport.loseConnection()  # which waits for the server's close_notify

    def connectionLost(self, reason):
        self.ended.callback((self.heard, reason.type.__name__))


def read(options):
    end = endpoints.wrapClientTLS(options, endpoints.HostnameEndpoint(reactor, HOST, 465))
    return endpoints.connectProtocol(end, Reader()).addCallback(lambda reader: reader.ended)
"""
SENT_BY_STARTTLS = """
from io import BytesIO

def test_sent(mailnet, shop):
    def send():
        done = defer.Deferred()
        mail = BytesIO(b"Subject: hi\\r\\n\\r\\nhello\\r\\n")
        factory = smtp.ESMTPSenderFactory(
            b"alice", b"secret", "alice@shop.example", "sales@shop.example", mail, done, hostname=HOST
        )
        reactor.connectTCP(HOST, 587, factory)
        return done

    count, results = run(send)

    assert (count, results[0][1]) == (1, 250)
    [message] = shop.mailbox("sales").messages
    assert (message.session.user, message.session.tls[:4]) == ("alice@shop.example", "TLSv")
"""
CLOSED = """
def test_closed(mailnet, shop):
    heard, reason = run(lambda: read(MADE_BEFORE))

    assert (heard[:4], reason) == (b"220 ", "ConnectionDone")
    [session] = mailnet.sessions
    assert session.ended == "client closed the connection"
"""
AUTHORITY_OF_ITS_OWN = """
import asyncio

import trustme

from pytest_mailnet.net.mailnet import life_of

def test_refused(mailnet, shop):
    own = ssl.Certificate.loadPEM(trustme.CA().cert_pem.bytes())

    heard, reason = run(lambda: read(ssl.optionsForClientTLS(HOST, trustRoot=own)))

    assert (heard, reason) == (b"", "Error")
    [session] = mailnet.sessions
    while session.open:  # the server has not read the alert yet, which the client sent last
        life_of(mailnet).engine.run(asyncio.sleep(0))
    assert "the client does not trust the net's authority" in session.ended
"""


@pytest.mark.parametrize(
    "test",
    [SENT_BY_STARTTLS, CLOSED, AUTHORITY_OF_ITS_OWN],
    ids=["sent_by_starttls", "closed_without_quit", "an_authority_of_its_own"],
)
def test_twisted_trusts_the_net_and_ends_its_sessions(pytester, test):
    pytest.importorskip("twisted.internet.ssl", reason="Twisted is not installed")
    pytest.importorskip("service_identity", reason="Twisted compares no names without service_identity")
    pytester.makepyfile(TWISTED + test)

    result = pytester.runpytest_subprocess("-q", timeout=60)

    result.assert_outcomes(passed=1)


def context(trust):
    made = SSL.Context(SSL.TLS_CLIENT_METHOD)
    made.set_verify(SSL.VERIFY_PEER, lambda *_found: bool(_found[-1]))
    trust(made)
    return made


def the_defaults(made):
    made.set_default_verify_paths()


def a_bundle(made):
    made.load_verify_locations(pytest.importorskip("certifi").where())


def nobody(_made):
    pass


@contextlib.contextmanager
def once_connected(made):
    with socket.create_connection((HOST, 465), timeout=None) as sock:
        connection = SSL.Connection(made, sock)
        connection.set_connect_state()
        connection.do_handshake()
        yield connection


@contextlib.contextmanager
def by_its_own_connect(made):
    with socket.socket() as sock:
        connection = SSL.Connection(made, sock)
        connection.connect((HOST, 465))  # and shakes hands when it first reads
        yield connection


each_way = pytest.mark.parametrize(
    "connect", [once_connected, by_its_own_connect], ids=lambda it: it.__name__
)


@each_way
@pytest.mark.parametrize("trust", [the_defaults, a_bundle], ids=lambda it: it.__name__)
def test_pyopenssl_trusts_the_net_by_contexts_that_trust_public_authorities(make_mailnet, trust, connect):
    made_before = context(trust)

    with make_mailnet() as net:
        net.add_server(HOST)
        for made in (made_before, context(trust)):
            with connect(made) as connection:
                assert connection.recv(100) == b"220 mx.shop.example ESMTP\r\n"
                assert connection.get_context() is made


@each_way
def test_pyopenssl_trusts_the_net_by_no_other_contexts(mailnet, connect):
    mailnet.add_server(HOST)

    with pytest.raises(SSL.Error, match="certificate verify failed"), connect(context(nobody)) as connection:
        connection.recv(100)


def test_pyopenssl_does_not_trust_a_net_that_is_not_to_be_trusted(make_mailnet):
    with make_mailnet(trust_ca=False) as net:
        net.add_server(HOST)

        with (
            pytest.raises(SSL.Error, match="certificate verify failed"),
            once_connected(context(the_defaults)),
        ):
            pass


@each_way
def test_pyopenssl_leaves_alone_whoever_does_not_verify(mailnet, connect):
    mailnet.add_server(HOST)
    made = SSL.Context(SSL.TLS_CLIENT_METHOD)
    made.set_verify(SSL.VERIFY_NONE)

    with connect(made) as connection:
        assert connection.recv(100) == b"220 mx.shop.example ESMTP\r\n"
        assert connection.get_context() is made
