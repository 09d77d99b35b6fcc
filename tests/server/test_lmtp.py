"""LMTP (RFC 2033): LHLO, and after the final dot a reply for each recipient."""

from __future__ import annotations

import smtplib

import pytest

from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.timeline.story import timeline

HOST = "lmtp.shop.example"
MAIL = "Subject: hi\r\n\r\nhello\r\n"
QUEUED = "250 2.0.0 OK queued as "


@pytest.fixture
def store(mailnet):
    return mailnet.add_server(HOST, domain="shop.example", ports=(24, 25))


@pytest.fixture
def client(store, converse):
    """A conversation in which the content of a mail to a, b and c is next."""
    talk = converse(HOST, 24)
    talk.say("LHLO app.example")
    return talk


def name(client, *recipients):
    assert client.say("MAIL FROM:<bob@sender.example>")[:3] == "250"
    for recipient in recipients:
        assert client.say(f"RCPT TO:<{recipient}@shop.example>")[:3] == "250"


def deliver(client, *recipients):
    """Hand a mail over, and return the replies after the dot."""
    name(client, *recipients)
    assert client.say("DATA")[:3] == "354"
    client.send(f"{MAIL}.\r\n".encode())
    return [client.reply() for _ in recipients]


def test_smtplib_delivers(mailnet, store):
    with smtplib.LMTP(HOST, 24) as client:
        refused = client.sendmail("bob@sender.example", ["a@shop.example"], MAIL)

    [message] = store.mailbox("a").messages
    assert refused == {}
    assert message.text == "hello\n"
    assert mailnet.sessions[0].commands[0] == "lhlo app.sender.example"


def test_smtplib_is_told_who_was_refused(store):
    store.on_rcpt("b@*").reply("550 5.1.1 Nobody")

    with smtplib.LMTP(HOST, 24) as client:
        refused = client.sendmail("bob@sender.example", ["a@shop.example", "b@shop.example"], MAIL)

    assert refused == {"b@shop.example": (550, b"5.1.1 Nobody")}
    assert store.messages[0].recipients == ("a@shop.example",)


def test_smtplib_reads_one_reply_and_takes_the_next_for_another_command_s(store):
    # Its `data` reads one, whatever the protocol: what is said of b comes as the reply to RSET.
    store.on_message("b@*").reply("452 4.2.2 Mailbox full")

    client = smtplib.LMTP(HOST, 24)
    assert client.sendmail("bob@sender.example", ["a@shop.example", "b@shop.example"], MAIL) == {}
    assert client.rset() == (452, b"4.2.2 Mailbox full")
    client.close()


def test_lhlo_lists_the_extensions_and_stands_for_ehlo_and_helo(store, converse):
    client = converse(HOST, 24)

    assert client.banner == f"220 {HOST} LMTP server ready\r\n"
    assert client.say("EHLO app.example") == "500 5.5.2 Syntax error, command unrecognized\r\n"
    assert client.say("HELO app.example") == "500 5.5.2 Syntax error, command unrecognized\r\n"
    assert client.say("MAIL FROM:<bob@sender.example>") == (
        "503 5.5.1 Bad sequence of commands: send LHLO first\r\n"
    )
    assert client.say("LHLO") == "501 5.5.4 Syntax error in parameters or arguments: LHLO hostname\r\n"
    said = client.say("LHLO app.example")
    assert said.startswith(f"250-{HOST}\r\n250-SIZE 35651584\r\n")
    assert "PIPELINING" in said
    assert client.say("MAIL FROM:<bob@sender.example> SIZE=10") == "250 2.1.0 OK\r\n"


def test_elsewhere_lhlo_is_unknown(store, converse):
    client = converse(HOST, 25)

    assert client.say("LHLO app.example") == "500 5.5.2 Syntax error, command unrecognized\r\n"
    assert client.say("EHLO app.example")[:3] == "250"


def test_the_ports_of_lmtp_can_be_set(mailnet, store, converse):
    store.host.ports = (24, 2003)
    assert store.host.lmtp_ports == (24,)

    store.host.lmtp_ports = (2003,)

    assert converse(HOST, 2003).say("LHLO app.example")[:3] == "250"
    assert converse(HOST, 24).say("EHLO app.example")[:3] == "250"


def test_each_recipient_gets_a_reply_in_order(store, client):
    store.on_message("b@*").reply("452 4.2.2 <{recipient}> is full")

    first, second, third = deliver(client, "a", "b", "c")

    assert first.startswith(QUEUED)
    assert second == "452 4.2.2 <b@shop.example> is full\r\n"
    assert third.startswith(QUEUED)
    assert client.say("NOOP") == "250 2.0.0 OK\r\n"


def test_the_mail_is_delivered_once_to_those_who_got_a_yes(mailnet, store, client):
    for box in "abc":
        store.add_mailbox(box)
    store.on_message("b@*").reply("552 5.2.2 Mailbox full")

    deliver(client, "a", "b", "c")

    [message] = mailnet.messages
    assert message.recipients == ("a@shop.example", "c@shop.example")
    assert [len(store.mailbox(box).messages) for box in "abc"] == [1, 0, 1]


def test_each_recipient_can_have_a_fate_of_its_own(mailnet, store, client):
    boxes = {it: store.add_mailbox(it) for it in "abcd"}
    store.on_message("b@*").junk()
    store.on_message("c@*").discard()

    assert [it[:3] for it in deliver(client, "a", "b", "c", "d")] == ["250"] * 4

    assert {it: (len(box.messages), len(box.junk)) for it, box in boxes.items()} == {
        "a": (1, 0),
        "b": (0, 1),
        "c": (0, 0),
        "d": (1, 0),
    }
    assert mailnet.messages[0].recipients == ("a@shop.example", "d@shop.example")


def test_a_recipient_named_twice_gets_two_replies(store, client):
    assert [it[:3] for it in deliver(client, "a", "a")] == ["250", "250"]

    assert len(store.mailbox("a").messages) == 1


def test_a_function_decides_for_each_recipient(store, client):
    store.on_message(lambda step: step.recipients == ["b@shop.example"]).reply("451 4.3.0 Later")

    assert [it[:3] for it in deliver(client, "a", "b")] == ["250", "451"]


def test_a_mail_that_nobody_gets_is_none(mailnet, store, client):
    store.on_message().reply("451 4.3.0 Later")

    assert deliver(client, "a", "b") == ["451 4.3.0 Later\r\n"] * 2

    assert mailnet.messages == []


def test_mails_follow_each_other(store, client):
    store.on_message("b@*").reply("451 4.3.0 Later").times(1)

    assert [it[:3] for it in deliver(client, "a", "b")] == ["250", "451"]
    assert [it[:3] for it in deliver(client, "b", "a")] == ["250", "250"]

    assert len(store.messages) == 2


def test_without_recipients_data_is_refused_with_503(store, client):
    store.on_rcpt("b@*").reply("550 5.1.1 Nobody")
    wanted = "503 5.5.1 Bad sequence of commands: need RCPT before DATA\r\n"

    client.say("MAIL FROM:<bob@sender.example>")
    assert client.say("DATA") == wanted
    client.say("RCPT TO:<b@shop.example>")

    assert client.say("DATA") == wanted


def test_commands_pipelined_behind_the_dot_are_answered_behind_its_replies(store, client):
    name(client, "a", "b")
    client.say("DATA")

    client.send(f"{MAIL}.\r\nNOOP\r\nQUIT\r\n".encode())

    assert [client.reply()[:3] for _ in range(4)] == ["250", "250", "250", "221"]


def test_too_large_a_mail_is_refused_to_each(store, client):
    store.host.extensions.add("SIZE 5")

    assert [it[:3] for it in deliver(client, "a", "b")] == ["552", "552"]
    assert [it[:3] for it in deliver(client, "a")] == ["552"]


def test_the_last_chunk_gets_a_reply_for_each_and_those_before_it_get_one(store, client):
    store.on_message("b@*").reply("452 4.2.2 Mailbox full")
    name(client, "a", "b")

    assert client.say(b"BDAT 6\r\na: b\r\n")[:3] == "250"
    assert client.say(b"BDAT 4 LAST\r\n\r\nx\n")[:3] == "250"
    assert client.reply() == "452 4.2.2 Mailbox full\r\n"
    assert store.messages[0].content == b"a: b\r\n\r\nx\n"


def test_too_large_a_last_chunk_is_refused_to_each(store, client):
    store.host.extensions.add("SIZE 5")
    name(client, "a", "b")

    assert client.say(b"BDAT 6 LAST\r\na: b\r\n")[:3] == "552"
    assert client.reply()[:3] == "552"
    assert client.say("NOOP")[:3] == "250"


def test_a_refusal_at_the_last_chunk_is_said_to_each(store, client):
    store.on_data().reply("451 4.3.0 Later")
    name(client, "a", "b")

    assert client.say(b"BDAT 6 LAST\r\na: b\r\n") == client.reply() == "451 4.3.0 Later\r\n"


def test_a_server_can_hang_up_between_two_replies(mailnet, store, client):
    store.on_message("b@*").disconnect()
    name(client, "a", "b", "c")
    client.say("DATA")

    client.send(f"{MAIL}.\r\n".encode())

    assert client.reply().startswith(QUEUED)
    assert client.rest() == b""
    assert mailnet.sessions[0].ended == "the server hung up"


def test_a_fault_happens_to_one_reply(mailnet, store, client):
    store.fail("cut-after-dot", times=1)
    name(client, "a", "b")
    client.say("DATA")

    client.send(f"{MAIL}.\r\n".encode())

    assert client.rest().startswith(b"250 2.0.0 OK")
    assert mailnet.sessions[0].ended == "fault cut-after-dot"
    assert [it.recipients for it in mailnet.messages] == [("a@shop.example", "b@shop.example")]


def test_each_reply_can_be_late(mailnet, store, client):
    mailnet.clock.compress()
    store.fail("late-after-dot")
    client.socket.settimeout(3600)
    began = mailnet.clock.time()

    assert [it[:3] for it in deliver(client, "a", "b")] == ["250", "250"]

    assert mailnet.clock.time() - began >= 60


def test_a_reply_that_is_delayed_holds_up_those_behind_it(mailnet, store, client):
    mailnet.clock.compress()
    store.on_message("a@*").reply("250 2.0.0 At last").delayed(seconds=90)
    client.socket.settimeout(3600)
    began = mailnet.clock.time()

    assert [it[:3] for it in deliver(client, "a", "b")] == ["250", "250"]

    assert 90 <= mailnet.clock.time() - began < 180


def test_the_record_has_the_content_once_and_each_reply(mailnet, store, client):
    store.on_message("b@*").reply("452 4.2.2 Mailbox full")

    deliver(client, "a", "b")

    session = mailnet.sessions[0]
    assert [it.code for it in session.exchanges[-2:]] == [250, 452]
    assert [it.request for it in session.exchanges[-2:]] == [MAIL.encode(), b""]
    first = session.replies[-2]
    ends = ["C: hello", "C: .", f"S: {first}", "S: 452 4.2.2 Mailbox full"]
    assert str(session).splitlines()[-4:] == ends
    told = timeline(life_of(mailnet).internet.journal)
    assert told.count("C  .") == 1


def test_it_is_encrypted_by_starttls(mailnet, store, client):
    assert client.encrypt(name=HOST) == "TLSv1.3"

    assert client.say("LHLO app.example")[:3] == "250"
    assert [it[:3] for it in deliver(client, "a", "b")] == ["250", "250"]


def test_received_tells_the_protocol(mailnet, store, client):
    store.trust(mailnet.sender.ip)
    name(client)
    client.say("RCPT TO:<carl@club.example>")
    client.say("DATA")

    client.say(f"{MAIL}.".encode() + b"\r\n")

    assert "with LMTP id" in mailnet.messages[0]["Received"]
