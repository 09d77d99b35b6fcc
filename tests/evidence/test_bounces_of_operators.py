"""Bounces of those who run mail for others: Google, Amazon, Zoho, SendGrid, telephone companies."""

from __future__ import annotations

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.bounces import BouncedMail, failures_of
from pytest_mailnet.values import Stage

ALICE = "alice@shop.example"
OF_GOOGLE = (
    "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nX-Failed-Recipients: alice@shop.example"
)


def read(
    text: str,
    *,
    head: str = "From: MAILER-DAEMON@mx.news.example",
    charset: str = "utf-8",
    subject: str = "Returned",
) -> list[Failure]:
    top = f"{head}\nTo: bob@news.example\nSubject: {subject}\nMIME-Version: 1.0\nContent-Type: text/plain; charset={charset}\n\n"
    return failures_of(BouncedMail.parse(top.encode() + text.encode(charset)))


def of_gmail(details: str) -> str:
    return (
        f"Delivery to the following recipient failed permanently:\n\n     {ALICE}\n\nTechnical details of permanent failure: \n{details}\n\n"
        "----- Original message -----\n\nReturn-Path: <bob@news.example>\nTo: carol@shop.example\nSubject: Autumn\n\n550 leaves\n"
    )


@pytest.mark.parametrize(
    "details",
    [
        "Google tried to deliver your message, but it was rejected by the server for the recipient domain shop.example by mx.shop.example. [192.0.2.8].\n\n"
        "The error that the other server returned was:\n550 5.1.1 No such user",
        "Google tried to deliver your message, but it was rejected by the recipient domain by mx.shop.example. [192.0.2.8]. We recommend contacting "
        "the other email provider for further information about the cause of this error. The error that the other server returned was:\n550 550 5.1.1 No such user (state 14).",
        "by mx.shop.example. [192.0.2.8]\nPERM_FAILURE: SMTP Error (state 14): 550 5.1.1 No such user",
    ],
)
def test_gmail_once_told_what_the_other_server_returned(details):
    [failure] = read(of_gmail(details), head=OF_GOOGLE)

    assert (failure.recipient, failure.reply) == (ALICE, ("550 5.1.1 No such user",))
    assert (failure.host, failure.address) == ("mx.shop.example", "192.0.2.8")


@pytest.mark.parametrize(
    ("details", "fault", "server"),
    [
        (
            "The recipient server did not accept our requests to connect. Learn more.\n[(0) shop.example. [192.0.2.8]:25: socket error]",
            "refused-at-connect",
            ("shop.example", "192.0.2.8"),
        ),
        (
            "The recipient server did not accept our requests to connect.\n[shop.example 192.0.2.8: Connection timed out]",
            "dropped-at-connect",
            ("shop.example", "192.0.2.8"),
        ),
        (
            "The recipient server did not accept our requests to connect.\n[mx.shop.example. (10): Connection refused]",
            "refused-at-connect",
            ("mx.shop.example", None),
        ),
        ("DNS Error: Domain name not found", "dns-nxdomain", (None, None)),
        ("DNS Error: DNS server returned answer with no data", "dns-nodata", (None, None)),
        (
            "DNS Error: DNS type 'mx' lookup of shop.example responded with code SERVFAIL",
            "dns-servfail",
            (None, None),
        ),
        (
            "DNS Error: DNS type 'mx' lookup of shop.example responded with code NXDOMAIN",
            "dns-nxdomain",
            (None, None),
        ),
        (
            "DNS Error: DNS type 'mx' lookup of shop.example responded with code NOERROR\nThe domain doesn't receive email: returned Null MX",
            None,
            (None, None),
        ),
    ],
)
def test_gmail_tells_of_connections_and_look_ups_that_failed(details, fault, server):
    [failure] = read(of_gmail(details), head=OF_GOOGLE)

    assert (failure.fault, failure.reply, (failure.host, failure.address)) == (fault, (), server)


def test_gmail_tells_of_a_delay():
    text = of_gmail("The recipient server did not accept our requests to connect.").replace(
        "failed permanently", "has been delayed"
    )

    [failure] = read(text, head=OF_GOOGLE, subject="Delivery Status Notification (Delay)")

    assert (failure.action, failure.fault) == ("delayed", "refused-at-connect")


@pytest.mark.parametrize(
    ("heading", "sentence", "label"),
    [
        (
            "Address not found",
            "Your message wasn't delivered to {} because the address couldn't be found.",
            "The response from the remote server was:",
        ),
        ("Message blocked", "Your message to {} has been blocked. See below.", "The response was:"),
        (
            "Adresse nicht gefunden",
            "Ihre Nachricht wurde nicht an {} zugestellt, weil es sie nicht gibt.",
            "Antwort des Remoteservers:",
        ),
        (
            "No se ha encontrado la dirección",
            "No se ha entregado tu mensaje a {} porque no existe.",
            "Esta es la respuesta del servidor remoto:",
        ),
        ("アドレス不明", "{} にメールを配信できませんでした。", "リモート サーバーからの応答:"),
    ],
)
@pytest.mark.parametrize("head", [OF_GOOGLE, OF_GOOGLE.split("\n", maxsplit=1)[0]])
def test_google_has_the_reply_in_a_paragraph_of_its_own_in_any_language(head, heading, sentence, label):
    text = f"\n** {heading} **\n\n{sentence.format(ALICE)}\n\n{label}\n550 5.1.1 The account does not exist.\nAsk for it. - gsmtp\n\n"

    [failure] = read(text, head=head)

    assert (failure.recipient, failure.reply) == (
        ALICE,
        ("550 5.1.1 The account does not exist. Ask for it. - gsmtp",),
    )


@pytest.mark.parametrize(
    "text",
    [
        "Hello bob@news.example,\n\nWe're writing to let you know that the group you tried to contact (ramblers) may not exist.\n",
        "bob@news.example 様\n\n連絡しようとしたグループ（ramblers）が存在しないか、投稿する権限がない可能性があります。\n",
    ],
)
def test_google_groups_names_the_group_in_a_header_field_only(text):
    [failure] = read(text, head=OF_GOOGLE.replace(ALICE, "ramblers@groups.example"))

    assert (failure.recipient, failure.reply) == ("ramblers@groups.example", ())
    assert failure.words.startswith(" ".join(text.split())[:20])


@pytest.mark.parametrize(
    ("line", "reply", "fault"),
    [
        (
            "alice@shop.example Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <alice@shop.example>... No such user",
            "550 5.1.1 <alice@shop.example>... No such user",
            None,
        ),
        ("[alice@shop.example Address, ERROR_CODE :552, ERROR_CODE :552 5.2.2 Full]", "552 5.2.2 Full", None),
        (
            "alice@shop.example Error, ERROR_CODE :421, ERROR_CODE :, Host not reachable.",
            "421 Host not reachable.",
            None,
        ),
        (
            "alice@shop.example Error, ERROR_CODE :, ERROR_CODE :, Host not reachable.",
            None,
            "unreachable-at-connect",
        ),
    ],
)
def test_zoho_writes_code_and_text_apart(line, reply, fault):
    text = f"A message that you sent could not be delivered.\n\n{line}\n\n\nReceived:from desk.news.example by mx.news.example\nTo:<carol@shop.example>\n"

    [failure] = read(text)

    assert (failure.recipient, failure.reply, failure.fault) == (ALICE, (reply,) if reply else (), fault)


@pytest.mark.parametrize(
    ("said", "stage"), [("RCPT TO", Stage.RCPT), ("MAIL FROM", Stage.MAIL), ("end of DATA", Stage.MESSAGE)]
)
def test_sendgrid_tells_server_reply_and_stage_in_a_line(said, stage):
    text = f"This is an automatically generated message from SendGrid.\n\nalice:000000:<alice@shop.example> : 198.51.100.7 : mx.shop.example:[192.0.2.8] : 550 5.1.1 No such user  in {said}\n"

    [failure] = read(text)

    assert (failure.recipient, failure.reply, failure.stage) == (ALICE, ("550 5.1.1 No such user",), stage)
    assert (failure.host, failure.address) == ("mx.shop.example", "192.0.2.8")


@pytest.mark.parametrize(
    ("said", "reply", "enhanced"),
    [
        (
            "5.1.0 - Unknown address error 550-'5.2.2 <alice@shop.example>... Mailbox Full' (delivery attempts: 0)",
            ("550 5.2.2 <alice@shop.example>... Mailbox Full",),
            "5.2.2",
        ),
        (
            "5.1.0 - Unknown address error ('550', ['5.1.1 No such', \"5.1.1 user, isn't it\"])",
            ("550-5.1.1 No such", "550 5.1.1 user, isn't it"),
            "5.1.1",
        ),
        (
            "5.1.2 - Bad destination host 'DNS Hard Error looking up shop.example (MX):  NXDomain'",
            (),
            "5.1.2",
        ),
    ],
)
def test_a_reply_that_asyncos_quotes_is_the_one_that_counts(said, reply, enhanced):
    [failure] = read(
        f"The following message to <alice@shop.example> was undeliverable.\nThe reason for the problem:\n{said}\n\n"
    )

    assert (failure.recipient, failure.reply, failure.enhanced) == (ALICE, reply, enhanced)


def test_amazon_writes_its_delivery_status_into_the_text():
    text = (
        "An error occurred while trying to deliver the mail to the following recipients:\nalice@shop.example\n\nTechnical report:\n\n"
        "Reporting-MTA: dsn; a1.smtp-out.example\n\nAction: failed\nFinal-Recipient: rfc822; alice@shop.example\n"
        "Diagnostic-Code: smtp; 554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2 Connection timed out>\nStatus: 4.4.7\n"
    )

    [failure] = read(text)

    assert (failure.recipient, failure.reply, failure.action) == (
        ALICE,
        ("421 4.4.2 Connection timed out",),
        "failed",
    )


@pytest.mark.parametrize(
    ("text", "reply", "enhanced", "stage"),
    [
        ("The user(s) account is disabled.\n\n<alice@shop.example>\n\n", (), None, None),
        (
            "Each of the following recipients was rejected by a remote mail server.\nThe reasons given by the server are included to help you.\n\n"
            "    Recipient: <alice@shop.example>\n    Reason:    5.1.1 <alice@shop.example>... No such user\n\n",
            (),
            "5.1.1",
            None,
        ),
        (
            "Each of the following recipients was rejected by a remote mail server.\n\n    Recipient: <alice@shop.example>\n    Reason:    550 5.1.1 No such user\n\n",
            ("550 5.1.1 No such user",),
            "5.1.1",
            None,
        ),
        (
            "Each of the following recipients was rejected by a remote mail server.\n\n    Recipient: <alice@shop.example>\n"
            "    >>> RCPT TO:<alice@shop.example>\n    <<< 550 <alice@shop.example>: No such user\n\n",
            ("550 <alice@shop.example>: No such user",),
            None,
            Stage.RCPT,
        ),
        (
            "The following destination addresses were unknown (please check\nthe addresses and re-mail the message):\n\nSMTP <alice@shop.example>\n\nPlease reply to Postmaster@news.example\n",
            (),
            None,
            None,
        ),
        (
            "Your mail sent on: Thu, 29 Apr 2013 23:45:22 +0900\n     Could not be delivered to: <alice@shop.example>\n     As their mailbox is full.\n",
            (),
            None,
            None,
        ),
    ],
)
def test_intermail_tells_a_reason_for_each_recipient(text, reply, enhanced, stage):
    [failure] = read(text)

    assert (failure.recipient, failure.reply, failure.enhanced, failure.stage) == (
        ALICE,
        reply,
        enhanced,
        stage,
    )
    assert bool(failure.words) is not bool(reply)


def test_recipients_under_each_other_share_what_is_said_above_them():
    failures = read(
        "The user(s) account is temporarily over quota.\n\n<alice@shop.example>\n<dave@shop.example>\n"
    )

    assert [(it.recipient, it.words) for it in failures] == [
        (it, "The user(s) account is temporarily over quota.") for it in (ALICE, "dave@shop.example")
    ]


@pytest.mark.parametrize(
    ("label", "charset"), [("iso-2022-jp", "euc_jp"), ("us-ascii", "iso2022_jp"), ("iso-2022-jp", "cp932")]
)
def test_a_japanese_bounce_is_read_whatever_charset_it_claims(label, charset):
    reason = "次のあて先へのメッセージは送信できませんでした。"
    head = f"From: Postmaster@tel.example\nTo: bob@news.example\nMIME-Version: 1.0\nContent-Type: text/plain; charset={label}\n\n"
    text = f"------- Failure Reasons  --------\n\n{reason}\nalice@shop.example\n\n------- Returned Message --------\nTo: carol@shop.example\n"

    [failure] = failures_of(BouncedMail.parse(head.encode() + text.encode(charset)))

    assert (failure.recipient, failure.words) == (ALICE, reason)


def test_a_mail_of_a_person_who_writes_at_google_is_no_bounce():
    assert (
        read(
            "I have sent it to alice@shop.example.\n",
            head="From: Bob <bob@news.example>\nMessage-ID: <1@mail.google.com>",
        )
        == []
    )
