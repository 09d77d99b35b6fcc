"""Debian's mail servers send in a net: they find MX hosts, deliver, retry and bounce by themselves."""

from __future__ import annotations

import smtplib

import pytest

from .sending import SENDERS, running

pytestmark = pytest.mark.timeout(180)
BOUNCES = "mx.app.example"


@pytest.fixture
def net(mailnet, mailnet_process):
    """A net with Alice's mailbox, and a server that takes the bounces to Bob."""
    mailnet.gmail.add_mailbox("alice")
    mailnet.add_server(BOUNCES, domain="app.example")
    return mailnet


@pytest.fixture(params=SENDERS)
def sending(request, net, systems, tmp_path):
    """Each server, running in the net."""
    with running(net, request.param, systems, tmp_path) as server:
        yield server


@pytest.fixture
def pub(net):
    """A domain with one host, which senders cannot pass over for another."""
    return net.add_server("mx.pub.example", domain="pub.example")


def bounce_of(net):
    """The text of the one bounce that has come."""
    net.wait_for_messages(timeout=30)
    [message] = net.messages
    assert message.envelope.mail_from == ""
    assert message.envelope.rcpt_tos == ("bob@app.example",)
    return " ".join(message.content.decode().split())


def test_a_mail_is_delivered_where_mx_records_say(net, sending):
    sending.send("alice@gmail.com")

    [message] = net.wait_for_messages(timeout=30)
    assert (message.provider, message.envelope.mail_from) == ("gmail", "bob@app.example")
    assert message.session.client.ip == net.sender.ip
    assert "gmail.com" in {query.name for query in net.dns.queries if query.rdtype == "MX"}


def test_a_refusal_comes_back_in_the_providers_words(net, sending):
    sending.send("carl@gmail.com")

    assert "The email account that you tried to reach does not exist" in bounce_of(net)


def test_a_domain_that_does_not_exist_is_bounced(net, sending):
    sending.send("carl@nowhere.example")

    assert "nowhere.example" in bounce_of(net)


def test_a_451_is_tried_again(net, pub, sending):
    pub.on_rcpt().reply("451 4.3.0 Try again later").times(1)

    sending.send("alice@pub.example")
    sending.retry()

    [message] = net.wait_for_messages(timeout=30)
    assert message.provider == "mx.pub.example"
    assert "451 4.3.0 Try again later" in "".join(net.sessions[0].replies)


def test_a_look_up_that_fails_for_now_is_tried_again(net, sending):
    failing = net.dns.fail("gmail.com", "SERVFAIL")

    sending.send("alice@gmail.com")
    sending.wait_until(lambda: sending.has_put_off)
    assert net.messages == []
    failing.end()
    sending.retry()

    assert net.wait_for_messages(timeout=30)[0].provider == "gmail"


def test_a_mail_to_a_host_that_refuses_connections_is_put_off(net, pub, sending):
    pub.host.fail("refused-at-connect")

    sending.send("alice@pub.example")
    sending.wait_until(lambda: sending.has_put_off)

    assert net.messages == net.sessions == []


def test_postfix_takes_what_a_provider_forwards_from_the_providers_address(net, systems, tmp_path):
    net.gmail.mailbox("alice").forward_to("root@app.sender.example")
    net.add_server("mx.sender.example", domain="app.sender.example", at=(net.sender.ip, 25))

    with running(net, "postfix", systems, tmp_path, local=True) as server:
        with smtplib.SMTP("gmail-smtp-in.l.google.com") as client:
            client.sendmail("bob@app.example", "alice@gmail.com", "Subject: hi\r\n\r\nhello")
        net.deliver_all()
        session = net.sessions[-1]

        assert len(net.queue) == 0
        server.wait_until(lambda: f"client=outbound.gmail.com[{session.client.ip}]" in server.said)


def test_postfix_verifies_the_certificate_of_a_host(net, systems, tmp_path):
    with running(net, "postfix", systems, tmp_path, tls="verify") as sending:
        sending.send("alice@gmail.com")

        [message] = net.wait_for_messages(timeout=30)
    assert message.session.tls is not None
