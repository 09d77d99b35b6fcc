"""TLS as clients meet it: certificates that they trust, those that they do not, and what STARTTLS forgets."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
import stat
import subprocess
import sys

import pytest

from pytest_mailnet.certificates import Certificate
from pytest_mailnet.net.mailnet import MailNet, life_of

aiosmtplib = pytest.importorskip("aiosmtplib")

HOST = "mx.shop.example"


def starttls_by_smtplib():
    with smtplib.SMTP(HOST, 587) as client:
        client.starttls(context=ssl.create_default_context())
        return client.ehlo()


def implicit_tls_by_smtplib():
    with smtplib.SMTP_SSL(HOST, 465, context=ssl.create_default_context()) as client:
        return client.ehlo()


def starttls_by_aiosmtplib():
    return asyncio.run(_aiosmtplib(port=587, start_tls=True))


def implicit_tls_by_aiosmtplib():
    return asyncio.run(_aiosmtplib(port=465, use_tls=True))


async def _aiosmtplib(**options):
    async with aiosmtplib.SMTP(hostname=HOST, **options) as client:
        return await client.ehlo()


CLIENTS = [starttls_by_smtplib, implicit_tls_by_smtplib, starttls_by_aiosmtplib, implicit_tls_by_aiosmtplib]
each_client = pytest.mark.parametrize("connect", CLIENTS, ids=lambda it: it.__name__)


@each_client
def test_a_client_with_a_default_context_trusts_every_host(mailnet, shop, connect):
    code, *_ = connect()

    assert code == 250
    [session] = mailnet.sessions
    assert session.tls == "TLSv1.3"


@pytest.mark.parametrize("port", [465, 2465])
def test_a_server_can_have_several_ports_for_tls_from_the_first_byte(mailnet, port):
    mailnet.add_server("smtp.sendgrid.net", ports=(25, 587, 465, 2525, 2465), tls_ports=(465, 2465))

    with smtplib.SMTP_SSL("smtp.sendgrid.net", port, context=ssl.create_default_context()) as client:
        assert client.ehlo()[0] == 250
    with smtplib.SMTP("smtp.sendgrid.net", 2525) as client:
        assert client.ehlo()[0] == 250

    assert [(it.server.port, it.tls) for it in mailnet.sessions] == [(port, "TLSv1.3"), (2525, None)]


def test_which_ports_are_for_tls_can_be_set(mailnet, shop, converse):
    host = shop.host
    assert host.tls_ports == (465,)

    host.tls_ports = (587,)

    with smtplib.SMTP_SSL(HOST, 587, context=ssl.create_default_context()) as client:
        assert client.ehlo()[0] == 250
    assert converse(HOST, 465).banner == "220 mx.shop.example ESMTP\r\n"


def test_a_port_that_a_host_no_longer_listens_on_is_none_for_tls(shop):
    shop.host.ports = (25, 587)

    assert shop.host.tls_ports == ()


@each_client
def test_starttls_is_not_offered_once_hands_are_shaken(mailnet, shop, connect):
    connect()

    ehlo = [reply for reply in mailnet.sessions[0].replies if reply.startswith("250-mx.shop.example")]
    assert "STARTTLS" not in ehlo[-1]


FAULTS = {
    "expired": "certificate has expired|CERTIFICATE_VERIFY_FAILED",
    "wrong_name": "Hostname mismatch|CERTIFICATE_VERIFY_FAILED",
    "self_signed": "self.signed certificate|CERTIFICATE_VERIFY_FAILED",
    "old_protocol": "(?i)unsupported.protocol|protocol.version|version",
    "refuse_handshake": "(?i)handshake.failure",
}


@each_client
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_a_certificate_ends_the_handshake(mailnet, shop, connect, fault):
    getattr(mailnet.host(HOST).tls, fault)()

    with pytest.raises((ssl.SSLError, aiosmtplib.SMTPException), match=FAULTS[fault]):
        connect()

    mailnet.host(HOST).tls.valid()
    assert connect()[0] == 250


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("expired", "certificate has expired"),
        ("wrong_name", "Hostname mismatch, certificate is not valid for 'mx.shop.example'"),
        ("self_signed", "self-signed certificate"),
    ],
)
def test_a_certificate_is_refused_for_its_own_reason(mailnet, shop, fault, reason):
    getattr(mailnet.host(HOST).tls, fault)()

    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        starttls_by_smtplib()

    assert reason in refused.value.verify_message


def test_what_ended_a_handshake_stands_in_the_record(mailnet, shop):
    mailnet.host(HOST).tls.expired()

    with pytest.raises(ssl.SSLError):
        implicit_tls_by_smtplib()

    assert "CERTIFICATE_EXPIRED" in ended(mailnet)


def ended(mailnet):
    """How the first session ended, once the server has read what its client sent last."""
    while not mailnet.sessions or mailnet.sessions[0].open:
        life_of(mailnet).engine.run(asyncio.sleep(0))
    return mailnet.sessions[0].ended


WAY_OUT = (
    "Contexts that trust the machine's authorities do, such as ssl.create_default_context(), unless trust_ca is "
    "off; for other clients there is a file to trust, mailnet.ca.bundle"
)


def encrypt(context, name=HOST, port=465):
    with (
        socket.create_connection((HOST, port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name),
    ):
        pass


def test_the_record_of_a_client_that_does_not_trust_the_net_says_what_to_do(mailnet, shop):
    with pytest.raises(ssl.SSLCertVerificationError):
        encrypt(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    assert ended(mailnet) == (
        "TLS handshake failed: TLSV1_ALERT_UNKNOWN_CA: the client does not trust the net's authority. "
        + WAY_OUT
    )


def test_the_record_of_a_client_that_calls_another_name_says_so(mailnet, shop):
    with pytest.raises(ssl.SSLCertVerificationError):
        encrypt(ssl.create_default_context(), "mail.shop.example")

    assert ended(mailnet) == (
        "TLS handshake failed: SSLV3_ALERT_BAD_CERTIFICATE: the client does not trust the net's authority, or "
        "calls mx.shop.example by another name. " + WAY_OUT
    )


@pytest.mark.parametrize(
    ("wanted", "reason", "shown"),
    [
        ("self_signed", "TLSV1_ALERT_UNKNOWN_CA", "self-signed"),
        ("expired", "SSLV3_ALERT_CERTIFICATE_EXPIRED", "expired"),
        ("wrong_name", "SSLV3_ALERT_BAD_CERTIFICATE", "for another name"),
    ],
)
@pytest.mark.parametrize("by_fault", [False, True], ids=["setting", "fault"])
def test_trust_is_not_blamed_for_a_certificate_that_the_test_wants_wrong(
    mailnet, shop, wanted, reason, shown, by_fault
):
    if by_fault:
        mailnet.host(HOST).fail(f"{wanted.replace('_', '-')}-at-starttls")
    else:
        getattr(mailnet.host(HOST).tls, wanted)()

    with pytest.raises(ssl.SSLCertVerificationError):
        encrypt(ssl.create_default_context())

    assert ended(mailnet) == (
        f"TLS handshake failed: {reason}: as the test wants it, mx.shop.example has this certificate: {shown}"
    )


def test_the_record_tells_of_a_client_that_leaves_in_the_handshake(mailnet, shop):
    with socket.create_connection((HOST, 465)):
        pass

    assert ended(mailnet) == "client closed the connection in the TLS handshake"


def test_a_host_without_starttls_offers_none_and_knows_none(mailnet, shop):
    mailnet.host(HOST).tls.strip_starttls()

    with smtplib.SMTP(HOST, 587) as client:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            client.starttls()
        assert client.docmd("STARTTLS") == (502, b"5.5.1 Command not implemented")

    with pytest.raises(aiosmtplib.SMTPException, match="STARTTLS"):
        starttls_by_aiosmtplib()


def test_a_host_can_require_tls_before_mail_and_log_in(mailnet, shop, client):
    mailnet.host(HOST).tls.require()

    refusal = "530 5.7.0 Must issue a STARTTLS command first\r\n"
    assert client.say("MAIL FROM:<a@b.example>") == refusal
    assert client.say("AUTH LOGIN") == refusal  # before it has heard a password

    client.encrypt()
    client.say("EHLO app.example")
    assert client.say("MAIL FROM:<a@b.example>") == "250 2.1.0 OK\r\n"


def test_gmail_asks_for_starttls_in_its_own_words(mailnet):
    mailnet.host("gmail-smtp-in.l.google.com").tls.require()

    with smtplib.SMTP("gmail-smtp-in.l.google.com", 25) as client:
        client.ehlo()
        code, text = client.docmd("MAIL FROM:<bob@shop.example>")

    assert code == 530
    assert text.startswith(b"5.7.0 Must issue a STARTTLS command first. ")
    assert text.endswith(b" - gsmtp")


def test_starttls_forgets_all_that_was_said_before(shop, client):
    shop.host.auth_before_tls = True
    shop.add_mailbox("alice", password="secret")
    assert client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==") == "235 2.7.0 Authentication succeeded\r\n"
    client.say("MAIL FROM:<alice@shop.example>")

    client.encrypt()

    assert client.say("RCPT TO:<bob@shop.example>") == (
        "503 5.5.1 Bad sequence of commands: send EHLO or HELO first\r\n"
    )
    client.say("EHLO app.example")
    assert client.say("MAIL FROM:<alice@shop.example>") == "250 2.1.0 OK\r\n"
    assert client.say("RCPT TO:<bob@elsewhere.example>") == "550 5.7.1 Relaying denied\r\n"


def test_commands_sent_behind_starttls_in_the_clear_are_dropped(mailnet, shop, client):
    # CVE-2011-0411: they must not be taken for part of the encrypted session.
    client.send(b"STARTTLS\r\nMAIL FROM:<mallory@evil.example>\r\nNOOP\r\n")
    assert client.reply() == "220 2.0.0 Ready to start TLS\r\n"

    client.shake_hands()

    assert client.say("NOOP") == "250 2.0.0 OK\r\n"
    assert client.say("QUIT").startswith("221 ")
    assert client.rest() == b""
    requests = [exchange.request for exchange in mailnet.sessions[0].exchanges]
    assert requests == [b"", b"EHLO app.example\r\n", b"STARTTLS\r\n", b"NOOP\r\n", b"QUIT\r\n"]


def test_gmail_refuses_commands_behind_starttls(mailnet, converse):
    mailnet.gmail.add_mailbox("alice")
    client = converse("smtp.gmail.com", 587)
    client.say("EHLO app.example")

    client.send(b"STARTTLS\r\nNOOP\r\n")

    assert client.reply().startswith("523 5.7.10 SMTP protocol violation, no commands allowed to pipeline")


def test_a_second_starttls_is_refused(client):
    client.encrypt()
    client.say("EHLO app.example")

    assert client.say("STARTTLS") == "503 5.5.1 Bad sequence of commands: TLS is active already\r\n"


def test_the_port_for_tls_alone_says_nothing_in_the_clear(mailnet, shop):
    # RFC 8314, 3.3
    with socket.create_connection((HOST, 465)) as client:
        client.sendall(b"EHLO app.example\r\n")
        said = client.recv(1000)

    assert b"220" not in said
    assert ended(mailnet).startswith("TLS handshake failed: ")
    assert mailnet.sessions[0].exchanges == []


def test_a_port_that_begins_in_the_clear_is_none_for_tls_from_the_first_byte_on(shop):
    with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
        smtplib.SMTP_SSL(HOST, 587, context=ssl.create_default_context(), timeout=5)


def test_a_net_can_be_one_that_contexts_do_not_trust(make_mailnet):
    with make_mailnet(trust_ca=False) as net:
        net.add_server(HOST)

        with pytest.raises(ssl.SSLCertVerificationError):
            starttls_by_smtplib()
        with smtplib.SMTP(HOST, 25) as client:
            context = ssl.create_default_context(cafile=net.ca.bundle)
            assert client.starttls(context=context)[0] == 220


def test_who_trusts_certifi_s_authorities_trusts_the_net_s(shop):
    certifi = pytest.importorskip("certifi")

    with smtplib.SMTP(HOST, 25) as client:
        context = ssl.create_default_context(cafile=certifi.where())
        assert client.starttls(context=context)[0] == 220


def test_no_context_made_after_the_net_trusts_it(make_mailnet):
    with make_mailnet() as net:
        authority = net.ca.pem

    names = [it["subject"] for it in ssl.create_default_context().get_ca_certs()]

    assert "mailnet" not in str(names)
    assert authority.startswith("-----BEGIN CERTIFICATE-----")


def test_the_bundle_is_private_and_goes_with_the_run():
    with MailNet() as net:
        bundle = net.ca.bundle
        assert bundle.read_text("ascii") == net.ca.pem
        assert stat.S_IMODE(bundle.parent.stat().st_mode) == 0o700

    assert not bundle.exists()


def test_the_authority_is_the_same_for_all_nets_of_a_run(make_mailnet):
    with make_mailnet() as one, make_mailnet() as other:
        assert one.ca.pem == other.ca.pem


def test_a_certificate_is_made_when_it_is_first_asked_for(mailnet, shop):
    contexts = [mailnet.ca.context(HOST, Certificate.VALID) for _ in range(2)]

    assert contexts[0] is contexts[1]
    assert contexts[0] is not mailnet.ca.context("mx2.shop.example", Certificate.VALID)


def test_a_run_without_tls_loads_nothing_for_it():
    code = (
        "import smtplib, sys\n"
        "from pytest_mailnet.net.mailnet import MailNet\n"
        "with MailNet() as net:\n"
        "    net.add_server('mx.shop.example')\n"
        "    smtplib.SMTP('mx.shop.example').quit()\n"
        "print({'trustme', 'cryptography'} & set(sys.modules))"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert said.stdout == "set()\n"


def test_a_child_process_trusts_the_net(mailnet, shop):
    mailnet.include_children()
    code = (
        "import smtplib, ssl\n"
        "client = smtplib.SMTP_SSL('mx.shop.example', 465, context=ssl.create_default_context())\n"
        "print(client.noop()[0])\n"
        "client.quit()"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert (said.stdout, said.stderr) == ("250\n", "")


def test_a_broken_record_ends_the_session(mailnet, client):
    client.encrypt()
    with contextlib.suppress(OSError):
        socket.socket.sendall(client.socket, b"NOOP\r\n" * 4)
    with contextlib.suppress(OSError, ssl.SSLError):
        client.lines.read()

    assert "TLS failed" in ended(mailnet)


def test_content_arrives_as_sent_over_tls(mailnet, shop):
    content = b"Subject: dots\r\n\r\n.\r\n" + b"x" * 70 + b"\r\n" * 3000

    with smtplib.SMTP_SSL(HOST, 465) as client:
        client.sendmail("bob@b.example", ["alice@shop.example"], content)

    assert shop.mailbox("alice@shop.example").messages[0].content == content


def test_tls_on_uvloop(shop):
    uvloop = pytest.importorskip("uvloop")

    for options in ({"port": 587, "start_tls": True}, {"port": 465, "use_tls": True}):
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            assert runner.run(_aiosmtplib(**options))[0] == 250


def test_tls_on_trio(shop):
    trio = pytest.importorskip("trio")

    async def greet():
        stream = await trio.open_ssl_over_tcp_stream(HOST, 465, https_compatible=True)
        async with stream:
            banner = await stream.receive_some(1000)
            await stream.send_all(b"QUIT\r\n")
            return banner, await stream.receive_some(1000)

    assert trio.run(greet)[0] == b"220 mx.shop.example ESMTP\r\n"


@pytest.fixture
def encrypted(shop):
    """A TLS connection past its banner, which tells an end from a connection that is cut."""
    plain = socket.create_connection((HOST, 465), timeout=10)
    context = ssl.create_default_context()
    with context.wrap_socket(plain, server_hostname=HOST, suppress_ragged_eofs=False) as client:
        assert client.recv(1000) == b"220 mx.shop.example ESMTP\r\n"
        yield client


def test_a_client_that_ends_tls_without_quit_is_answered(mailnet, encrypted):
    # RFC 5246, 7.2.1
    with encrypted.unwrap() as plain:
        assert plain.recv(1) == b""

    assert ended(mailnet) == "client closed the connection"


def test_a_client_that_ends_tls_after_quit_is_answered(mailnet, encrypted):
    encrypted.sendall(b"QUIT\r\n")
    assert encrypted.recv(1000).startswith(b"221 ")

    encrypted.unwrap().close()

    assert ended(mailnet) == "client quit"


def test_a_client_that_ends_tls_amid_the_content_is_answered(mailnet, shop, encrypted):
    for command in (
        b"EHLO app.example",
        b"MAIL FROM:<bob@b.example>",
        b"RCPT TO:<alice@shop.example>",
        b"DATA",
    ):
        encrypted.sendall(command + b"\r\n")
        reply = encrypted.recv(1000)
    assert reply.startswith(b"354 ")
    encrypted.sendall(b"Subject: half\r\n")

    encrypted.unwrap().close()

    assert ended(mailnet) == "client closed the connection"
    assert mailnet.messages == []


def said_and_ended(command):
    """The reply to a command that goes out with a close_notify, in front of the server's own."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=HOST)
    with socket.create_connection((HOST, 465), timeout=60) as plain:

        def until_done(do):
            while True:
                with contextlib.suppress(ssl.SSLWantReadError):
                    return do()
                plain.sendall(outgoing.read())
                incoming.write(plain.recv(10000))

        until_done(client.do_handshake)
        assert until_done(client.read).startswith(b"220 ")
        client.write(command)
        with pytest.raises(ssl.SSLWantReadError):
            client.unwrap()
        plain.sendall(outgoing.read())
        while part := plain.recv(10000):
            incoming.write(part)
    reply = client.read()
    client.unwrap()
    return reply


def test_what_was_said_before_the_end_of_tls_is_answered_first(mailnet, shop):
    assert said_and_ended(b"NOOP\r\n") == b"250 2.0.0 OK\r\n"

    assert ended(mailnet) == "client closed the connection"


def test_a_reply_that_is_late_comes_before_the_end_of_tls(mailnet, shop):
    mailnet.clock.compress()
    mailnet.host(HOST).fail("late-at-ehlo")

    assert said_and_ended(b"HELO app.example\r\n") == b"250 mx.shop.example\r\n"
    assert ended(mailnet) == "client closed the connection"


def test_an_end_of_tls_that_is_never_answered_meets_its_time_out_on_the_net_s_clock(mailnet, encrypted):
    mailnet.clock.compress()
    mailnet.host(HOST).fail("stalled-at-ehlo")
    encrypted.settimeout(3600)
    encrypted.sendall(b"EHLO app.example\r\n")
    began = mailnet.clock.time()

    with pytest.raises(TimeoutError, match="The read operation timed out"):
        encrypted.unwrap()

    assert mailnet.clock.time() - began >= 3600


def test_a_client_that_stops_sending_without_ending_tls_is_told_the_end(mailnet, encrypted):
    socket.socket.shutdown(encrypted, socket.SHUT_WR)

    assert encrypted.recv(1000) == b""
    assert ended(mailnet) == "client closed the connection"


def test_a_server_that_is_to_close_without_close_notify_does_not_answer_the_client_s(mailnet, client):
    mailnet.host(HOST).fail("no-close-notify-at-starttls")
    client.encrypt()

    with pytest.raises(OSError, match="EOF occurred in violation of protocol"):
        client.socket.unwrap()

    assert mailnet.sessions[0].exchanges[-1].finding.rule == "fault"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_closes_a_stream_without_quit(mailnet, shop, backend):
    anyio = pytest.importorskip("anyio")

    async def greet():
        with anyio.fail_after(10):
            stream = await anyio.connect_tcp(HOST, 465, tls=True)
            async with stream:
                return await stream.receive()

    assert anyio.run(greet, backend=backend) == b"220 mx.shop.example ESMTP\r\n"
    assert ended(mailnet) == "client closed the connection"
