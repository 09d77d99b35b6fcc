"""When a queue tries again, how long, and what it takes for an answer."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from pytest_mailnet import MailNet
from pytest_mailnet.errors import InvalidSetting, NothingArrived
from pytest_mailnet.relay.retries import RetrySchedule
from pytest_mailnet.values import Stage


def attempts(mailnet, host="mx.shop.example"):
    """How many connections there were to a host."""
    return len([session for session in mailnet.sessions if session.host == host])


def test_nothing_is_relayed_before_the_test_says_so(mailnet, send, mx):
    send("sales@shop.example")

    [waiting] = mailnet.queue
    assert attempts(mailnet) == 0
    assert (waiting.sender, waiting.attempts, waiting.reason) == ("alice@app.example", 0, "")
    assert str(waiting).endswith(
        "-> sales@shop.example: attempt 1 at " + f"{mailnet.clock.now():%Y-%m-%d %H:%M:%S} UTC, not tried yet"
    )
    with pytest.raises(NothingArrived, match=r"mailnet.deliver_all\(\): in mailnet.queue waits"):
        mailnet.wait_for_messages(3, timeout=0.01)


def test_the_queue_tells_why_a_mail_waits(mailnet, send, mx):
    mx.on_rcpt().reply("452 4.2.2 Mailbox full")
    send("sales@shop.example")

    mailnet.deliver_all()

    [waiting] = mailnet.queue
    assert waiting.reason == "mx.shop.example said: 452 4.2.2 Mailbox full"
    assert waiting.recipients[0].outcome.status == "4.2.2"
    assert waiting.next_try == mailnet.clock.now() + timedelta(minutes=30)
    assert str(mailnet.queue) == str(waiting)


def test_it_tries_twice_in_the_first_hour_and_then_every_three(mailnet, send, mx):
    mx.on_connect().reply("421 4.3.2 Busy")
    send("sales@shop.example")

    tries = []
    for minutes in (0, 29, 1, 30, 179, 1, 180):
        mailnet.deliver_all(minutes=minutes)
        tries.append(attempts(mailnet))

    assert tries == [1, 1, 2, 3, 3, 4, 5]


def test_a_schedule_of_one_s_own(mailnet, send, mx):
    mailnet.queue.schedule = RetrySchedule(
        retries=(timedelta(minutes=1),), warn_after=None, give_up_after=timedelta(minutes=3)
    )
    mx.on_connect().reply("421 4.3.2 Busy")
    send("sales@shop.example")

    mailnet.deliver_all(hours=1)

    assert attempts(mailnet) == 4
    assert not mailnet.queue


@pytest.mark.parametrize(
    "settings", [{"retries": ()}, {"give_up_after": timedelta()}, {"warn_after": timedelta(-1)}]
)
def test_a_schedule_that_is_none_is_told(settings):
    with pytest.raises(InvalidSetting, match="longer than 0"):
        RetrySchedule(**settings)


def test_the_sender_is_warned_once_and_then_told_the_end(mailnet, send, mx, alice, reports):
    mx.on_message().reply("451 4.3.0 Disk trouble")
    send("sales@shop.example")
    began = mailnet.clock.now()

    mailnet.deliver_all(hours=5)
    [[warned]] = reports()
    mailnet.deliver_all(days=5)
    _, [gone] = reports()

    assert (warned["Action"], warned["Status"]) == ("delayed", "4.3.0")
    assert warned["Will-Retry-Until"] == f"{began + timedelta(days=5):%a, %d %b %Y %H:%M:%S} +0000"
    assert (gone["Action"], gone["Status"]) == ("failed", "4.4.7")
    assert gone["Diagnostic-Code"] == "smtp; 451 4.3.0 Disk trouble"
    assert alice.messages[1].received == began + timedelta(days=5)
    assert not mailnet.queue


def test_a_mail_that_gets_through_at_last_is_delivered_once(mailnet, send, mx, reports):
    mx.on_rcpt().reply("451 4.7.1 Greylisted").times(2)
    send("sales@shop.example")

    mailnet.deliver_all(days=5)

    assert len(mx.mailbox("sales@shop.example").messages) == 1
    assert reports() == []


def test_greylisting_lets_a_queue_pass_at_its_second_try(mailnet, send):
    mailnet.add_domain("shop.example", on="postfix")
    postfix = mailnet.provider("postfix")
    postfix.enforce("greylisting")
    sales = postfix.add_mailbox("sales@shop.example")
    send("sales@shop.example")

    mailnet.deliver_all()
    assert "reylist" in mailnet.queue[0].reason

    mailnet.deliver_all(minutes=30)
    assert len(sales.messages) == 1


def test_the_clock_ends_where_the_span_does(mailnet, mx):
    began = mailnet.clock.now()

    mailnet.deliver_all(days=1, hours=2, minutes=3, seconds=4)

    assert mailnet.clock.now() == began + timedelta(days=1, hours=2, minutes=3, seconds=4)


def test_recipients_of_one_mail_have_fates_of_their_own(mailnet, send, mx, reports):
    mx.on_rcpt("gone@*").reply("550 5.1.1 No such user")
    mx.on_rcpt("full@*").reply("452 4.2.2 Mailbox full").times(1)
    send("sales@shop.example", "gone@shop.example", "full@shop.example")

    mailnet.deliver_all()
    [waiting] = mailnet.queue
    mailnet.deliver_all(minutes=30)

    assert [it.address for it in waiting.recipients] == []
    assert [told["Final-Recipient"] for [told] in reports()] == ["rfc822;gone@shop.example"]
    assert len(mx.mailbox("sales@shop.example").messages) == 1
    assert len(mx.mailbox("full@shop.example").messages) == 1


def test_a_connection_lost_after_the_dot_is_tried_again(mailnet, send, mx):
    mx.on_message().disconnect().times(1)
    send("sales@shop.example")

    mailnet.deliver_all()
    assert mailnet.queue[0].reason == "the server closed the connection (mx.shop.example)"
    mailnet.deliver_all(minutes=30)

    assert len(mx.mailbox("sales@shop.example").messages) == 1


def test_a_421_amid_a_mail_is_its_reason(mailnet, send, mx):
    mx.on_rcpt("b@*").reply("421 4.7.0 Too much").times(1)
    send("a@shop.example", "b@shop.example", "c@shop.example")

    mailnet.deliver_all()

    assert {it.outcome.status for it in mailnet.queue[0].recipients} == {"4.7.0"}
    mailnet.deliver_all(minutes=30)
    assert not mailnet.queue


def test_tls_is_used_where_it_is_offered_whatever_the_certificate(mailnet, send, mx):
    mailnet.host("mx.shop.example").tls.self_signed()
    send("sales@shop.example")

    mailnet.deliver_all()

    assert mailnet.sessions[-1].tls == "TLSv1.3"


@pytest.mark.parametrize("fault", ["refuse_handshake", "old_protocol", "strip_starttls"])
def test_mail_goes_in_the_clear_where_no_tls_can_be_had(mailnet, send, mx, fault):
    getattr(mailnet.host("mx.shop.example").tls, fault)()
    send("sales@shop.example")

    mailnet.deliver_all()

    assert mailnet.sessions[-1].tls is None
    assert len(mx.mailbox("sales@shop.example").messages) == 1


def test_a_host_that_knows_no_ehlo_gets_its_mail(mailnet, send, mx):
    mailnet.host("mx.shop.example").helo_only = True
    send("sales@shop.example")

    mailnet.deliver_all()

    assert len(mx.mailbox("sales@shop.example").messages) == 1


def encrypted(converse):
    client = converse("smtp.app.example", 587)
    client.say("EHLO app.example")
    client.encrypt(name="smtp.app.example")
    return client


@pytest.mark.parametrize(
    ("recipient", "options", "extension", "status"),
    [
        ("sälës@shop.example", ("SMTPUTF8",), "SMTPUTF8", "5.6.7"),
        ("sales@shop.example", ("BODY=BINARYMIME",), "CHUNKING", "5.6.3"),
    ],
)
def test_what_a_host_does_not_offer_and_the_mail_needs_is_a_failure(
    mailnet, alice, mx, converse, recipient, options, extension, status
):
    mailnet.host("mx.shop.example").extensions.discard(extension)
    client = encrypted(converse)
    for line in (
        "EHLO app.example",
        "AUTH PLAIN AGFsaWNlAHB3",
        f"MAIL FROM:<alice@app.example> {' '.join(options)}",
        f"RCPT TO:<{recipient}>",
    ):
        assert client.say(line)[:1] == "2"
    client.say(b"BDAT 4 LAST\r\na\nb\0")

    mailnet.deliver_all()

    told = alice.messages[0].content.decode()
    assert f"Action: failed\r\nStatus: {status}\r\n" in told
    assert f"does not offer {'BINARYMIME' if status == '5.6.3' else 'SMTPUTF8'}, which the mail needs" in told


def test_binary_mail_is_passed_on_in_chunks(mailnet, alice, mx, converse):
    client = encrypted(converse)
    for line in (
        "EHLO app.example",
        "AUTH PLAIN AGFsaWNlAHB3",
        "MAIL FROM:<alice@app.example> BODY=BINARYMIME",
    ):
        client.say(line)
    client.say("RCPT TO:<sales@shop.example>")
    client.say(b"BDAT 6 LAST\r\na: b\0\n")

    mailnet.deliver_all()

    assert mx.mailbox("sales@shop.example").messages[0].content.endswith(b"a: b\0\n")


def test_dots_survive_the_way(mailnet, send, mx):
    send("sales@shop.example", mail=b"Subject: dots\r\n\r\n.\r\n..x\r\n")

    mailnet.deliver_all()

    assert mx.mailbox("sales@shop.example").messages[0].content.endswith(b"\r\n\r\n.\r\n..x\r\n")


def test_a_mail_that_goes_round_in_a_loop_is_cut(mailnet, reports, alice):
    a = mailnet.add_server("a.example", domain="own.a.example")
    b = mailnet.add_server("b.example", domain="own.b.example")
    for server in (a, b):
        server.trust("192.0.2.0/24")
        server.trust("203.0.113.0/24")
    # The MX of the domain takes itself for a server on the way.
    mailnet.dns.add("loop.example", "MX", "10 a.example.")
    with smtplib.SMTP("b.example") as client:
        client.sendmail("alice@app.example", ["x@loop.example"], "Subject: round\r\n\r\n")

    mailnet.deliver_all()

    [[told]] = reports()
    assert told["Status"] == "5.4.6"
    around = [session for session in mailnet.sessions if session.host == "a.example"]
    taken = [
        exchange for session in around for exchange in session.exchanges if exchange.stage is Stage.MESSAGE
    ]
    assert len(taken) == 100


@pytest.mark.parametrize("span", [{"days": -1}, {"seconds": -0.1}])
def test_the_past_cannot_be_delivered(mailnet, span):
    with pytest.raises(InvalidSetting, match="lies in the past"):
        mailnet.deliver_all(**span)


def test_a_net_that_is_not_active_delivers_nothing():
    with pytest.raises(InvalidSetting, match="not active"):
        MailNet().deliver_all()


def test_five_days_of_retries_are_not_lived_through(make_mailnet):
    with make_mailnet(start=datetime(2026, 1, 1, tzinfo=UTC)) as net:
        sender = net.add_server("smtp.app.example", domain="app.example")
        sender.trust("203.0.113.0/24")
        net.dns.add("shop.example", "MX", "5 gone.shop.example.")
        with smtplib.SMTP("smtp.app.example") as client:
            client.sendmail("alice@app.example", ["sales@shop.example"], "Subject: hi\r\n\r\n")

        net.deliver_all(days=6)

        [warning, failure] = sender.mailbox("alice@app.example").messages
        assert warning.received == datetime(2026, 1, 1, 4, tzinfo=UTC)
        assert failure.received == datetime(2026, 1, 6, tzinfo=UTC)


def test_a_setting_that_the_queue_does_not_have_or_take_is_told(mailnet):
    with pytest.raises(InvalidSetting, match=r"RetrySchedule\(retries="):
        mailnet.queue.schedule = timedelta(hours=1)
    with pytest.raises(AttributeError):
        mailnet.queue.shedule = RetrySchedule()


def test_a_queue_and_a_recipient_show_what_they_are(mailnet, send, mx):
    mx.on_rcpt().reply("450 4.2.1 Not now")
    send("sales@shop.example")

    mailnet.deliver_all()

    assert repr(mailnet.queue) == "<Queue: 1 waiting>"
    [waiting] = mailnet.queue
    assert str(waiting.recipients[0]).startswith("sales@shop.example")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("rubbish-at-mail", "is no SMTP reply"),
        ("closed-at-mail", "the server closed the connection"),
        ("broken-record-at-starttls", "TLS failed: "),
        ("handshake-stalled-at-starttls", ""),
    ],
)
def test_a_host_that_makes_no_sense_is_tried_again(mailnet, send, mx, fault, reason):
    mailnet.host("mx.shop.example").fail(fault, times=1)
    send("sales@shop.example")

    mailnet.deliver_all()

    assert not reason or reason in mailnet.queue[0].reason
    mailnet.deliver_all(hours=1)
    assert len(mx.mailbox("sales@shop.example").messages) == 1


def test_a_slow_host_gets_its_mail(mailnet, send, mx):
    mailnet.host("mx.shop.example").fail("slow-at-connect", times=1)
    send("sales@shop.example")

    mailnet.deliver_all()

    mailnet.deliver_all(hours=1)
    assert len(mx.mailbox("sales@shop.example").messages) == 1


def test_a_host_that_hangs_up_behind_its_greeting_is_tried_again(mailnet, send, mx):
    mailnet.host("mx.shop.example").fail("closed-at-ehlo", times=1)
    send("sales@shop.example")

    mailnet.deliver_all()

    mailnet.deliver_all(hours=1)
    assert len(mx.mailbox("sales@shop.example").messages) == 1


def test_a_host_that_closes_behind_a_yes_is_tried_again(mailnet, send, mx):
    mx.on_mail().reply("250 2.1.0 OK", close=True).times(1)
    send("sales@shop.example")

    mailnet.deliver_all()

    assert mailnet.queue[0].reason == "the server closed the connection (mx.shop.example)"
    mailnet.deliver_all(hours=1)
    assert len(mx.mailbox("sales@shop.example").messages) == 1


def test_a_test_is_offered_the_mails_and_the_schedule(mailnet):
    names = {name for name in dir(mailnet.queue) if not name.startswith("_")}

    assert names == {"schedule", *(name for name in dir(Sequence) if not name.startswith("_"))}
