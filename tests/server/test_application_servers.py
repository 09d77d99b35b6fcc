"""Servers of the application's own, which really listen somewhere: the net's providers deliver to them."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from pytest_mailnet import ExpectationFailed, InvalidSetting, MailNet

LETTER = b"Subject: hi\r\n\r\n.one\r\ntwo\r\n"


class Inbox:
    """An application's inbound code: refuses some, and keeps what it takes."""

    def __init__(self):
        self.kept = []
        self.peers = []

    async def handle_PROXY(self, server, session, envelope, proxy_data):
        self.peers.append(str(proxy_data.src_addr))
        return True

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("nobody@"):
            return "550 5.1.1 No such alias"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.kept.append((envelope.mail_from, envelope.rcpt_tos, envelope.content, session.ssl is not None))
        return "250 2.0.0 Kept as 17"


@pytest.fixture
def inbox():
    return Inbox()


class Counting(Controller):
    """A controller that can wait for its connections; aiosmtpd's forgets them when it stops."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.open = 0
        self.changed = threading.Condition()

    def count(self, step):
        with self.changed:
            self.open += step
            self.changed.notify_all()

    def factory(self):
        controller = self

        class Counted(SMTP):
            def connection_made(self, transport):
                if self.transport is None:  # it is called once more after STARTTLS
                    controller.count(+1)
                super().connection_made(transport)

            def connection_lost(self, error):
                super().connection_lost(error)
                self.loop.call_soon(controller.count, -1)

        return Counted(self.handler, **self.SMTP_kwargs)

    def stop(self, *arguments, **settings):
        with self.changed:
            self.changed.wait_for(lambda: self.open <= 0, 10)
        super().stop(*arguments, **settings)


@pytest.fixture
def started(inbox):
    """Start the application's server, before there is a net; gives its address."""
    running = []

    def start(**settings):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        controller = Counting(inbox, hostname="127.0.0.1", port=port, **settings)
        controller.start()
        running.append(controller)
        return "127.0.0.1", port

    yield start
    for controller in running:
        controller.stop()


@pytest.fixture
def server(started, mailnet):
    return mailnet.add_server("mx.app.example", domain="app.example", at=started())


@pytest.fixture
def client(server):
    with smtplib.SMTP("mx.app.example", timeout=10) as connected:
        yield connected


def send(client, *to, content=LETTER):
    return client.sendmail("bob@b.example", to or ["alice@app.example"], content)


def submitted(mailnet, *to):
    alice = mailnet.gmail.add_mailbox("alice", password="secret")
    with smtplib.SMTP("smtp.gmail.com", 587, timeout=10) as client:
        client.starttls(context=ssl.create_default_context())
        client.login("alice@gmail.com", "secret")
        client.sendmail("alice@gmail.com", to, LETTER)
    mailnet.deliver_all()
    return alice


def test_a_mail_to_its_domain_arrives_there(client, inbox):
    send(client)

    assert inbox.kept == [("bob@b.example", ["alice@app.example"], LETTER, False)]


def test_its_refusal_is_what_the_client_hears(client):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(client, "nobody@app.example")

    assert refused.value.recipients == {"nobody@app.example": (550, b"5.1.1 No such alias")}


def test_what_it_has_taken_is_recorded(client, server, mailnet):
    send(client)

    [message] = server.messages
    assert message.content == LETTER
    assert [it.reply for it in mailnet.sessions[0].exchanges][-1] == b"250 2.0.0 Kept as 17\r\n"


def test_a_provider_delivers_to_it(server, mailnet, inbox):
    submitted(mailnet, "support@app.example")

    [(sender, recipients, content, _)] = inbox.kept
    assert (sender, recipients) == ("alice@gmail.com", ["support@app.example"])
    assert content.endswith(LETTER)


def test_what_it_refuses_comes_back_in_the_provider_s_words(server, mailnet):
    alice = submitted(mailnet, "nobody@app.example")

    [bounce] = alice.messages
    assert bounce.parsed["Subject"] == "Delivery Status Notification (Failure)"
    assert b"Diagnostic-Code: smtp; 550 5.1.1 No such alias\r\n" in bounce.content


def test_a_server_that_is_not_there_defers_the_mail(mailnet):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        at = closed.getsockname()
    mailnet.add_server("mx.app.example", domain="app.example", at=at)

    submitted(mailnet, "support@app.example")

    [waiting] = mailnet.queue
    assert waiting.reason == "the server closed the connection (mx.app.example)"
    lost = f"the application's server at 127.0.0.1:{at[1]} is gone: Connection refused"
    assert mailnet.sessions[-1].ended == lost


def test_a_scripted_refusal_of_a_recipient_never_gets_there(client, server, inbox):
    server.on_rcpt().reply("450 4.2.0 Greylisted").times(1)

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(client)
    send(client)

    assert len(inbox.kept) == 1


def test_a_content_that_the_test_refuses_is_not_taken_there(client, server, inbox):
    server.on_message().reply("452 4.3.1 Full").times(1)

    with pytest.raises(smtplib.SMTPDataError, match=r"4\.3\.1 Full"):
        send(client, content=b"Subject: refused\r\n\r\nno\r\n")
    send(client)

    assert [content for _, _, content, _ in inbox.kept] == [LETTER]


def test_faults_hold_on_the_way(client, server, inbox, mailnet):
    server.fail("reset-after-dot", times=1)

    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(client)

    assert len(inbox.kept) == 1


def test_a_mail_that_breaks_off_is_not_taken(client, server, inbox):
    server.fail("reset-in-content", times=1)

    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(client, content=b"Subject: long\r\n\r\n" + b"x" * 70 + b"\r\n" * 100)

    assert inbox.kept == []


def test_both_ways_are_encrypted_where_the_server_offers_it(started, mailnet, inbox):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("somewhere.else.example").configure_cert(context)
    mailnet.add_server("mx.app.example", domain="app.example", at=started(tls_context=context))

    submitted(mailnet, "support@app.example")

    [(*_, encrypted)] = inbox.kept
    assert encrypted
    assert mailnet.sessions[-1].tls


def test_after_a_refused_content_the_new_connection_is_encrypted_as_the_last_was(started, mailnet, inbox):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.app.example").configure_cert(context)
    server = mailnet.add_server("mx.app.example", domain="app.example", at=started(tls_context=context))
    server.on_message().reply("452 4.3.1 Full").times(1)

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        client.starttls(context=ssl.create_default_context())
        with pytest.raises(smtplib.SMTPDataError):
            send(client)
        send(client)

    assert [encrypted for *_, encrypted in inbox.kept] == [True]


def test_starttls_can_be_stripped_on_the_way(started, mailnet):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.app.example").configure_cert(context)
    server = mailnet.add_server("mx.app.example", at=started(tls_context=context))
    server.tls.strip_starttls()

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        client.ehlo()

    assert not client.has_extn("STARTTLS")
    assert client.has_extn("SIZE")


def test_it_is_told_who_connects_by_the_proxy_protocol(started, mailnet, inbox):
    at = started(proxy_protocol_timeout=1)
    mailnet.add_server("mx.app.example", domain="app.example", at=at, announce="PROXY")

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        send(client)
    submitted(mailnet, "support@app.example")

    assert inbox.peers == [mailnet.sender.ip, mailnet.sessions[-1].client.ip]
    assert len(inbox.kept) == 2


def answering(replies):
    """A server that says fixed lines, one for each line that it gets; gives its address and what it heard."""
    heard = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as peer, peer.makefile("rb") as lines:
            for reply in replies:
                peer.sendall(reply)
                heard.append(lines.readline())

    thread = threading.Thread(target=serve)
    thread.start()
    return listener.getsockname(), heard, thread


def answering_xclient():
    hello = b"250-there\r\n250 XCLIENT NAME ADDR PORT\r\n"
    return answering([b"220 there\r\n", hello, b"220 you\r\n", b"250 you\r\n", b"221 bye\r\n"])


def test_it_is_told_who_connects_by_xclient(mailnet):
    at, heard, thread = answering_xclient()
    mailnet.add_server("mx.app.example", at=at, announce="XCLIENT")

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        client.helo("app.sender.example")

    thread.join(10)
    [session] = mailnet.sessions
    known = f"NAME=app.sender.example ADDR={mailnet.sender.ip} PORT={session.client.port}"
    assert heard[:2] == [b"EHLO mx.app.example\r\n", f"XCLIENT {known}\r\n".encode()]
    assert heard[2:] == [b"helo app.sender.example\r\n", b"QUIT\r\n", b""]


def announced_name(mailnet):
    at, heard, thread = answering_xclient()
    mailnet.add_server("mx.app.example", at=at, announce="XCLIENT")
    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        client.helo("app.sender.example")
    thread.join(10)
    return heard[1].split()[1]


def test_a_client_without_a_reverse_name_is_announced_without_one(mailnet):
    mailnet.sender.ptr = None

    assert announced_name(mailnet) == b"NAME=[UNAVAILABLE]"


@pytest.mark.parametrize(
    ("name", "fault", "told"),
    [
        ("app.sender.example", "NXDOMAIN", b"NAME=[UNAVAILABLE]"),
        ("app.sender.example", "SERVFAIL", b"NAME=[TEMPUNAVAIL]"),
        ("7.113.0.203.in-addr.arpa", "SERVFAIL", b"NAME=[TEMPUNAVAIL]"),
    ],
)
def test_a_client_whose_name_is_not_verified_is_announced_without_one(mailnet, name, fault, told):
    mailnet.dns.fail(name, fault)

    assert announced_name(mailnet) == told


def test_a_server_that_speaks_lmtp_is_told_who_connects_after_lhlo(mailnet):
    at, heard, thread = answering_xclient()
    mailnet.add_server("mx.app.example", at=at, announce="XCLIENT", lmtp=True)

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        client.helo("app.sender.example")

    thread.join(10)
    assert heard[0] == b"LHLO mx.app.example\r\n"
    assert heard[2] == b"LHLO app.sender.example\r\n"


def test_a_server_that_takes_no_xclient_is_an_error_that_says_what_to_do():
    at, _, thread = answering([b"220 there\r\n", b"250 there\r\n"])

    with pytest.raises(ExpectationFailed, match="offer XCLIENT"), MailNet() as net:  # noqa: PT012  # at its end
        net.add_server("mx.app.example", at=at, announce="XCLIENT")
        with pytest.raises(smtplib.SMTPConnectError):
            smtplib.SMTP("mx.app.example", timeout=10)

    thread.join(10)


@pytest.mark.parametrize(
    "at", ["127.0.0.1:8025", ("mx.app.example", 25), ("127.0.0.1", 0), ("127.0.0.1",), 8025]
)
def test_a_place_where_nothing_can_listen_is_refused(mailnet, at):
    with pytest.raises(
        InvalidSetting, match=r"add_server\('mx.app.example', at=.* as in \('127.0.0.1', 8025\)"
    ):
        mailnet.add_server("mx.app.example", at=at)


def test_a_way_to_announce_that_does_not_exist_is_refused_with_a_near_miss(mailnet):
    with pytest.raises(InvalidSetting, match=r"announce='XCLIEN'\).*did you mean 'XCLIENT'"):
        mailnet.add_server("mx.app.example", at=("127.0.0.1", 8025), announce="XCLIEN")


def test_a_server_has_a_handler_or_is_elsewhere(mailnet, inbox):
    with pytest.raises(InvalidSetting, match="a server has a handler, or is elsewhere"):
        mailnet.add_server("mx.app.example", handler=inbox, at=("127.0.0.1", 8025))


def speaking_lmtp(*after_the_dot):
    """A server that speaks LMTP: takes one mail for some recipients; gives its address and what it heard."""
    heard = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener, listener.accept()[0] as peer, peer.makefile("rb") as lines:
            peer.sendall(b"220 there\r\n")
            for line in lines:
                heard.append(line)
                if line == b".\r\n":
                    peer.sendall(b"".join(after_the_dot))
                elif line.upper().startswith((b"LHLO", b"MAIL", b"RCPT", b"RSET")):
                    peer.sendall(b"250 OK\r\n")
                elif line.upper() == b"QUIT\r\n":
                    peer.sendall(b"221 Bye\r\n")
                elif line.upper() == b"DATA\r\n":
                    peer.sendall(b"354 Go\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    return listener.getsockname(), heard, thread


def test_a_server_that_speaks_lmtp_is_spoken_to_so(mailnet):
    at, heard, thread = speaking_lmtp(b"250 2.0.0 kept\r\n", b"250 2.0.0 kept too\r\n")
    mailnet.add_server("mx.app.example", domain="app.example", at=at, lmtp=True)

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        client.ehlo("app.sender.example")
        send(client, "a@app.example", "b@app.example")

    thread.join(10)
    assert heard[0] == b"LHLO app.sender.example\r\n"
    assert mailnet.messages[0].recipients == ("a@app.example", "b@app.example")


def test_whom_it_refuses_alone_after_the_dot_gets_the_mail_returned(mailnet):
    at, _, thread = speaking_lmtp(b"250 2.0.0 kept\r\n", b"552 5.2.2 full\r\n")
    mailnet.add_server("mx.app.example", domain="app.example", at=at, lmtp=True)

    alice = submitted(mailnet, "a@app.example", "b@app.example")

    thread.join(10)
    [bounce] = alice.messages
    assert b"Reporting-MTA: dns; mx.app.example\r\n" in bounce.content
    assert b"Final-Recipient: rfc822;b@app.example\r\n" in bounce.content
    assert b"552 5.2.2 full" in bounce.content


def test_where_all_are_refused_the_client_is_told_so(mailnet):
    at, _, thread = speaking_lmtp(b"552 5.2.2 full\r\n", b"552 5.2.2 full too\r\n")
    mailnet.add_server("mx.app.example", domain="app.example", at=at, lmtp=True)

    with (
        smtplib.SMTP("mx.app.example", timeout=10) as client,
        pytest.raises(smtplib.SMTPDataError, match="full"),
    ):
        send(client, "a@app.example", "b@app.example")

    thread.join(10)


def test_a_client_that_speaks_lmtp_hears_every_reply(mailnet):
    at, _, thread = speaking_lmtp(b"250 2.0.0 kept\r\n", b"552 5.2.2 full\r\n")
    mailnet.add_server("lmtp.app.example", ports=(24,), at=at)

    client = smtplib.LMTP("lmtp.app.example", 24)
    client.sendmail("bob@b.example", ["a@app.example", "b@app.example"], LETTER)
    second = client.getreply()
    client.close()

    thread.join(10)
    assert second == (552, b"5.2.2 full")
