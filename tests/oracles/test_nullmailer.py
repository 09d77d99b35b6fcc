"""nullmailer in a net: it hands all mail to one host that it looks up, tries again, and bounces by itself."""

from __future__ import annotations

import pytest

from .sending import running

pytestmark = pytest.mark.timeout(120)
ALICE = "alice@app.example"
BEGIN = ["HELO app.sender.example", "MAIL FROM:<bob@app.example>", f"RCPT TO:<{ALICE}>"]
MAIL = [*BEGIN, "DATA", "QUIT"]


@pytest.fixture
def hub(mailnet, mailnet_process):
    """The host that takes all mail, and the bounces."""
    return mailnet.add_server("mx.app.example", domain="app.example")


@pytest.fixture
def nullmailer(mailnet, hub, systems, tmp_path):
    with running(mailnet, "nullmailer", systems, tmp_path, remote="mx.app.example smtp") as server:
        yield server


def test_all_mail_goes_to_the_host_that_it_is_told(mailnet, hub, nullmailer):
    nullmailer.send(ALICE)

    [message] = mailnet.wait_for_messages(timeout=30)
    assert message.session.commands[: len(BEGIN) + 1] == [*BEGIN, "DATA"]
    assert message.session.client.ip == mailnet.sender.ip
    assert {(it.name, it.rdtype, it.rcode) for it in mailnet.dns.queries} == {
        ("mx.app.example", "A", "NOERROR"),
        ("mx.app.example", "AAAA", "NOERROR"),
    }


def test_a_refusal_comes_back_in_the_server_s_words(mailnet, hub, nullmailer):
    hub.on_rcpt(ALICE).reply("550 5.1.1 No such user here")

    nullmailer.send(ALICE)

    [bounce] = mailnet.wait_for_messages(timeout=30)
    assert mailnet.sessions[0].commands == [*BEGIN, "QUIT"]
    assert mailnet.sessions[0].replies[3] == "550 5.1.1 No such user here"
    assert (bounce.sender, bounce.recipients) == ("", ("bob@app.example",))
    assert "550 5.1.1 No such user here" in bounce.content.decode()


def test_a_451_is_tried_again(mailnet, hub, nullmailer):
    hub.on_rcpt().reply("451 4.3.0 Try again later").times(1)

    nullmailer.send(ALICE)
    nullmailer.retry()

    [message] = mailnet.wait_for_messages(timeout=30)
    assert mailnet.sessions[0].commands == [*BEGIN, "QUIT"]
    assert mailnet.sessions[0].replies[3] == "451 4.3.0 Try again later"
    assert message.session is mailnet.sessions[1]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("NXDOMAIN", "Sending failed: Host not found"),
        ("SERVFAIL", "Sending failed: Temporary error in gethostbyname"),
    ],
)
def test_a_look_up_that_fails_is_put_off_and_tried_again(mailnet, hub, nullmailer, fault, told):
    failing = mailnet.dns.fail("mx.app.example", fault)

    nullmailer.send(ALICE)
    nullmailer.wait_until(lambda: told in nullmailer.said)
    assert {it.rcode for it in mailnet.dns.queries} == {fault}
    assert mailnet.sessions == []
    failing.end()
    nullmailer.retry()

    [message] = mailnet.wait_for_messages(timeout=30)
    assert message.recipients == (ALICE,)


def test_it_logs_in_at_gmail_once_the_certificate_is_verified(mailnet, mailnet_process, systems, tmp_path):
    mailnet.gmail.add_mailbox("alice", password="secret")
    mailnet.gmail.add_mailbox("carl")
    remote = (
        "smtp.gmail.com smtp --port=587 --starttls --x509cafile=/etc/mailnet.pem "
        "--user=alice@gmail.com --pass=secret"
    )

    with running(mailnet, "nullmailer", systems, tmp_path, remote=remote) as nullmailer:
        nullmailer.send("carl@gmail.com")
        [message] = mailnet.wait_for_messages(timeout=30)

    assert message.session.commands[:2] == ["EHLO app.sender.example", "STARTTLS"]
    assert (message.session.tls, message.session.user) == ("TLSv1.3", "alice@gmail.com")


def test_it_does_not_send_where_the_certificate_is_for_another_host(mailnet, hub, systems, tmp_path):
    hub.tls.wrong_name()
    remote = "mx.app.example smtp --starttls --x509cafile=/etc/mailnet.pem"

    with running(mailnet, "nullmailer", systems, tmp_path, remote=remote) as nullmailer:
        nullmailer.send(ALICE)
        nullmailer.wait_until(lambda: nullmailer.has_put_off)

    assert mailnet.sessions[0].commands == ["EHLO app.sender.example", "STARTTLS"]
    assert mailnet.messages == []
