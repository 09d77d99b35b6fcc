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


def look_ups(net, rdtype):
    """What was asked for records of a type, and what came of it, each once."""
    return {(it.name, it.rcode) for it in net.dns.queries if it.rdtype == rdtype}


def check_begin(session, recipient):
    """Check that a session begins as all these servers begin it, up to the recipient."""
    hello = "EHLO app.sender.example"
    *begin, mail, rcpt = (it.split(" SIZE=")[0].split(" ORCPT=")[0] for it in session.commands[:5])
    assert begin == [hello, "STARTTLS", hello]
    assert (mail, rcpt) == ("MAIL FROM:<bob@app.example>", f"RCPT TO:<{recipient}>")


def test_a_mail_is_delivered_where_mx_records_say(net, sending):
    sending.send("alice@gmail.com")

    [message] = net.wait_for_messages(timeout=30)
    assert (message.provider, message.envelope.mail_from) == ("gmail", "bob@app.example")
    assert message.session.client.ip == net.sender.ip
    assert message.session.host == "gmail-smtp-in.l.google.com"
    check_begin(message.session, "alice@gmail.com")
    assert look_ups(net, "MX") == {("gmail.com", "NOERROR")}
    assert ("gmail-smtp-in.l.google.com", "NOERROR") in look_ups(net, "A") & look_ups(net, "AAAA")


def test_a_refusal_comes_back_in_the_providers_words(net, sending):
    sending.send("carl@gmail.com")

    bounce, refused = bounce_of(net), net.sessions[0]
    check_begin(refused, "carl@gmail.com")
    [refusal] = [it for it in refused.replies if it.startswith("550")]
    for line in refusal.splitlines():
        assert " ".join(line[4:].split()).removeprefix("5.1.1").strip() in bounce


def test_a_refusal_of_one_line_comes_back_to_the_letter(net, pub, sending):
    pub.on_rcpt().reply("550 5.1.1 No such user here, try postmaster@pub.example")

    sending.send("alice@pub.example")

    assert "550 5.1.1 No such user here, try postmaster@pub.example" in bounce_of(net)
    check_begin(net.sessions[0], "alice@pub.example")


def test_a_domain_that_does_not_exist_is_bounced(net, sending):
    sending.send("carl@nowhere.example")

    assert "nowhere.example" in bounce_of(net)
    assert ("nowhere.example", "NXDOMAIN") in look_ups(net, "MX")
    assert [it.host for it in net.sessions] == [BOUNCES]


def test_a_451_is_tried_again(net, pub, sending):
    pub.on_rcpt().reply("451 4.3.0 Try again later").times(1)

    sending.send("alice@pub.example")
    sending.retry()

    [message] = net.wait_for_messages(timeout=30)
    assert message.provider == "mx.pub.example"
    check_begin(net.sessions[0], "alice@pub.example")
    assert net.sessions[0].replies.count("451 4.3.0 Try again later") == 1


def test_a_look_up_that_fails_for_now_is_tried_again(net, sending):
    failing = net.dns.fail("gmail.com", "SERVFAIL")

    sending.send("alice@gmail.com")
    sending.wait_until(lambda: sending.has_put_off)
    assert net.messages == net.sessions == []
    assert look_ups(net, "MX") == {("gmail.com", "SERVFAIL")}
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


@pytest.mark.parametrize("name", SENDERS)
def test_the_certificate_of_a_host_is_verified(net, systems, tmp_path, name):
    with running(net, name, systems, tmp_path, verify=True) as sending:
        sending.send("alice@gmail.com")

        [message] = net.wait_for_messages(timeout=30)
    assert message.session.tls == "TLSv1.3"


@pytest.mark.parametrize("name", SENDERS)
def test_a_mail_to_a_host_whose_certificate_is_not_verified_is_put_off(net, pub, systems, tmp_path, name):
    pub.tls.expired()

    with running(net, name, systems, tmp_path, verify=True) as sending:
        sending.send("alice@pub.example")
        sending.wait_until(lambda: sending.has_put_off)

    assert net.messages == []
    assert net.sessions[0].commands[:2] == ["EHLO app.sender.example", "STARTTLS"]
    assert not any(it.startswith("MAIL") for it in net.sessions[0].commands)
