"""Servers with a handler of aiosmtpd: its hooks decide, and the net is around them."""

from __future__ import annotations

import asyncio
import functools
import smtplib
import socket
import ssl
import threading

import pytest
from aiosmtpd.handlers import Message as MessageHandler
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult

from pytest_mailnet import ExpectationFailed, InvalidSetting
from pytest_mailnet.net.mailnet import life_of

LETTER = b"Subject: hi\r\n\r\n.one\r\ntwo\r\n"


class Inbox:
    """An application's inbound code: refuses some, and keeps what it takes."""

    def __init__(self):
        self.kept = []
        self.peers = []
        self.threads = set()

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        self.peers.append(session.peer)
        self.threads.add(threading.current_thread().name)
        if address.startswith("nobody@"):
            return "550 5.1.1 No such alias"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(0.001)
        self.kept.append((envelope.mail_from, envelope.rcpt_tos, envelope.content, session.ssl is not None))
        return "250 Kept"


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def server(mailnet, inbox):
    return mailnet.add_server("mx.app.example", domain="app.example", handler=inbox)


@pytest.fixture
def client(server):
    with smtplib.SMTP("mx.app.example", timeout=10) as connected:
        yield connected


def send(client, to="alice@app.example", content=LETTER):
    return client.sendmail("bob@b.example", [to], content)


def test_a_mail_goes_through_the_hooks(client, inbox):
    send(client)

    assert inbox.kept == [("bob@b.example", ["alice@app.example"], LETTER, False)]


def test_the_hooks_see_the_client_as_the_net_has_it(mailnet, client, inbox):
    send(client)

    [session] = mailnet.sessions
    assert inbox.peers == [tuple(session.client)]
    assert session.client.ip == mailnet.sender.ip


def test_a_hook_s_refusal_is_what_the_client_hears(client):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(client, "nobody@app.example")

    assert refused.value.recipients == {"nobody@app.example": (550, b"5.1.1 No such alias")}


def test_the_session_stands_in_the_record_to_the_letter(server, client):
    send(client)
    client.quit()

    [session] = server.sessions
    assert session.replies == [
        "220 mx.app.example Python SMTP 1.4.6",
        "250-mx.app.example\r\n250-SIZE 33554432\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-STARTTLS\r\n250 HELP",
        "250 OK",
        "250 OK",
        "354 End data with <CR><LF>.<CR><LF>",
        "250 Kept",
        "221 Bye",
    ]
    assert session.ended == "client quit"
    assert [it.split()[0].upper() for it in session.commands] == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]


def test_what_the_hooks_take_are_messages_of_the_net(mailnet, server, client):
    send(client)

    [message] = server.messages
    assert mailnet.messages == [message]
    assert mailnet.sessions[0].messages == [message]
    assert (message.sender, message.recipients, message.content) == (
        "bob@b.example",
        ("alice@app.example",),
        LETTER,
    )


def test_what_the_hooks_refuse_is_no_message(mailnet, client):
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(client, "nobody@app.example")

    assert mailnet.messages == []


def test_starttls_is_by_the_net_s_authority_and_the_hooks_know(mailnet, client, inbox):
    client.starttls(context=ssl.create_default_context())
    send(client)

    assert inbox.kept[0][3] is True
    assert mailnet.sessions[0].tls == "TLSv1.3"
    assert "starttls" not in client.esmtp_features


def test_port_465_is_tls_from_the_first_byte(mailnet, server, inbox):
    with smtplib.SMTP_SSL("mx.app.example", timeout=10, context=ssl.create_default_context()) as client:
        send(client)

    assert len(inbox.kept) == 1
    assert mailnet.sessions[0].replies[0] == "220 mx.app.example Python SMTP 1.4.6"


def test_a_handler_is_told_of_starttls_and_may_refuse(mailnet):
    class Strict(Sink):
        def handle_STARTTLS(self, server, session, envelope):
            return False

    mailnet.add_server("mx.app.example", domain="app.example", handler=Strict())

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        client.starttls(context=ssl.create_default_context())
        assert client.docmd("EHLO app.example") == (554, b"Command refused due to lack of security")


@pytest.mark.parametrize(
    ("script", "reply"),
    [
        (lambda it: it.on_rcpt("alice@*").reply("452 4.2.2 Full"), (452, b"4.2.2 Full")),
        (lambda it: it.on_mail("bob@*").reply("550 5.7.1 Not you"), (550, b"5.7.1 Not you")),
        (lambda it: it.on_data().reply("451 4.3.0 Not now"), (451, b"4.3.0 Not now")),
        (lambda it: it.on_message("alice@*").reply("554 5.7.1 Spam"), (554, b"5.7.1 Spam")),
    ],
)
def test_a_scripted_refusal_comes_before_the_hooks(server, client, inbox, script, reply):
    script(server).times(1)

    with pytest.raises(smtplib.SMTPException) as refused:
        send(client)

    assert reply[1].decode() in str(refused.value)
    assert inbox.kept == []
    client.rset()
    send(client)  # and goes on where it was
    assert len(inbox.kept) == 1


class OldGreeter(Inbox):
    """A hook for EHLO in the form that aiosmtpd had first."""

    async def handle_EHLO(self, server, session, envelope, hostname):
        session.host_name = hostname
        return "250 Old"


class NewGreeter(Inbox):
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        return responses


@pytest.mark.filterwarnings("ignore:Use the 5-argument handle_EHLO:DeprecationWarning")
@pytest.mark.parametrize("handler", [OldGreeter, NewGreeter])
def test_a_scripted_yes_to_ehlo_asks_no_hook(mailnet, handler):
    server = mailnet.add_server("mx.app.example", domain="app.example", handler=handler())
    server.on_ehlo().reply("250 as the test says").times(1)

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        assert client.ehlo() == (250, b"as the test says")
        send(client)


@pytest.mark.parametrize("stage", ["rcpt", "mail", "message", "ehlo", "data", "connect"])
def test_a_scripted_yes_is_said_in_place_of_the_server_s(mailnet, server, stage):
    code = {"connect": 220, "data": 354}.get(stage, 250)
    getattr(server, f"on_{stage}")().reply(f"{code} as the test says").times(1)

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        send(client)

    assert [it for it in mailnet.sessions[0].replies if it.endswith("as the test says")] == [
        f"{code} as the test says"
    ]


def test_a_scripted_yes_to_a_recipient_asks_no_hook(server, client, inbox):
    server.on_rcpt("nobody@*").reply("250 2.1.5 Let in")

    send(client, "nobody@app.example")

    assert inbox.peers == []
    assert inbox.kept[0][1] == ["nobody@app.example"]


def test_a_scripted_yes_to_a_mail_asks_no_hook(mailnet, server, client, inbox):
    server.on_message().reply("250 2.0.0 Taken")

    send(client)

    assert inbox.kept == []
    assert [it.content for it in mailnet.messages] == [LETTER]


def test_a_scripted_refusal_in_place_of_the_banner_ends_the_session(server):
    server.on_connect().reply("554 5.7.1 Go away")

    with pytest.raises(smtplib.SMTPConnectError) as refused:
        smtplib.SMTP("mx.app.example", timeout=10)

    assert refused.value.args == (554, b"5.7.1 Go away")


@pytest.mark.parametrize("stage", ["rcpt", "message"])
def test_a_scripted_disconnect_closes_the_connection(server, client, inbox, stage):
    getattr(server, f"on_{stage}")().disconnect()

    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(client)

    assert inbox.kept == []


def test_commands_out_of_order_are_the_handler_s_server_s_to_refuse(server, client):
    server.on_rcpt().reply("550 5.1.1 Never asked").times(1)
    client.ehlo()

    assert client.docmd("RCPT TO:<a@app.example>") == (503, b"Error: need MAIL command")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(client)


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("NOOP", (250, b"OK")),
        ("RSET", (250, b"OK")),
        ("MAIL bob", (501, b"Syntax: MAIL FROM: <address> [SP <mail-parameters>]")),
        ("RCPT TO:<", (503, b"Error: need MAIL command")),
        ("XYZZY", (500, b'Error: command "XYZZY" not recognized')),
    ],
)
def test_every_other_command_is_answered_by_aiosmtpd(client, command, reply):
    client.ehlo()

    assert client.docmd(command) == reply


def test_pipelined_commands_are_answered_one_after_the_other(server, inbox):
    pipelined = (
        b"EHLO b.example\r\nMAIL FROM:<bob@b.example>\r\nRCPT TO:<alice@app.example>\r\nDATA\r\n"
        + LETTER.replace(b"\r\n.", b"\r\n..")
        + b".\r\nQUIT\r\n"
    )

    with socket.create_connection(("mx.app.example", 25), 10) as sock:
        sock.sendall(pipelined)
        said = b"".join(iter(lambda: sock.recv(4096), b""))

    assert [line[:3] for line in said.splitlines() if line[3:4] == b" "] == [
        b"220",
        b"250",
        b"250",
        b"250",
        b"354",
        b"250",
        b"221",
    ]
    assert len(inbox.kept) == 1


def test_what_only_looks_like_an_end_is_content(client, inbox):
    smuggled = b"Subject: one\r\n\r\nhi\n.\nMAIL FROM:<forged@b.example>\n.\r\nend\r\n"

    client.ehlo()
    client.mail("bob@b.example")
    client.rcpt("alice@app.example")
    client.docmd("DATA")
    client.sock.sendall(smuggled + b".\r\n")

    assert client.getreply()[0] == 250
    assert [content for _, _, content, _ in inbox.kept] == [smuggled]


@pytest.mark.parametrize(
    "fault",
    [
        "reset-after-dot",
        "closed-at-rcpt",
        "reset-at-mail",
        "closed-at-connect",
        "reset-at-connect",
        "refused-at-connect",
    ],
)
def test_faults_happen_as_on_any_server(server, inbox, fault):
    server.fail(fault, times=1)

    with (
        pytest.raises((OSError, smtplib.SMTPException)),
        smtplib.SMTP("mx.app.example", timeout=10) as client,
    ):
        send(client)
    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        send(client)

    assert len(inbox.kept) == (2 if fault == "reset-after-dot" else 1)


def test_a_late_reply_comes_when_the_clock_says(mailnet, server, inbox):
    mailnet.clock.compress()
    server.fail("late-after-dot", times=1)

    with smtplib.SMTP("mx.app.example", timeout=30) as client, pytest.raises(smtplib.SMTPServerDisconnected):
        send(client)

    assert len(inbox.kept) == 1


def test_a_hook_s_exception_fails_the_test(make_mailnet):
    class Broken:
        async def handle_DATA(self, server, session, envelope):
            raise KeyError("alias")

    with pytest.raises(ExpectationFailed) as failed, make_mailnet() as net:  # noqa: PT012  # raised at its end
        net.add_server("mx.app.example", domain="app.example", handler=Broken())
        with smtplib.SMTP("mx.app.example", timeout=10) as client, pytest.raises(smtplib.SMTPDataError):
            send(client)

    assert str(failed.value) == (
        "KeyError at MESSAGE of session 1 with mx.app.example: 'alias'. "
        "The client was told 500 Error: (KeyError) 'alias'"
    )
    assert isinstance(failed.value.__cause__, KeyError)


def test_a_server_that_cannot_be_made_fails_the_test_and_hangs_nobody(make_mailnet):
    class Broken(SMTP):
        def __init__(self, handler, **settings):
            raise KeyError("settings")

    with pytest.raises(ExpectationFailed) as failed, make_mailnet() as net:  # noqa: PT012  # raised at its end
        net.add_server("mx.app.example", domain="app.example", handler=Sink(), factory=Broken)
        with pytest.raises(smtplib.SMTPConnectError):
            smtplib.SMTP("mx.app.example", timeout=10)

    assert str(failed.value) == (
        "KeyError at CONNECT of session 1 with mx.app.example: 'settings'. "
        "The client was told 421 4.3.0 The server could not be made"
    )


def test_an_exception_that_the_handler_answers_is_its_own_affair(mailnet):
    class Careful:
        async def handle_DATA(self, server, session, envelope):
            raise KeyError("alias")

        async def handle_exception(self, error):
            return "451 4.3.0 Try later"

    mailnet.add_server("mx.app.example", domain="app.example", handler=Careful())

    with smtplib.SMTP("mx.app.example", timeout=10) as client, pytest.raises(smtplib.SMTPDataError) as told:
        send(client)

    assert told.value.args == (451, b"4.3.0 Try later")


def test_a_hook_may_block_and_send_mail_itself(mailnet):
    class Forwards:
        async def handle_DATA(self, server, session, envelope):
            with smtplib.SMTP("mx.shop.example", timeout=10) as client:
                client.sendmail("alias@app.example", ["sales@shop.example"], envelope.content)
            return "250 Forwarded"

    mailnet.add_server("mx.app.example", domain="app.example", handler=Forwards())
    shop = mailnet.add_server("mx.shop.example", domain="shop.example")

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        send(client)

    assert [(it.sender, it.content) for it in shop.messages] == [("alias@app.example", LETTER)]


def test_hooks_are_awaited_in_one_thread_that_ends_with_the_net(make_mailnet, inbox):
    with make_mailnet() as net:
        net.add_server("mx.app.example", domain="app.example", handler=inbox)
        for _ in range(2):
            with smtplib.SMTP("mx.app.example", timeout=10) as client:
                send(client)

    assert inbox.threads == {"mailnet handler"}
    assert "mailnet handler" not in [it.name for it in threading.enumerate()]


def test_a_connection_that_stands_when_the_net_is_left_leaves_no_task(make_mailnet, inbox):
    with make_mailnet() as net:
        net.add_server("mx.app.example", domain="app.example", handler=inbox)
        client = smtplib.SMTP("mx.app.example", timeout=10)
        client.ehlo()

    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.mail("bob@b.example")


class Accounts:
    """An authenticator."""

    def __call__(self, server, session, envelope, mechanism, auth_data):
        return AuthResult(success=auth_data.password == b"secret", handled=False)


@pytest.fixture
def guarded(mailnet):
    factory = functools.partial(SMTP, authenticator=Accounts(), auth_required=True)
    return mailnet.add_server("mx.app.example", domain="app.example", handler=Sink(), factory=factory)


@pytest.fixture
def encrypted(guarded):
    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        client.starttls(context=ssl.create_default_context())
        yield client


def test_arguments_of_the_server_go_through_a_partial(mailnet, encrypted):
    with pytest.raises(smtplib.SMTPSenderRefused, match="Authentication required"):
        send(encrypted)
    encrypted.login("alice", "secret")
    send(encrypted)

    assert mailnet.sessions[0].user == "alice"


def test_a_wrong_password_is_refused_by_the_authenticator(mailnet, encrypted):
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        encrypted.login("alice", "wrong")

    assert refused.value.args == (535, b"5.7.8 Authentication credentials invalid")
    assert mailnet.sessions[0].user is None


def test_a_scripted_refusal_of_a_log_in_comes_before_the_authenticator(guarded, encrypted):
    guarded.on_auth("alice").reply("454 4.7.0 Temporary authentication failure").times(1)

    encrypted.ehlo()
    said = encrypted.docmd("AUTH", "PLAIN AGFsaWNlAHNlY3JldA==")

    assert said == (454, b"4.7.0 Temporary authentication failure")


def test_the_factory_s_own_methods_are_called(mailnet):
    class Loud(SMTP):
        async def smtp_NOOP(self, arg):
            await self.push("250 NOTHING DONE")

    mailnet.add_server("mx.app.example", domain="app.example", handler=Sink(), factory=Loud)

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        assert client.noop() == (250, b"NOTHING DONE")


def test_a_handler_of_aiosmtpd_s_own_works(mailnet):
    subjects = []

    class Parsed(MessageHandler):
        def handle_message(self, message):
            subjects.append(message["Subject"])

    mailnet.add_server("mx.app.example", domain="app.example", handler=Parsed())

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        send(client)

    assert subjects == ["hi"]


def test_an_ehlo_hook_changes_what_is_offered(mailnet):
    class Offers(Sink):
        async def handle_EHLO(self, server, session, envelope, hostname, responses):
            session.host_name = hostname
            return [it for it in responses if "SIZE" not in it]

    mailnet.add_server("mx.app.example", domain="app.example", handler=Offers())

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        client.ehlo()

        assert sorted(client.esmtp_features) == ["8bitmime", "help", "smtputf8", "starttls"]


def test_the_host_s_own_wishes_about_tls_hold(server):
    server.tls.strip_starttls()

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        client.ehlo()

        assert "starttls" not in client.esmtp_features


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"handler": Inbox},
            "mailnet.add_server('mx.app.example', handler=Inbox): it takes an object with hooks: Inbox()",
        ),
        (
            {"handler": Inbox(), "factory": "SMTP"},
            "mailnet.add_server('mx.app.example', factory='SMTP'): it takes a subclass of aiosmtpd.smtp.SMTP, or functools.partial(SMTP, auth_required=True, ...)",
        ),
        (
            {"handler": Inbox(), "factory": functools.partial(SMTP, None)},
            "mailnet.add_server('mx.app.example', factory=...): further arguments of SMTP are given by name",
        ),
        (
            {"handler": Inbox(), "factory": functools.partial(SMTP, colour="red")},
            "mailnet.add_server('mx.app.example', factory=...): SMTP: got an unexpected keyword argument 'colour'",
        ),
        (
            {"factory": SMTP},
            "mailnet.add_server('mx.app.example', factory=...): it needs the handler whose hooks the server calls, handler=...",
        ),
    ],
)
def test_what_is_no_handler_is_told_where_it_is_written(mailnet, given, told):
    with pytest.raises(InvalidSetting) as refused:
        mailnet.add_server("mx.app.example", domain="app.example", **given)

    assert str(refused.value) == told


def test_a_mailbox_at_a_handler_would_have_no_effect(server):
    with pytest.raises(InvalidSetting) as refused:
        server.add_mailbox("alice")

    assert str(refused.value) == (
        "add_mailbox('alice'): mx.app.example is served by the application, which decides itself who has a mailbox"
    )


def test_a_net_without_handlers_never_imports_aiosmtpd(pytester):
    pytester.makepyfile(
        """
        import smtplib, sys

        def test_it(mailnet):
            mailnet.add_server("mx.shop.example", domain="shop.example")
            with smtplib.SMTP("mx.shop.example") as client:
                client.sendmail("bob@b.example", ["a@shop.example"], b"Subject: hi")
            assert "aiosmtpd" not in sys.modules
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_engine_goes_on_while_a_hook_blocks(mailnet):
    entered, released = threading.Event(), threading.Event()

    class Slow(Sink):
        async def handle_DATA(self, server, session, envelope):
            entered.set()
            released.wait(10)
            return "250 At last"

    mailnet.add_server("mx.app.example", domain="app.example", handler=Slow())
    mailnet.add_server("mx.shop.example", domain="shop.example")

    def deliver():
        with smtplib.SMTP("mx.app.example", timeout=10) as client:
            send(client)

    sender = threading.Thread(target=deliver)
    sender.start()
    try:
        assert entered.wait(10)
        with smtplib.SMTP("mx.shop.example", timeout=10) as client:
            send(client, "a@shop.example")
    finally:
        released.set()
        sender.join()

    assert [it.provider for it in mailnet.messages] == ["mx.shop.example", "mx.app.example"]
    assert life_of(mailnet).journal.incidents == []


def test_a_mail_that_a_hook_takes_after_its_sender_has_gone_was_taken(mailnet):
    entered, released = threading.Event(), threading.Event()

    class Slow(Sink):
        async def handle_DATA(self, server, session, envelope):
            entered.set()
            released.wait(10)
            return "250 At last"

    mailnet.add_server("mx.app.example", domain="app.example", handler=Slow())
    client = smtplib.SMTP("mx.app.example", timeout=10)
    client.ehlo()
    client.mail("bob@b.example")
    client.rcpt("alice@app.example")
    client.docmd("DATA")
    client.send(LETTER + b".\r\n")
    assert entered.wait(10)

    client.close()
    released.set()

    [message] = mailnet.wait_for_messages(1)
    assert message.recipients == ("alice@app.example",)


def test_a_provider_relays_to_a_handler(mailnet, server, inbox):
    mailnet.gmail.add_mailbox("bob", password="secret")
    with smtplib.SMTP("smtp.gmail.com", 587, timeout=10) as client:
        client.starttls(context=ssl.create_default_context())
        client.login("bob@gmail.com", "secret")
        client.sendmail("bob@gmail.com", ["alice@app.example", "nobody@app.example"], LETTER)

    mailnet.deliver_all()

    assert [(sender, to, encrypted) for sender, to, _, encrypted in inbox.kept] == [
        ("bob@gmail.com", ["alice@app.example"], True)
    ]
    assert inbox.kept[0][2].endswith(LETTER.partition(b"\r\n\r\n")[2])
    [bounce] = mailnet.gmail.mailbox("bob").messages
    assert "550 5.1.1 No such alias" in bounce.content.decode()
    assert list(mailnet.queue) == []


def test_a_handler_that_forwards_what_a_provider_relays_to_it(mailnet):
    class Forwards:
        async def handle_DATA(self, server, session, envelope):
            with smtplib.SMTP("mx.shop.example", timeout=10) as client:
                client.sendmail("alias@app.example", ["sales@shop.example"], envelope.content)
            return "250 Forwarded"

    mailnet.add_server("mx.app.example", domain="app.example", handler=Forwards())
    shop = mailnet.add_server("mx.shop.example", domain="shop.example")
    relay = mailnet.add_server("relay.app.example", domain="relay.app.example")
    relay.trust(mailnet.sender.ip)
    with smtplib.SMTP("relay.app.example", timeout=10) as client:
        send(client)

    mailnet.deliver_all()

    assert [it.sender for it in shop.messages] == ["alias@app.example"]


@pytest.mark.parametrize("end", ["close", "abort", "write_eof"])
def test_a_server_of_the_application_s_can_end_the_connection_in_each_way(mailnet, inbox, end):
    class Leaving(SMTP):
        async def smtp_NOOP(self, arg):
            getattr(self.transport, end)()

    mailnet.add_server("mx.app.example", domain="app.example", handler=inbox, factory=Leaving)

    with smtplib.SMTP("mx.app.example", timeout=10) as client, pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()


def test_what_is_written_after_the_end_goes_nowhere(mailnet, inbox):
    class Leaving(SMTP):
        async def smtp_NOOP(self, arg):
            self.transport.close()
            for _ in range(100):
                await self.push("250 And again")

    mailnet.add_server("mx.app.example", domain="app.example", handler=inbox, factory=Leaving)

    with (
        socket.create_connection(("mx.app.example", 25), timeout=10) as client,
        client.makefile("rb") as replies,
    ):
        banner = replies.readline()
        client.sendall(b"NOOP\r\nNOOP\r\n")
        said = replies.read()

    assert banner.startswith(b"220 ")
    assert said == b""
