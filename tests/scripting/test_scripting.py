"""A test's own answers: what they match, what they say, how often; and what they refuse to be."""

from __future__ import annotations

import smtplib

import pytest

from pytest_mailnet.errors import ExpectationFailed, InvalidReply, InvalidSetting
from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.values import Reply


@pytest.fixture
def send(shop):
    """Send a mail to a recipient at shop.example; returns what smtplib returns or raises."""

    def send_one(*recipients, sender="bob@hotmail.com", source_ip=None):
        source = None if source_ip is None else (source_ip, 0)
        with smtplib.SMTP("mx.shop.example", 25, source_address=source) as client:
            return client.sendmail(sender, recipients or ["sales@shop.example"], "Subject: x\r\n\r\n")

    return send_one


def test_recipients_of_one_mail_can_get_different_answers(mailnet, shop, send):
    shop.on_rcpt("sales@*").reply("452 4.2.2 Mailbox full")

    refused = send("sales@shop.example", "info@shop.example")

    assert refused == {"sales@shop.example": (452, b"4.2.2 Mailbox full")}
    assert mailnet.messages[0].envelope.rcpt_tos == ("info@shop.example",)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (lambda shop: shop.on_connect("203.0.113.*").reply("554 5.7.1 Go away"), smtplib.SMTPConnectError),
        (lambda shop: shop.on_ehlo("app.*").reply("550 5.7.1 Bad name"), smtplib.SMTPHeloError),
        (lambda shop: shop.on_mail("bob@*").reply("550 5.7.1 Not you"), smtplib.SMTPSenderRefused),
        (lambda shop: shop.on_rcpt("sales@*").reply("550 5.1.1 Who?"), smtplib.SMTPRecipientsRefused),
        (lambda shop: shop.on_data("sales@*").reply("451 4.3.0 Later"), smtplib.SMTPDataError),
        (lambda shop: shop.on_message("sales@*").reply("554 5.6.0 Spam"), smtplib.SMTPDataError),
    ],
    ids=["connect", "ehlo", "mail", "rcpt", "data", "message"],
)
def test_every_stage_can_be_answered(mailnet, shop, send, script, error):
    script(shop)

    with pytest.raises(error):
        send()

    assert mailnet.messages == []


def test_an_answer_is_given_so_many_times(shop, send):
    shop.on_rcpt().reply("450 4.2.0 Greylisted").times(2)

    codes = [_code(send) for _ in range(3)]

    assert codes == [450, 450, 250]


def test_answers_are_given_in_turn_and_then_no_more(shop, send):
    shop.on_rcpt().reply_in_turn("450 4.2.0 Wait", "451 4.3.0 Wait longer")

    codes = [_code(send) for _ in range(3)]

    assert codes == [450, 451, 250]


def test_an_answer_can_let_matches_pass_first(shop, send):
    shop.on_rcpt().reply("452 4.5.3 Enough").after(2).times(1)

    codes = [_code(send) for _ in range(4)]

    assert codes == [250, 250, 452, 250]


def test_the_first_answer_in_line_is_given_first(shop, send):
    shop.on_rcpt("sales@*").reply("450 4.2.0 First").times(1)
    shop.on_rcpt("*").reply("550 5.1.1 Second").times(1)

    codes = [_code(send) for _ in range(3)]

    assert codes == [450, 550, 250]


def test_a_predicate_sees_the_session(shop, send):
    asked = []

    def to_many(step):
        asked.append((step.reverse_path, step.recipient, step.helo, list(step.recipients)))
        return len(step.recipients) >= 1

    shop.on_rcpt(to_many).reply("452 4.5.3 One at a time")

    refused = send("a@shop.example", "b@shop.example")

    assert list(refused) == ["b@shop.example"]
    assert asked == [
        ("bob@hotmail.com", "a@shop.example", "app.sender.example", []),
        ("bob@hotmail.com", "b@shop.example", "app.sender.example", ["a@shop.example"]),
    ]


def test_a_predicate_after_the_dot_sees_the_message(shop, send):
    shop.on_message(lambda step: step.message["subject"] == "x").reply("554 5.6.0 No x")

    with pytest.raises(smtplib.SMTPDataError):
        send()


def test_an_answer_can_be_for_one_sender_only(mailnet, shop, send):
    other = mailnet.add_sender(ip="198.51.100.9")
    shop.on_mail(sender=other).reply("550 5.7.1 That address")
    shop.on_mail(sender="eve@*").reply("550 5.7.1 That name")

    assert send() == {}
    assert _code(send, source_ip="198.51.100.9") == 550
    assert _code(send, sender="eve@evil.example") == 550


def test_a_connection_can_be_dropped_without_a_word(mailnet, shop, send):
    shop.on_data().disconnect()

    with pytest.raises(smtplib.SMTPServerDisconnected):
        send()

    assert mailnet.sessions[0].ended == "the server hung up"
    assert mailnet.messages == []


def test_a_421_closes_the_connection(mailnet, shop, send):
    shop.on_mail().reply("421 4.7.0 Try again later")

    with pytest.raises(smtplib.SMTPSenderRefused):
        send()

    assert mailnet.sessions[0].ended == "closed by the server after 421"


def test_any_reply_can_close_the_connection(mailnet, shop, send):
    shop.on_message().reply("250 2.0.0 OK and goodbye", close=True)

    send()

    assert mailnet.sessions[0].ended == "closed by the server after 250"
    assert len(mailnet.messages) == 1


def test_a_reply_of_the_phrasebook_can_be_scripted(mailnet):
    mailnet.gmail.add_mailbox("alice")
    mailnet.gmail.on_rcpt("alice@*").reply(mailnet.gmail.replies.mailbox_full)

    with (
        smtplib.SMTP("gmail-smtp-in.l.google.com", 25) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused) as refused,
    ):
        client.sendmail("bob@hotmail.com", ["alice@gmail.com"], "Subject: x\r\n\r\n")

    code, text = refused.value.recipients["alice@gmail.com"]
    assert code == 452
    assert text.startswith(
        b"4.2.2 The recipient's inbox is out of storage space. Please direct the\n4.2.2 recipient to"
    )


def test_braces_that_are_doubled_or_no_variable_stay(shop, send):
    shop.on_mail().reply("550 5.7.1 {{nobody}} {12} {} {a b} {ip}")

    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        send()

    assert refused.value.smtp_error == b"5.7.1 {nobody} {12} {} {a b} 203.0.113.7"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "55O 5.1.1 no",
            "'55O 5.1.1 no' is no SMTP reply: it begins with '55O' and not with a code of three digits "
            "(2, 3, 4 or 5 first), a space, and a text, as in '550 5.1.1 No such user'",
        ),
        (550, ".reply(550): a reply is a text as in '550 5.1.1 No such user', or a Reply"),
        ("", "'' is no SMTP reply: it begins with '' and not with a code"),
        ("650 x", "'650 x' is no SMTP reply: it begins with '650' and not with a code"),
        ("550no", "'550no' is no SMTP reply: it begins with '550' and not with a code"),
        (
            "550-a\n551 b",
            "has two codes, 550 and 551: all lines of one reply have the same (RFC 5321, 4.2.1)",
        ),
        ("550 a\x00b", "a reply's line cannot hold control characters: 'a\\x00b'"),
        (
            "354 go on",
            "'354 go on' makes no sense at RCPT: a client that waits there understands 250, 251, 252 as yes, "
            "4yz as not now and 5yz as no (RFC 5321, 4.3.2)",
        ),
    ],
)
@pytest.mark.mailnet(strict=False)
def test_what_is_no_reply_for_the_stage_is_told_at_once(shop, text, told):
    with pytest.raises(InvalidReply) as error:
        shop.on_rcpt("sales@*").reply(text)

    assert told in str(error.value)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (lambda it: it.reply("550 no").times(0), ".times(0): an answer can be given 1 time or more"),
        (lambda it: it.reply("550 no").after(-1), ".after(-1): it takes the number of matches to let pass"),
        (lambda it: it.reply("550 no").reply("551 no"), "has its answer already"),
    ],
)
@pytest.mark.mailnet(strict=False)
def test_a_count_that_makes_no_sense_is_told_at_once(shop, script, told):
    with pytest.raises(InvalidSetting) as error:
        script(shop.on_rcpt())

    assert told in str(error.value)


@pytest.mark.mailnet(strict=False)
def test_reply_in_turn_takes_a_reply(shop):
    with pytest.raises(InvalidReply, match="takes at least one reply"):
        shop.on_rcpt().reply_in_turn()


def test_an_answer_not_used_up_is_told_with_what_came_nearest_first(make_mailnet):
    with make_mailnet() as net:
        shop = net.add_server("mx.shop.example", domain="shop.example")
        answer = shop.on_rcpt("sales@*", sender="bob@*").reply("450 4.2.0 Wait").times(2)
        for sender, to in [("eve@x.example", "info@shop.example"), ("bob@x.example", "info@shop.example")]:
            with smtplib.SMTP("mx.shop.example", 25) as client:
                client.sendmail(sender, [to], "Subject: x\r\n\r\n")

        with pytest.raises(ExpectationFailed) as failed:
            life_of(net).check()

    assert str(failed.value) == (
        "mx.shop.example.on_rcpt('sales@*', sender='bob@*').reply('450 4.2.0 Wait').times(2) "
        "was given 0 of 2 times\n"
        f"  written at {answer.written}\n"
        "  what came to mx.shop.example at RCPT, nearest first:\n"
        "  - session 2: recipient 'info@shop.example' is not 'sales@*'\n"
        "  - session 1: recipient 'info@shop.example' is not 'sales@*'; sender 'eve@x.example' is not 'bob@*'\n"
        "  If it need not be given: leave out .times(...), or @pytest.mark.mailnet(strict=False)"
    )


def test_an_answer_without_an_answer_is_told(make_mailnet):
    with make_mailnet() as net:
        answer = net.gmail.on_rcpt("alice@*")

        with pytest.raises(ExpectationFailed) as failed:
            life_of(net).check()

    assert str(failed.value) == (
        "gmail.on_rcpt('alice@*') has no answer: follow it by .reply(...), .reply_in_turn(...) or .disconnect()\n"
        f"  written at {answer.written}"
    )


def test_a_reply_object_is_taken_as_it_is(shop, send):
    shop.on_mail().reply(Reply(550, ("one", "two"), "5.7.1"))

    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        send()

    assert refused.value.smtp_error == b"5.7.1 one\n5.7.1 two"


def _code(send, **options):
    try:
        send(**options)
    except smtplib.SMTPRecipientsRefused as refused:
        [(code, _)] = refused.recipients.values()
        return code
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code
    return 250


def test_an_answer_that_closes_can_be_a_reply_too(shop, converse):
    shop.on_rcpt().reply(Reply.parse("550 5.1.1 No"), close=True)
    client = converse("mx.shop.example")
    client.say("EHLO app.example")
    client.say("MAIL FROM:<bob@b.example>")

    assert client.say("RCPT TO:<sales@shop.example>") == "550 5.1.1 No\r\n"
    assert client.rest() == b""


def test_the_null_sender_can_be_matched(shop, send):
    shop.on_mail("").reply("550 5.7.1 No bounces")

    send(sender="bob@b.example")
    with pytest.raises(smtplib.SMTPSenderRefused, match="No bounces"):
        send(sender="")
