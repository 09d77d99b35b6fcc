"""The providers as applications meet them: who answers what, and when."""

from __future__ import annotations

import re
import smtplib

import dns.resolver
import pytest

from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.rules.auth.spf import check_spf

CATALOGUE = catalogue_with()
DOMAINS = [(name, domain) for name in CATALOGUE.names for domain in CATALOGUE.load(name).domains]
HOSTING = [name for name in CATALOGUE.names if CATALOGUE.load(name).customer]
MESSAGE = (
    b"From: Shop <shop@shop.example>\r\nDate: Mon, 5 Jan 2026 09:00:00 +0000\r\n"
    b"Message-ID: <1@shop.example>\r\nSubject: hi\r\n\r\nhello\r\n"
)


def mx_of(domain):
    answer = dns.resolver.resolve(domain, "MX")
    return str(min(answer, key=lambda it: it.preference).exchange).rstrip(".")


def deliver(recipient, sender="shop@shop.example", message=MESSAGE):
    """Deliver as an application does, MX look-up included; returns the stage that ended it, and the reply."""
    with smtplib.SMTP() as client:
        code, text = client.connect(mx_of(recipient.rpartition("@")[2]), 25)
        if code != 220:
            return "connect", f"{code} {text.decode()}"
        client.ehlo()
        for stage, say in (
            ("mail", lambda: client.mail(sender)),
            ("rcpt", lambda: client.rcpt(recipient)),
            ("message", lambda: client.data(message)),
        ):
            code, text = say()
            if code >= 300:
                return stage, f"{code} {text.decode()}"
        return "message", f"{code} {text.decode()}"


@pytest.mark.parametrize(("name", "domain"), DOMAINS, ids=[domain for _, domain in DOMAINS])
def test_a_decent_mail_arrives_in_a_fresh_net(mailnet, name, domain):
    alice = mailnet.provider(name).add_mailbox(f"alice@{domain}")

    stage, reply = deliver(f"alice@{domain}")

    assert (stage, reply[:3]) == ("message", "250")
    assert [it.content for it in alice.messages] == [MESSAGE]


@pytest.mark.parametrize("name", HOSTING)
def test_a_decent_mail_arrives_at_a_domain_of_the_test_s_own(mailnet, name):
    alice = mailnet.add_domain("shop.example", on=name).add_mailbox("alice@shop.example")

    stage, reply = deliver("alice@shop.example", "bob@b.example")

    assert (stage, reply[:3]) == ("message", "250")
    assert len(alice.messages) == 1


@pytest.mark.parametrize(
    ("recipient", "stage", "reply"),
    [
        (
            "carl@hotmail.com",
            "rcpt",
            "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
        ),
        (
            "carl@yahoo.com",
            "message",
            "554 delivery error: dd This user doesn't have a yahoo.com account (carl@yahoo.com) [0] - "
            "mta5.am0.yahoodns.net",
        ),
        ("carl@icloud.com", "rcpt", "550 5.1.1 <carl@icloud.com>: user does not exist"),
        ("carl@gmx.net", "rcpt", "550 Requested action not taken: mailbox unavailable"),
        ("carl@web.de", "rcpt", "550 <carl@web.de>: Requested action not taken: mailbox unavailable"),
        ("carl@comcast.net", "rcpt", "550 5.1.1 Not our Customer"),
        ("carl@zoho.com", "rcpt", "550 5.1.1 User does not exist - <carl@zoho.com>"),
        ("carl@yandex.ru", "rcpt", "550 5.7.1 No such user!"),
        (
            "carl@laposte.net",
            "rcpt",
            "550 5.5.0 Adresse destinataire invalide. Invalid recipient. LPN007_416",
        ),
    ],
)
def test_an_unknown_user_is_told_in_the_provider_s_words_where_it_tells(mailnet, recipient, stage, reply):
    assert deliver(recipient) == (stage, reply)
    assert mailnet.messages == []


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("barracuda", "550 cuda_nsu 5.1.1 <carl@shop.example>... User unknown"),
        ("proofpoint", "550 5.1.1 <carl@shop.example>: Recipient address rejected: User unknown"),
        (
            "postfix",
            "550 5.1.1 <carl@shop.example>: Recipient address rejected: User unknown in local recipient table",
        ),
        ("exim", "550 Unrouteable address"),
        ("sendmail", "550 5.1.1 <carl@shop.example>... User unknown"),
        ("opensmtpd", "550 Invalid recipient: <carl@shop.example>"),
        ("haraka", "550 I cannot deliver mail for <carl@shop.example>"),
        ("stalwart", "550 5.1.2 Mailbox does not exist."),
        ("mox", "550 5.1.1 no such user"),
        ("chasquid", "550 5.1.1 Destination address is unknown (user does not exist)"),
    ],
)
def test_an_unknown_user_of_a_domain_of_the_test_s_own_is_told_in_the_server_s_words(mailnet, name, reply):
    mailnet.add_domain("shop.example", on=name)

    assert deliver("carl@shop.example", "bob@b.example") == ("rcpt", reply)


def test_haraka_speaks_as_its_source_has_it(mailnet, converse):
    mailnet.add_domain("shop.example", on="haraka").add_mailbox("alice@shop.example")
    client = converse(mx_of("shop.example"))

    said = [
        client.say(line)
        for line in (
            "EHLO a.example",
            "MAIL FROM:<a@b.example>",
            "RCPT TO:<c@d.example>",
            "RCPT TO:<alice@shop.example>",
            "VRFY alice",
            "DATA",
        )
    ]

    assert said == [
        "250-mail.shop.example Hello [203.0.113.7], Haraka is at your service.\r\n"
        "250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 26214400\r\n",
        "250 sender <a@b.example> OK\r\n",
        "550 I cannot deliver mail for <c@d.example>\r\n",
        "250 recipient <alice@shop.example> OK\r\n",
        "252 Just try sending a mail and we'll see how it turns out...\r\n",
        "354 go ahead, make my day\r\n",
    ]


def test_opensmtpd_does_not_tell_a_foreign_domain_from_an_unknown_user(mailnet, converse):
    mailnet.add_domain("shop.example", on="opensmtpd")
    client = converse(mx_of("shop.example"))

    said = [client.banner]
    said += [
        client.say(line)
        for line in ("EHLO a.example", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA", "QUIT")
    ]

    assert said == [
        "220 mail.shop.example ESMTP OpenSMTPD\r\n",
        "250-mail.shop.example Hello a.example [203.0.113.7], pleased to meet you\r\n"
        "250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-SIZE 36700160\r\n250-DSN\r\n250 HELP\r\n",
        "250 2.0.0 Ok\r\n",
        "550 Invalid recipient: <c@d.example>\r\n",
        "503 5.5.4 Invalid command arguments: No recipient specified\r\n",
        "221 2.0.0 Bye\r\n",
    ]


def test_netease_names_the_mail_that_it_has_queued(mailnet):
    mailnet.provider("netease").add_mailbox("alice@163.com")

    stage, reply = deliver("alice@163.com")

    assert stage == "message"
    assert re.fullmatch(r"250 Mail OK queued as zwqz-mx-mta-g9-1,_____w[a-z]{16}--\.\d{5}S2 \d{10}", reply), (
        reply
    )


def test_microsoft_365_blocks_mail_for_unknown_users_at_the_edge(mailnet):
    mailnet.add_domain("shop.example", on="microsoft365")

    stage, reply = deliver("carl@shop.example", "bob@b.example")

    assert stage == "rcpt"
    assert reply.startswith(
        "550 5.4.1 Recipient address rejected: Access denied. For more information see "
        "https://aka.ms/EXOSmtpErrors [shop-example.mail.protection.outlook.com 20"
    )


def test_microsoft_365_takes_mail_for_unknown_users_where_a_test_has_it_so(mailnet):
    tenant = mailnet.add_domain("shop.example", on="microsoft365")
    tenant.on_rcpt("carl@*").reply(tenant.replies.ok_rcpt)

    stage, reply = deliver("carl@shop.example", "bob@b.example")

    assert stage == "message"
    assert reply.startswith("250 2.6.0 ")


def test_qmail_takes_mail_for_unknown_users(mailnet):
    mailnet.add_domain("shop.example", on="qmail")

    stage, reply = deliver("carl@shop.example", "bob@b.example")

    assert stage == "message"
    assert reply.startswith("250 ok ")


def test_icloud_refuses_rcpt_after_it_has_deferred_mail(mailnet, converse):
    mailnet.icloud.on_mail().reply(mailnet.icloud.replies.service_unavailable)
    client = converse("mx01.mail.icloud.com")

    said = [client.say(it) for it in ("EHLO a.example", "MAIL FROM:<a@b.example>", "RCPT TO:<c@icloud.com>")]

    assert said[1:] == [
        "451 4.7.1 Service unavailable - try again later\r\n",
        "503 5.5.1 Error: need MAIL command\r\n",
    ]


def test_gmail_has_one_queue_id_in_every_reply_of_a_session(mailnet, converse):
    mailnet.gmail.add_mailbox("alice")
    client = converse("gmail-smtp-in.l.google.com")
    queue_id = client.banner.split()[-3]

    said = [
        client.say(line)
        for line in (
            "EHLO a.example",
            "MAIL FROM:<a@b.example>",
            "RCPT TO:<carl@gmail.com>",
            "RCPT TO:<alice@gmail.com>",
            "DATA",
            "Subject: hi\r\n\r\n.",
            "QUIT",
        )
    ]

    assert all(reply.endswith(f"{queue_id} - gsmtp\r\n") for reply in said[1:])


@pytest.mark.parametrize(
    ("host", "banner", "ehlo"),
    [
        (
            "mail.protonmail.ch",
            "220-mail.protonmail.ch ESMTP Postfix\r\n220 mail.protonmail.ch ESMTP Postfix\r\n",
            "250-mail.protonmail.ch\r\n250-PIPELINING\r\n250-SIZE 71500000\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n"
            "250-8BITMIME\r\n250 CHUNKING\r\n",
        ),
        (
            "mxs.mail.ru",
            "220 Mail.Ru ESMTP\r\n",
            "250-mxs.mail.ru ready to serve\r\n250-SIZE 73400320\r\n250-8BITMIME\r\n250 STARTTLS\r\n",
        ),
        (
            "mx3.qq.com",
            "220 mx3.qq.com MX QQ Mail Server.\r\n",
            "250-mx3.qq.com\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-STARTTLS\r\n250 SIZE 73400320\r\n",
        ),
        (
            "mx.yandex.ru",
            "220 mx.yandex.ru (Want to use Yandex.Mail for your domain? Visit http://pdd.yandex.ru)\r\n",
            "250-mx.yandex.ru\r\n250-8BITMIME\r\n250-PIPELINING\r\n250-SIZE 42991616\r\n"
            "250-STARTTLS\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n",
        ),
    ],
)
@pytest.mark.usefixtures("mailnet")
def test_a_provider_greets_as_it_was_heard_to(converse, host, banner, ehlo):
    client = converse(host)

    assert client.banner == banner
    assert client.say("EHLO a.example") == ehlo


def test_outlook_refuses_a_listed_address_at_mail(mailnet):
    mailnet.sender.listed_in = ["xbl"]

    stage, reply = deliver("bob@outlook.com")

    assert stage == "mail"
    assert reply.startswith(
        "550 5.7.1 Service unavailable, Client host [203.0.113.7] blocked using Spamhaus. "
        "To request removal from this list see https://www.spamhaus.org/query/ip/203.0.113.7 (AS3130). "
    )


def test_outlook_blocks_addresses_at_mail(mailnet):
    mailnet.sender.reputation = "bad"

    stage, reply = deliver("bob@outlook.com")

    assert stage == "mail"
    assert reply.startswith("550 5.7.1 Unfortunately, messages from [203.0.113.7] weren't sent. ")


def test_yahoo_defers_an_address_at_mail_and_refuses_a_listed_one(mailnet):
    mailnet.sender.throttled = True
    deferred = deliver("alice@yahoo.com")

    mailnet.sender.throttled = False
    mailnet.sender.listed_in = ["xbl"]

    assert deferred[0] == "mail"
    assert deferred[1].startswith("421 4.7.0 [TSS04] Messages from 203.0.113.7 temporarily deferred")
    assert deliver("alice@yahoo.com")[1].startswith("553 5.7.1 [BL21] Connections will not be accepted")


def test_gmx_does_not_greet_an_address_without_a_reverse_name(mailnet):
    mailnet.sender.ptr = None

    stage, reply = deliver("alice@gmx.net")

    assert stage == "connect"
    assert "Bad DNS PTR resource record." in reply


def test_yahoo_closes_after_twenty_messages(mailnet):
    mailnet.yahoo.add_mailbox("alice")

    with smtplib.SMTP("mta5.am0.yahoodns.net", 25) as client:
        for _ in range(20):
            client.sendmail("shop@shop.example", ["alice@yahoo.com"], MESSAGE)
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.sendmail("shop@shop.example", ["alice@yahoo.com"], MESSAGE)

    assert refused.value.smtp_code == 421


@pytest.mark.parametrize(
    ("state", "reply"),
    [
        ({"disabled": True}, "550 5.2.1 "),
        ({"quota": 0}, "452 4.2.2 "),
        ({"hourly_limit": 0}, "450 4.2.1 "),
    ],
)
def test_gmail_knows_the_state_of_a_mailbox_at_rcpt(mailnet, state, reply):
    alice = mailnet.gmail.add_mailbox("alice")
    for name, value in state.items():
        setattr(alice, name, value)

    stage, said = deliver("alice@gmail.com")

    assert stage == "rcpt"
    assert said.startswith(reply)


def test_a_reply_of_the_catalogue_is_scripted_by_its_condition(mailnet):
    mailnet.gmail.add_mailbox("alice")
    mailnet.gmail.on_rcpt("alice@*").reply(mailnet.gmail.replies.over_quota).times(1)

    stage, reply = deliver("alice@gmail.com")

    assert stage == "rcpt"
    assert reply.startswith("452 4.2.2 The recipient's inbox is out of storage space.")
    assert deliver("alice@gmail.com")[0] == "message"


class TestAuthentication:
    """A sender that publishes something is held to it."""

    @pytest.fixture(autouse=True)
    def _extra(self):
        pytest.importorskip("spf")
        pytest.importorskip("dkim")

    @pytest.fixture(autouse=True)
    def alice(self, mailnet):
        mailnet.hotmail.add_mailbox("alice")
        mailnet.yahoo.add_mailbox("alice")
        return mailnet.gmail.add_mailbox("alice")

    def test_an_application_that_signs_passes(self, mailnet, alice):
        signed = mailnet.sender.publish("shop.example", dmarc="reject").sign(MESSAGE)

        stage, reply = deliver("alice@gmail.com", message=signed)

        assert (stage, reply[:9]) == ("message", "250 2.0.0")
        assert alice.messages[0].parsed["Authentication-Results"] == (
            "gmail-smtp-in.l.google.com; spf=pass smtp.mailfrom=shop@shop.example; dkim=pass "
            "header.d=shop.example header.s=mailnet; dmarc=pass (p=reject) header.from=shop.example"
        )
        assert alice.messages[0].content == signed

    def test_gmail_refuses_what_spf_forbids(self, mailnet):
        mailnet.dns.add("shop.example", "TXT", "v=spf1 -all")

        stage, reply = deliver("alice@gmail.com")

        assert stage == "message"
        assert reply.startswith(
            "550 5.7.26 The MAIL FROM domain [shop.example] has an SPF record with a hard fail"
        )

    def test_qq_refuses_what_spf_forbids_at_mail(self, mailnet):
        mailnet.dns.add("shop.example", "TXT", "v=spf1 -all")

        stage, reply = deliver("alice@qq.com")

        assert stage == "mail"
        assert reply.startswith("550 SPF check failed. http://service.mail.qq.com/cgi-bin/help?")

    def test_gmail_refuses_what_is_not_authenticated_at_all(self, mailnet):
        mailnet.dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=none")

        stage, reply = deliver("alice@gmail.com")

        assert stage == "message"
        assert reply.startswith(
            "550 5.7.26 Your email has been blocked because the sender is unauthenticated."
        )

    @pytest.mark.parametrize(
        ("recipient", "reply"),
        [
            ("alice@gmail.com", "550 5.7.26 "),
            ("alice@hotmail.com", "550 5.7.509 "),
            ("alice@yahoo.com", "554 5.7.9 "),
        ],
    )
    def test_dmarc_is_obeyed_where_another_domain_is_authenticated(self, mailnet, recipient, reply):
        mailnet.sender.publish("shop.example", dkim=False, spf=False, dmarc="reject")
        mailnet.sender.publish("mailer.example", dkim=False)

        stage, said = deliver(recipient, "bounce@mailer.example")

        assert stage == "message"
        assert said.startswith(reply)

    @pytest.mark.parametrize(
        ("recipient", "reply"), [("alice@gmail.com", "550 5.7.30 "), ("alice@hotmail.com", "550 5.7.515 ")]
    )
    def test_more_is_asked_of_bulk_senders(self, mailnet, recipient, reply):
        mailnet.sender.publish("shop.example", dkim=False)
        mailnet.sender.bulk = True

        stage, said = deliver(recipient)

        assert stage == "message"
        assert said.startswith(reply)

    def test_gmail_wants_bulk_senders_to_encrypt(self, mailnet):
        mailnet.gmail.add_mailbox("alice")
        signed = mailnet.sender.publish("shop.example").sign(MESSAGE)
        mailnet.sender.bulk = True

        said = []
        for tls in (False, True):
            with smtplib.SMTP("gmail-smtp-in.l.google.com", 25) as client:
                if tls:
                    client.starttls()
                client.ehlo()
                client.mail("shop@shop.example")
                client.rcpt("alice@gmail.com")
                said.append(client.data(signed)[1].decode()[:6])

        assert said == ["5.7.29", "2.0.0 "]

    def test_a_domain_becomes_a_bulk_sender_by_its_volume(self, make_mailnet, tmp_path):
        toml = (
            'name = "corp"\ntitle = "Corp"\ndomains = ["corp.example"]\n[zone]\nsource = "own"\n'
            'text = "corp.example. 300 IN MX 10 mx.corp.example."\n'
            '[[rules]]\nrule = "local_recipient"\n'
            '[[rules]]\nrule = "bulk_without_unsubscribe"\nthreshold = 2\nreply = "unsubscribe"\n'
            '[replies.unsubscribe]\nstage = "message"\nreply = "550 5.7.1 {domain}"\nsource = "own"\n'
        )
        (tmp_path / "corp.toml").write_text(toml)
        one_click = (
            b"List-Unsubscribe: <https://shop.example/u?1>\r\n"
            b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" + MESSAGE
        )
        with make_mailnet(providers=[tmp_path]) as net:
            net.provider("corp").add_mailbox("alice")
            net.sender.publish("shop.example", dkim=False)

            said = [deliver("alice@corp.example")[1][:9] for _ in range(3)]
            net.clock.advance(days=3)

            assert said == ["250 2.0.0", "250 2.0.0", "550 5.7.1"]
            assert deliver("alice@corp.example")[1] == "550 5.7.1 shop.example"
            assert deliver("alice@corp.example", message=one_click)[1][:3] == "250"

    @pytest.mark.parametrize(
        ("name", "theirs", "result"),
        [
            ("google-workspace", "74.125.1.1", "softfail"),
            ("microsoft365", "40.92.0.1", "fail"),
            ("icloud", "17.58.1.1", "softfail"),
        ],
    )
    def test_a_hosted_domain_s_spf_record_lets_only_its_provider_send(self, mailnet, name, theirs, result):
        mailnet.add_domain("b.example", on=name)

        said = [
            check_spf(life_of(mailnet).internet.dns, ip, "bob@b.example", "b.example").result
            for ip in (theirs, "203.0.113.7")
        ]

        assert said == ["pass", result]

    @pytest.mark.parametrize(
        ("domain", "result"),
        [("gmail.com", "softfail"), ("yahoo.com", "neutral"), ("icloud.com", "softfail")],
    )
    def test_a_provider_s_spf_record_can_be_followed_to_its_end(self, mailnet, domain, result):
        assert (
            check_spf(life_of(mailnet).internet.dns, "203.0.113.7", f"bob@{domain}", domain).result == result
        )

    def test_who_publishes_nothing_is_asked_for_nothing_unless_the_test_asks(self, mailnet):
        before = deliver("alice@gmail.com")[1]

        mailnet.gmail.enforce("authentication")

        assert before.startswith("250 ")
        assert deliver("alice@gmail.com")[1].startswith("550 5.7.26 ")


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("postfix", "552 5.3.4 Message size exceeds fixed limit"),
        ("exim", "552 Message size exceeds maximum permitted"),
        ("yahoo", "552 5.3.4 Message size exceeds fixed maximum message size"),
    ],
)
def test_a_mail_that_says_it_is_too_large_is_refused_at_mail(mailnet, converse, name, reply):
    provider = mailnet.provider(name)
    domain = provider.domains[0] if provider.domains else "shop.example"
    if not provider.domains:
        mailnet.add_domain(domain, on=name)
    client = converse(mx_of(domain))
    client.say("EHLO a.example")

    assert client.say("MAIL FROM:<a@b.example> SIZE=999999999") == f"{reply}\r\n"
