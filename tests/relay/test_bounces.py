"""What comes back to the sender: for whom, to whom, and in whose words."""

from __future__ import annotations

import smtplib

import pytest

from pytest_mailnet.errors import InvalidSetting


def test_a_refused_mail_comes_back_with_the_reply_to_the_letter(mailnet, send, alice, reports):
    mailnet.add_server("mx.shop.example", domain="shop.example").on_rcpt("gone@*").reply(
        "550 5.1.1 The account does not exist\n5.1.1 Learn more at https://shop.example/help"
    )
    send("gone@shop.example")

    mailnet.deliver_all()

    [[told]] = reports()
    assert told["Final-Recipient"] == "rfc822;gone@shop.example"
    assert (told["Action"], told["Status"]) == ("failed", "5.1.1")
    assert told["Remote-MTA"] == "dns; mx.shop.example"
    assert " ".join(told["Diagnostic-Code"].split()) == (
        "smtp; 550-5.1.1 The account does not exist 550 5.1.1 Learn more at https://shop.example/help"
    )
    [message] = alice.messages
    assert message.envelope.mail_from == ""
    assert message.envelope.rcpt_tos == ("alice@app.example",)
    assert message.parsed.get_content_type() == "multipart/report"
    assert message.parsed["Auto-Submitted"] == "auto-replied"
    *_, original = message.parsed.iter_parts()
    assert original.get_content()["Subject"] == "hi"


def test_a_bounce_comes_home_from_a_server_that_is_not_the_sender_s(mailnet, mx):
    # Alice's provider hands the mail on; the one that takes it finds out later that nobody is there.
    alice = mailnet.gmail.add_mailbox("alice", password="pw")
    mailnet.add_domain("office.example", on="microsoft365")
    mailnet.microsoft365.on_rcpt("gone@*").reply("250 2.1.5 Recipient OK")
    with smtplib.SMTP_SSL("smtp.gmail.com", 465) as client:
        client.login("alice", "pw")
        client.sendmail("alice@gmail.com", ["gone@office.example"], "From: alice@gmail.com\r\n\r\n")

    mailnet.deliver_all()

    [message] = alice.messages
    assert b"Reporting-MTA: dns; office-example.mail.protection.outlook.com" in message.content
    assert message.envelope.mail_from == ""


@pytest.mark.parametrize(
    ("notify", "actions"),
    [
        ((), ["failed"]),
        (("NOTIFY=NEVER",), []),
        (("NOTIFY=FAILURE",), ["failed"]),
        (("NOTIFY=success,delay",), ["delivered"]),
        (("NOTIFY=SUCCESS,FAILURE",), ["failed", "delivered"]),
    ],
)
def test_the_sender_says_what_there_is_to_report(mailnet, send, mx, reports, notify, actions):
    mx.on_rcpt("gone@*").reply("550 5.1.1 No such user")
    send("sales@shop.example", "gone@shop.example", rcpt_options=notify)

    mailnet.deliver_all()

    assert sorted(told["Action"] for [told] in reports()) == sorted(actions)


@pytest.mark.parametrize(
    ("notify", "warned"), [((), True), (("NOTIFY=DELAY",), True), (("NOTIFY=FAILURE",), False)]
)
def test_a_delay_is_told_to_who_asked_for_it_or_for_nothing(mailnet, send, mx, reports, notify, warned):
    mx.on_rcpt().reply("451 4.7.1 Later")
    send("sales@shop.example", rcpt_options=notify)

    mailnet.deliver_all(hours=7)

    assert [told["Action"] for [told] in reports()] == ["delayed"] * warned


def test_delivery_to_a_mailbox_of_the_same_server_is_reported_at_once(mailnet, server, send, reports):
    server.add_mailbox("bob")

    send("bob@app.example", rcpt_options=("NOTIFY=SUCCESS",))

    [[told]] = reports()
    assert (told["Action"], told["Status"]) == ("delivered", "2.1.5")


def test_a_host_without_dsn_cannot_report_so_the_last_that_can_does(mailnet, send, mx, reports):
    mailnet.host("mx.shop.example").extensions.discard("DSN")
    send("sales@shop.example", rcpt_options=("NOTIFY=SUCCESS",))

    mailnet.deliver_all()

    [[told]] = reports()
    assert (told["Action"], told["Remote-MTA"]) == ("relayed", "dns; mx.shop.example")


def test_envelope_id_and_original_recipient_come_back_decoded(mailnet, alice, send, mx, reports):
    mx.on_rcpt().reply("550 5.1.1 No such user")
    send(
        "sales@shop.example",
        mail_options=("ENVID=order+2B7",),
        rcpt_options=("ORCPT=rfc822;sales+2Btag@shop.example",),
    )

    mailnet.deliver_all()

    [[told]] = reports()
    assert told["Original-Recipient"] == "rfc822;sales+tag@shop.example"
    assert b"Original-Envelope-Id: order+7\r\n" in alice.messages[0].content


@pytest.mark.parametrize(
    ("ret", "kind"),
    [((), "message/rfc822"), (("RET=FULL",), "message/rfc822"), (("RET=hdrs",), "text/rfc822-headers")],
)
def test_the_sender_says_how_much_comes_back(mailnet, alice, send, mx, ret, kind):
    mx.on_rcpt().reply("550 5.1.1 No such user")
    send("sales@shop.example", mail_options=ret)

    mailnet.deliver_all()

    *_, original = alice.messages[0].parsed.iter_parts()
    assert original.get_content_type() == kind
    assert (b"hello" in alice.messages[0].content) == (kind == "message/rfc822")


def test_a_bounce_is_never_bounced(mailnet, send, mx):
    # The sender does not exist either, so the report cannot be delivered; there it ends.
    mailnet.dns.add("gone.example", "MX", "0 .")
    mailnet.provider("smtp.app.example").trust("203.0.113.0/24")
    with smtplib.SMTP("smtp.app.example") as client:
        client.sendmail("ghost@gone.example", ["x@nowhere.example"], "Subject: hi\r\n\r\n")

    mailnet.deliver_all(days=6)

    assert not mailnet.queue
    assert len(mailnet.messages) == 1


def test_a_mail_from_the_null_sender_is_never_reported(mailnet, send, mx, alice):
    mx.on_rcpt().reply("550 5.1.1 No such user")
    send("sales@shop.example", sender="")

    mailnet.deliver_all()

    assert alice.messages == []
    assert not mailnet.queue


def test_microsoft365_refuses_mail_for_nobody_at_the_edge(mailnet, send, reports):
    mailnet.add_domain("shop.example", on="microsoft365")
    send("gone@shop.example")

    mailnet.deliver_all()

    [[told]] = reports()
    assert told["Status"] == "5.4.1"
    assert "550 5.4.1 Recipient address rejected: Access denied." in told["Diagnostic-Code"]


def test_microsoft365_reports_later_what_it_was_made_to_take_for_nobody(mailnet, send, reports):
    tenant = mailnet.add_domain("shop.example", on="microsoft365")
    tenant.on_rcpt("gone@*").reply(tenant.replies.ok_rcpt)
    send("gone@shop.example")

    mailnet.deliver_all()

    [[told]] = reports()
    assert told["Status"] == "5.1.10"
    assert told["Diagnostic-Code"].startswith("smtp; 550 5.1.10 RESOLVER.ADR.")


def test_spam_is_reported_to_the_sender_s_abuse_address(mailnet, server, send, mx):
    abuse = server.add_mailbox("abuse")
    send("sales@shop.example")
    mailnet.deliver_all()
    sales = mx.mailbox("sales@shop.example")

    sales.report_spam(sales.messages[0])
    assert abuse.messages == []
    mailnet.deliver_all()

    [report] = abuse.messages
    _, facts, original = report.parsed.iter_parts()
    told = facts.get_payload()[0].as_string()
    assert report.parsed.get_content_type() == "multipart/report"
    assert report.parsed.get_param("report-type") == "feedback-report"
    assert report.envelope.mail_from == ""
    assert "Feedback-Type: abuse\n" in told
    assert "Original-Mail-From: <alice@app.example>\n" in told
    assert original.get_content()["Subject"] == "hi"


def test_spam_can_be_reported_to_a_feedback_loop(mailnet, server, send, mx):
    loop = server.add_mailbox("fbl")
    send("sales@shop.example")
    mailnet.deliver_all()
    sales = mx.mailbox("sales@shop.example")

    sales.report_spam(sales.messages[0], to="fbl@app.example")
    mailnet.deliver_all()

    assert len(loop.messages) == 1


def test_what_cannot_be_reported_as_spam_is_told(mailnet, send, mx, alice, server):
    bob = server.add_mailbox("bob")
    mx.on_rcpt().reply("550 5.1.1 No such user")
    send("sales@shop.example")
    mailnet.deliver_all()
    [bounce] = alice.messages

    with pytest.raises(InvalidSetting, match="no message of bob@app"):
        bob.report_spam(bounce)
    with pytest.raises(InvalidSetting, match="null sender; say to whom"):
        alice.report_spam(bounce)


@pytest.mark.parametrize(
    ("provider", "host", "user", "author", "subject"),
    [
        (
            *("gmail", "smtp.gmail.com", "alice@gmail.com"),
            *(
                "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
                "Delivery Status Notification (Failure)",
            ),
        ),
        ("yahoo", "smtp.mail.yahoo.com", "alice@yahoo.com", "MAILER-DAEMON@yahoo.com", "Failure Notice"),
        (
            *("mail.ru", "smtp.mail.ru", "alice@mail.ru"),
            *("mailer-daemon@corp.mail.ru", "Ваше сообщение не доставлено. Mail failure."),
        ),
    ],
)
def test_a_provider_tells_of_a_failure_in_its_own_words(mailnet, mx, provider, host, user, author, subject):
    mx.on_rcpt().reply("550 5.1.1 No such user")
    alice = mailnet.provider(provider).add_mailbox(user, password="pw")
    with smtplib.SMTP_SSL(host, 465) as client:
        client.login(user, "pw")
        client.sendmail(user, ["sales@shop.example"], f"From: {user}\r\n\r\n")

    mailnet.deliver_all()

    [message] = alice.messages
    assert (message.parsed["From"], message.parsed["Subject"]) == (author, subject)
    text = next(message.parsed.iter_parts()).get_content()
    assert "sales@shop.example" in text
    assert "550 5.1.1 No such user" in text
