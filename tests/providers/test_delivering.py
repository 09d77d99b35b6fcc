"""What becomes of a mail after its 250: junk, silence, a bounce later."""

from __future__ import annotations

import smtplib

import pytest

from pytest_mailnet.errors import ExpectationFailed, InvalidReply, InvalidSetting, MailNetError
from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.timeline.story import timeline

MAIL = b"From: bob@b.example\r\nTo: alice@gmail.com\r\nSubject: hi\r\n\r\nhello\r\n"
GMAIL = "gmail-smtp-in.l.google.com"


def send(*recipients, host=GMAIL, sender="bob@b.example", mail=MAIL, rcpt_options=()):
    """Send a mail; returns the reply after the dot."""
    with smtplib.SMTP(host, 25) as client:
        client.ehlo()
        client.mail(sender)
        for recipient in recipients:
            client.rcpt(recipient, rcpt_options)
        code, text = client.data(mail)
        return f"{code} {text.decode()}"


@pytest.fixture
def alice(mailnet):
    return mailnet.gmail.add_mailbox("alice")


@pytest.fixture
def bob(mailnet):
    """The mailbox to which reports go."""
    return mailnet.add_server("mx.b.example", domain="b.example").add_mailbox("bob")


def test_a_mail_is_filed_as_junk(mailnet, alice):
    mailnet.gmail.on_message("alice@*").junk()

    said = send("alice@gmail.com")

    assert said.startswith("250 2.0.0 OK")
    assert (alice.messages, [it.content for it in alice.junk]) == ([], [MAIL])
    assert repr(alice) == "<Mailbox alice@gmail.com, 0 messages, 1 in junk>"
    assert [it.content for it in mailnet.messages] == [MAIL]
    assert "-> script: junk of alice@gmail.com" in timeline(life_of(mailnet).journal)
    assert "    junk of alice@gmail.com" in mailnet.gmail.explain(mailnet.sessions[0])


def test_junk_can_be_reported_as_spam(mailnet, alice, bob):
    mailnet.gmail.on_message().junk()
    send("alice@gmail.com")

    alice.report_spam(alice.junk[0], to="bob@b.example")
    mailnet.deliver_all()

    assert bob.messages[0].subject == "FW: a message that its recipient calls spam"


def test_junk_fills_the_quota_and_counts_in_the_hour(mailnet, alice):
    mailnet.gmail.on_message().junk()
    send("alice@gmail.com")

    alice.hourly_limit = 1
    busy = smtplib.SMTP(GMAIL, 25)
    busy.ehlo()
    busy.mail("bob@b.example")
    assert busy.rcpt("alice@gmail.com")[0] == 450
    busy.close()

    alice.hourly_limit, alice.quota = None, len(MAIL)
    full = smtplib.SMTP(GMAIL, 25)
    full.ehlo()
    full.mail("bob@b.example")
    assert full.rcpt("alice@gmail.com")[0] == 452
    full.close()


def test_a_mail_vanishes(mailnet, alice):
    mailnet.gmail.on_message().discard()

    said = send("alice@gmail.com")
    mailnet.deliver_all(days=5)

    assert said.startswith("250 ")
    assert (alice.messages, alice.junk, list(mailnet.queue)) == ([], [], [])
    assert [it.content for it in mailnet.messages] == [MAIL]
    assert "-> script: discarded for alice@gmail.com" in timeline(life_of(mailnet).journal)


def test_a_mail_comes_back_later(mailnet, alice, bob):
    mailnet.gmail.on_message().bounce("550 5.1.1 <{recipient}> No such user")

    said = send("alice@gmail.com")

    assert said.startswith("250 ")
    assert alice.messages == bob.messages == []
    assert [it.recipients[0].address for it in mailnet.queue] == ["alice@gmail.com"]
    assert "-> script: to be returned for alice@gmail.com" in timeline(life_of(mailnet).journal)

    mailnet.deliver_all()

    [report] = bob.messages
    _, status, returned = report.parsed.iter_parts()
    fields = dict(status.get_payload()[1].items())
    assert report.sender == ""
    assert report.subject == "Delivery Status Notification (Failure)"
    assert fields["Action"] == "failed"
    assert fields["Status"] == "5.1.1"
    assert fields["Diagnostic-Code"] == "smtp; 550 5.1.1 <alice@gmail.com> No such user"
    assert returned.get_payload()[0]["Subject"] == "hi"
    assert list(mailnet.queue) == []


def test_a_full_mailbox_bounces_with_its_4yz(mailnet, alice, bob):
    mailnet.gmail.on_message().bounce("452 4.2.2 Over quota")
    send("alice@gmail.com")

    mailnet.deliver_all()

    _, status, _ = bob.messages[0].parsed.iter_parts()
    assert (status.get_payload()[1]["Action"], status.get_payload()[1]["Status"]) == ("failed", "4.2.2")


@pytest.mark.parametrize(("sender", "options"), [("", ()), ("bob@b.example", ("NOTIFY=NEVER",))])
def test_who_wants_no_report_gets_none(mailnet, bob, sender, options):
    shop = mailnet.add_server("mx.shop.example", domain="shop.example")
    shop.on_message().bounce("550 5.1.1 No such user")

    send("alice@shop.example", host="mx.shop.example", sender=sender, rcpt_options=options)
    mailnet.deliver_all()

    assert bob.messages == list(mailnet.queue) == []


@pytest.mark.parametrize("fate", ["junk", "discard", "bounce"])
def test_a_glob_decides_about_the_recipients_that_it_matches(mailnet, alice, fate):
    carl = mailnet.gmail.add_mailbox("carl")
    answer = mailnet.gmail.on_message("carl@*")
    answer.bounce("550 5.1.1 No") if fate == "bounce" else getattr(answer, fate)()

    send("alice@gmail.com", "carl@gmail.com")

    assert [len(it) for it in (alice.messages, alice.junk, carl.messages)] == [1, 0, 0]
    assert len(carl.junk) == (fate == "junk")


def test_silence_is_no_delivery_to_report(mailnet, bob):
    shop = mailnet.add_server("mx.shop.example", domain="shop.example")
    shop.on_message("alice@*").discard()

    send(
        "alice@shop.example",
        "carl@shop.example",
        host="mx.shop.example",
        rcpt_options=["NOTIFY=SUCCESS"],
    )
    mailnet.deliver_all()

    _, status, _ = bob.messages[0].parsed.iter_parts()
    assert [it["Final-Recipient"] for it in status.get_payload()[1:]] == ["rfc822;carl@shop.example"]


def test_fates_take_times_and_after_and_a_reply(mailnet, alice):
    mailnet.gmail.on_message().reply("250 2.6.0 Filed").junk().times(1).after(1)

    said = [send("alice@gmail.com") for _ in range(3)]

    assert [it[:9] == "250 2.6.0" for it in said] == [False, True, False]
    assert [len(alice.messages), len(alice.junk)] == [2, 1]


def test_a_mail_for_others_can_vanish_too(mailnet, bob):
    relay = mailnet.add_server("smtp.app.example", domain="app.example")
    relay.trust("0.0.0.0/0")
    relay.on_message("bob@*").discard()

    send("bob@b.example", host="smtp.app.example", sender="alice@app.example")
    mailnet.deliver_all()

    assert bob.messages == []


def test_a_strict_net_asks_for_a_fate_that_did_not_come(make_mailnet):
    told = r"gmail.on_message\(\).junk\(\).times\(1\) was given 0 of 1 time"

    with pytest.raises(ExpectationFailed, match=told), make_mailnet(strict=True) as net:
        net.gmail.on_message().junk().times(1)


class Handler:
    """A handler of the application's own."""

    async def handle_DATA(self, server, session, envelope):
        return "250 2.0.0 Mine"


def test_a_bounce_of_a_server_with_a_handler(mailnet, bob):
    shop = mailnet.add_server("mx.shop.example", domain="shop.example", handler=Handler())
    shop.on_message().bounce("550 5.1.1 No such user")

    send("alice@shop.example", host="mx.shop.example")
    mailnet.deliver_all()

    assert len(bob.messages) == 1


@pytest.mark.parametrize("fate", ["junk", "discard"])
def test_what_a_handler_has_is_its_own(make_mailnet, fate):
    told = (
        f"{fate}.*: mx.shop.example is served by the application, which decides itself what becomes of a mail"
    )

    def decide_for(net):
        shop = net.add_server("mx.shop.example", domain="shop.example", handler=Handler())
        getattr(shop.on_message(), fate)()
        send("alice@shop.example", host="mx.shop.example")

    with pytest.raises(MailNetError, match=told), make_mailnet() as net:
        decide_for(net)


@pytest.mark.mailnet(strict=False)
@pytest.mark.parametrize(
    ("written", "error", "told"),
    [
        (
            "gmail.on_rcpt('a@*').junk()",
            InvalidSetting,
            "gmail.on_rcpt('a@*').junk(): what becomes of a mail is decided after its final dot, "
            "gmail.on_message(...).junk()",
        ),
        (
            "gmail.on_message().junk().discard()",
            InvalidSetting,
            "gmail.on_message().junk() has decided already what becomes of the mail; another fate is a further "
            "line, gmail.on_message(...).discard()",
        ),
        (
            "gmail.on_message().reply('550 5.7.1 No').junk()",
            InvalidSetting,
            "gmail.on_message().reply('550 5.7.1 No').junk(): what is refused or cut off stays with its sender; "
            ".junk() takes a yes beside it, as in .reply('250 2.0.0 OK')",
        ),
        (
            "gmail.on_message().discard().disconnect()",
            InvalidSetting,
            "gmail.on_message().disconnect().discard(): what is refused or cut off stays with its sender; "
            ".discard() takes a yes beside it, as in .reply('250 2.0.0 OK')",
        ),
        (
            "gmail.on_message().bounce('250 OK')",
            InvalidReply,
            "gmail.on_message().bounce('250 OK'): a bounce tells of a failure, 4yz or 5yz",
        ),
        (
            "gmail.on_message().bounce(550)",
            InvalidReply,
            "gmail.on_message().bounce(550): a reply is a text as in '550 5.1.1 No such user', or a Reply",
        ),
    ],
)
def test_a_misuse_is_told(mailnet, written, error, told):
    with pytest.raises(error) as failed:
        eval(written, {"gmail": mailnet.gmail})

    assert str(failed.value) == told


class TestDmarc:
    """Mail that fails DMARC, of a domain that wants it in quarantine."""

    @pytest.fixture(autouse=True)
    def published(self, mailnet):
        pytest.importorskip("spf")
        pytest.importorskip("dkim")
        mailnet.sender.publish("shop.example", dkim=False, dmarc="quarantine")
        mailnet.sender.publish("b.example", dkim=False)

    def test_it_is_filed_as_junk_where_dmarc_is_checked(self, mailnet, alice):
        mail = MAIL.replace(b"bob@b.example", b"news@shop.example")

        said = send("alice@gmail.com", mail=mail)

        assert said.startswith("250 ")
        assert (alice.messages, len(alice.junk)) == ([], 1)
        told = "-> delivery: junk of alice@gmail.com, since DMARC of shop.example failed (p=quarantine)"
        assert told in timeline(life_of(mailnet).journal)

    def test_it_arrives_where_dmarc_is_not_checked(self, mailnet):
        shop = mailnet.add_server("mx.c.example", domain="c.example")
        carl = shop.add_mailbox("carl")

        send("carl@c.example", host="mx.c.example", mail=MAIL.replace(b"bob@b.example", b"news@shop.example"))

        assert (len(carl.messages), carl.junk) == (1, [])

    def test_mail_that_passes_arrives(self, mailnet, alice):
        send(
            "alice@gmail.com",
            sender="news@shop.example",
            mail=MAIL.replace(b"bob@b.example", b"news@shop.example"),
        )

        assert (len(alice.messages), alice.junk) == (1, [])
