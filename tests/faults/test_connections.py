"""Faults of connections: what a client meets, what the net records, and what is said of bad input."""

from __future__ import annotations

import smtplib
import socket
import ssl

import pytest

from pytest_mailnet.errors import InvalidSetting, UnknownName
from pytest_mailnet.faults import FAULTS, Fault, Manner, faults_of
from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.values import DELIVERY, Stage

HOST = "mx.shop.example"
MAIL = b"Subject: hi\r\n\r\nhello\r\n"
PATIENCE = 60  # seconds: what a client waits for a server that stands still


@pytest.fixture(autouse=True)
def compressed(mailnet):
    mailnet.clock.compress()


@pytest.fixture
def alice(shop):
    return shop.add_mailbox("alice", password="pw")


def send():
    """Send a mail by all stages that there are."""
    with smtplib.SMTP(HOST, 25, timeout=PATIENCE) as client:
        client.starttls()
        client.login("alice", "pw")
        client.sendmail("alice@shop.example", ["alice@shop.example"], MAIL)


@pytest.mark.parametrize("fault", ["closed-after-dot", "reset-after-dot", "stalled-after-dot"])
def test_a_mail_is_sent_twice_by_who_cannot_know(mailnet, alice, fault):
    mailnet.host(HOST).fail(fault, times=1)

    for _ in range(2):
        try:
            send()
        except (OSError, smtplib.SMTPException):
            continue
        break

    assert len(alice.messages) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("refused-at-connect", ConnectionRefusedError),
        ("unreachable-at-connect", OSError),
        ("no-route-at-connect", OSError),
        ("reset-at-mail", smtplib.SMTPServerDisconnected),
        ("closed-after-dot", smtplib.SMTPServerDisconnected),
        ("stalled-at-connect", smtplib.SMTPServerDisconnected),
        ("overlong-at-ehlo", smtplib.SMTPResponseException),
    ],
)
def test_a_client_sees_what_it_sees_in_life(mailnet, alice, fault, error):
    mailnet.host(HOST).fail(fault)

    with pytest.raises(error):
        send()


def test_a_reply_that_trickles_is_understood(mailnet, alice):
    for stage in DELIVERY:
        mailnet.host(HOST).fail(Fault(Manner.TRICKLING, stage))

    send()

    assert len(alice.messages) == 1


def test_faults_hold_over_tls_too(mailnet, alice):
    mailnet.host(HOST).fail("cut-at-mail")

    with smtplib.SMTP_SSL(HOST, 465, context=ssl.create_default_context(), timeout=PATIENCE) as client:
        client.login("alice", "pw")
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("alice@shop.example", ["alice@shop.example"], MAIL)


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        ("expired-at-starttls", ssl.SSLCertVerificationError, "certificate has expired"),
        ("wrong-name-at-starttls", ssl.SSLCertVerificationError, "Hostname mismatch"),
        ("self-signed-at-starttls", ssl.SSLCertVerificationError, "self[- ]signed certificate"),
        ("old-protocol-at-starttls", ssl.SSLError, "(?i)protocol.version"),
        ("handshake-refused-at-starttls", ssl.SSLError, "(?i)handshake.failure"),
        ("handshake-stalled-at-starttls", TimeoutError, "handshake operation timed out"),
        ("handshake-closed-at-starttls", OSError, "EOF|reset"),
        ("broken-record-at-starttls", smtplib.SMTPServerDisconnected, "(?i)bad.record.mac"),
        ("no-close-notify-at-starttls", smtplib.SMTPServerDisconnected, "unexpectedly closed"),
        ("clear-again-at-starttls", smtplib.SMTPServerDisconnected, "(?i)wrong.version.number|record.layer"),
    ],
)
@pytest.mark.parametrize("port", [25, 465])
def test_a_client_that_looks_at_tls_meets_the_fault(mailnet, alice, fault, error, text, port):
    mailnet.host(HOST).fail(fault, times=1)
    context = ssl.create_default_context()

    def encrypted():
        if port == 465:
            return smtplib.SMTP_SSL(HOST, port, context=context, timeout=PATIENCE)
        client = smtplib.SMTP(HOST, port, timeout=PATIENCE)
        try:
            client.starttls(context=context)
        except BaseException:
            client.close()
            raise
        return client

    with pytest.raises(error, match=text), encrypted() as client:
        client.docmd("NOOP")
    with encrypted() as client:
        assert client.noop()[0] == 250


def test_starttls_is_kept_from_one_connection(mailnet, alice):
    mailnet.host(HOST).fail("stripped-at-starttls", times=1)

    with smtplib.SMTP(HOST) as client:
        client.ehlo()
        assert not client.has_extn("starttls")
        assert client.docmd("STARTTLS")[0] == 502
    with smtplib.SMTP(HOST) as client:
        assert client.starttls(context=ssl.create_default_context())[0] == 220


def test_a_server_that_closes_without_close_notify_has_said_nothing_of_it(mailnet, alice):
    mailnet.host(HOST).fail("no-close-notify-at-starttls")
    context = ssl.create_default_context()

    with (
        socket.create_connection((HOST, 465), timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname=HOST, suppress_ragged_eofs=False) as sock,
        pytest.raises(ssl.SSLEOFError, match="EOF occurred in violation of protocol"),
    ):
        sock.recv(100)


def test_what_came_before_a_fault_is_heard(mailnet, client):
    mailnet.host(HOST).fail("reset-at-rcpt")
    client.send(b"MAIL FROM:<a@b.example>\r\nNOOP\r\n")

    assert client.reply() == "250 2.1.0 OK\r\n"
    assert client.reply() == "250 2.0.0 OK\r\n"
    with pytest.raises(ConnectionResetError):
        client.say("RCPT TO:<alice@shop.example>")


def test_a_fault_happens_as_often_as_asked_for(mailnet, alice):
    mailnet.host(HOST).fail("closed-at-mail", times=2)

    for _ in range(2):
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send()
    send()

    assert len(alice.messages) == 1


def test_faults_of_a_host_are_met_in_the_order_in_which_they_were_asked_for(mailnet, alice):
    host = mailnet.host(HOST)
    host.fail("dropped-at-connect", times=1)
    host.fail("refused-at-connect", times=1)
    host.fail("refused-at-connect", times=1)
    mailnet.clock.compress()

    for error in (TimeoutError, ConnectionRefusedError, ConnectionRefusedError):
        with pytest.raises(error):
            send()
    send()

    assert len(alice.messages) == 1


def test_a_fault_without_end_may_follow_and_may_be_asked_for_again(mailnet, alice):
    host = mailnet.host(HOST)
    host.fail("reset-at-mail", times=1)
    host.fail("closed-at-mail")
    host.fail("closed-at-mail")

    for _ in range(2):
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send()

    assert [it.ended for it in mailnet.sessions] == ["fault reset-at-mail", "fault closed-at-mail"]


def test_accepting_connections_again_ends_all_faults(mailnet, alice):
    host = mailnet.host(HOST)
    host.fail("reset-at-mail")
    host.refuse_connections()

    host.accept_connections()
    send()

    assert len(alice.messages) == 1


def test_a_queue_meets_faults_and_tries_again(mailnet, shop):
    server = mailnet.add_server("smtp.app.example", domain="app.example")
    server.trust("203.0.113.0/24")
    mailnet.host(HOST).fail("reset-at-rcpt", times=1)
    with smtplib.SMTP("smtp.app.example") as client:
        client.sendmail("bob@app.example", ["alice@shop.example"], MAIL)

    mailnet.deliver_all()
    assert mailnet.queue[0].reason == "the server closed the connection (mx.shop.example)"
    mailnet.deliver_all(minutes=30)

    assert len(shop.mailbox("alice@shop.example").messages) == 1


def test_the_report_tells_of_the_fault(mailnet, alice):
    from pytest_mailnet.timeline.story import timeline

    mailnet.host(HOST).fail("closed-after-dot")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send()

    told = timeline(life_of(mailnet).journal)
    assert "-> fault: the server closes the connection in place of the reply at MESSAGE" in told
    assert "fault closed-after-dot" in told


@pytest.mark.parametrize(
    ("do", "error", "text"),
    [
        (lambda host: host.fail("reset-at-rcp"), UnknownName, "did you mean 'reset-at-rcpt'"),
        (
            lambda host: host.fail(Fault(Manner.REFUSED, Stage.RCPT)),
            InvalidSetting,
            "what can is refused-at-con",
        ),
        (
            lambda host: host.fail(Fault(Manner.RESET, Stage.RCPT, in_content=True)),
            InvalidSetting,
            "cannot hap",
        ),
        (lambda host: host.fail("reset-at-rcpt", times=0), InvalidSetting, "1 time or more"),
        (lambda _: faults_of(stage="rctp"), InvalidSetting, "did you mean 'rcpt'"),
        (lambda _: faults_of(kind="conection"), InvalidSetting, "did you mean 'connection'"),
    ],
)
def test_what_is_no_fault_is_told(mailnet, shop, do, error, text):
    with pytest.raises(error, match=text):
        do(mailnet.host(HOST))


@pytest.mark.parametrize(("fault", "keyword"), [("reset-at-auth", "AUTH"), ("cut-at-starttls", "STARTTLS")])
def test_a_fault_where_no_connection_comes_is_told_at_once(mailnet, shop, fault, keyword):
    host = mailnet.host(HOST)
    host.extensions.discard(keyword)

    with pytest.raises(InvalidSetting, match=f"does not offer {keyword}"):
        host.fail(fault)


def test_a_fault_of_starttls_where_it_is_kept_from_all_is_told_at_once(mailnet, shop):
    host = mailnet.host(HOST)
    host.tls.strip_starttls()

    with pytest.raises(InvalidSetting, match=r"its STARTTLS is stripped; \.tls\.valid\(\) offers it again"):
        host.fail("reset-at-starttls")


def test_a_fault_where_a_host_knows_no_ehlo_is_told_at_once(mailnet, shop):
    host = mailnet.host(HOST)
    host.helo_only = True

    with pytest.raises(InvalidSetting, match="no connection comes to AUTH, since the host knows no EHLO"):
        host.fail("reset-at-auth")


def test_tls_can_go_wrong_where_there_is_no_starttls_but_port_465(mailnet):
    mailnet.add_server(HOST, ports=[465])
    host = mailnet.host(HOST)
    host.extensions.discard("STARTTLS")

    host.fail("expired-at-starttls")

    with pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL(HOST, context=ssl.create_default_context())
    with pytest.raises(InvalidSetting, match="does not offer STARTTLS"):
        host.fail("stripped-at-starttls")


def test_tls_can_go_wrong_at_every_port_that_begins_with_it(mailnet):
    server = mailnet.add_server(HOST, ports=[2465], tls_ports=[2465])
    server.host.extensions.discard("STARTTLS")

    server.fail("expired-at-starttls")

    with pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL(HOST, 2465, context=ssl.create_default_context())
    server.host.tls_ports = ()
    with pytest.raises(InvalidSetting, match="does not offer STARTTLS"):
        server.fail("expired-at-starttls")


def test_every_fault_has_an_id_of_its_own_and_a_sentence():
    assert len({fault.does for fault in FAULTS.values()}) == len(FAULTS) == 165
    assert all(FAULTS[fault.id] is fault for fault in FAULTS.values())


def test_ids_are_readable_in_pytest_s_output(pytester):
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.mailnet_faults(stage="message", kind="connection")
        def test_it(mailnet_fault):
            pass
        """
    )

    result = pytester.runpytest_inprocess("-v", "-p", "no:randomly")

    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(
        ["*test_it[[]closed-in-content[]] PASSED*", "*test_it[[]reset-after-dot[]] PASSED*"]
    )


@pytest.mark.parametrize(
    ("mark", "argument", "text"),
    [
        ('stage="rctp"', "mailnet_fault", "*did you mean 'rcpt'*"),
        ("", "mailnet", "*the test an argument mailnet_fault*"),
        ('where="rcpt"', "mailnet_fault", "*takes stage= and kind=*"),
    ],
)
def test_a_mark_that_makes_no_sense_is_told(pytester, mark, argument, text):
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.mailnet_faults({mark})
        def test_it({argument}):
            pass
        """
    )

    result = pytester.runpytest_inprocess()

    assert any(text.strip("*") in line for line in [*result.outlines, *result.errlines])
