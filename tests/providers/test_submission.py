"""A user hands mail to their provider: whose mail is taken, how much, and what the server writes into it."""

from __future__ import annotations

import contextlib
import smtplib
import ssl

import dns.resolver
import pytest

MAIL = "Subject: hi\r\n\r\nhello\r\n"


@contextlib.contextmanager
def logged_in(host, user):
    """A client that has logged in over TLS."""
    with smtplib.SMTP(host, 587) as client:
        client.starttls(context=ssl.create_default_context())
        client.login(user, "pw")
        yield client


@pytest.fixture
def alice(mailnet):
    return mailnet.gmail.add_mailbox("alice", password="pw", aliases=["alice@alice.example"])


@pytest.fixture
def bob(mailnet):
    return mailnet.hotmail.add_mailbox("bob")


@pytest.fixture
def sales(mailnet):
    """A mailbox of a domain on Microsoft 365."""
    provider = mailnet.add_domain("shop.example", on="microsoft365")
    return provider.add_mailbox("sales@shop.example", password="pw", aliases=["info@shop.example"])


@pytest.mark.parametrize(
    ("host", "ports"),
    [
        ("smtp.gmail.com", {587, 465}),
        ("smtp.office365.com", {587, 25}),
        ("smtp-mail.outlook.com", {587}),
        ("smtp.mail.yahoo.com", {465, 587}),
        ("smtp.mail.me.com", {587}),
    ],
)
def test_the_large_providers_take_their_users_mail_where_they_do_in_life(mailnet, host, ports):
    [address] = dns.resolver.resolve(host, "A")
    answered = set()

    for port in (25, 465, 587):
        try:
            smtplib.SMTP_SSL(host, port).close() if port == 465 else smtplib.SMTP(host, port).close()
        except ConnectionRefusedError:
            continue
        answered.add(port)

    assert mailnet.host(host).addresses == (address.to_text(),)
    assert answered == ports


def test_alice_s_mail_goes_the_whole_way_to_bob(mailnet, alice, bob):
    with logged_in("smtp.gmail.com", "alice@gmail.com") as client:
        refused = client.sendmail("alice@gmail.com", ["bob@hotmail.com"], "From: alice@gmail.com\r\n" + MAIL)

    assert refused == {}
    assert bob.messages == []

    mailnet.deliver_all()

    [message] = bob.messages
    assert message.envelope.mail_from == "alice@gmail.com"
    assert message.parsed["From"] == "alice@gmail.com"
    assert message.parsed.get_content() == "hello\r\n"
    submitted, relayed = mailnet.sessions
    assert (submitted.user, submitted.tls) == ("alice@gmail.com", "TLSv1.3")
    assert (relayed.user, relayed.tls) == (None, "TLSv1.3")
    assert relayed.host == "hotmail-com.olc.protection.outlook.com"
    assert not mailnet.queue
    assert alice.messages == []


def test_what_a_mail_lacks_is_added(mailnet, alice, bob):
    with logged_in("smtp.gmail.com", "alice@gmail.com") as client:
        client.sendmail("alice@gmail.com", ["bob@hotmail.com"], "From: alice@gmail.com\r\n" + MAIL)
    mailnet.deliver_all()

    message = bob.messages[0].parsed
    assert message.keys() == ["Received", "Message-ID", "Date", "From", "Subject"]
    assert message["Date"].datetime == mailnet.clock.now().replace(microsecond=0)
    assert message["Message-ID"].endswith("@smtp.gmail.com>")
    assert message["Received"].startswith(
        "from app.sender.example (app.sender.example [203.0.113.7])\tby smtp.gmail.com with ESMTPSA id "
    )
    assert "for <bob@hotmail.com>;" in message["Received"]


def test_what_a_mail_has_stays(mailnet, alice, bob):
    fields = (
        "Message-ID: <1@app.example>\r\nDate: Fri, 17 Jul 2009 22:58:00 +0000\r\nFrom: alice@gmail.com\r\n"
    )
    with logged_in("smtp.gmail.com", "alice@gmail.com") as client:
        client.sendmail("alice@gmail.com", ["bob@hotmail.com"], fields + MAIL)
    mailnet.deliver_all()

    assert bob.messages[0].parsed.keys() == ["Received", "Message-ID", "Date", "From", "Subject"]
    assert bob.messages[0].content.endswith((fields + MAIL).encode())


def test_mail_for_several_does_not_tell_one_of_the_others(mailnet, alice, bob):
    with logged_in("smtp.gmail.com", "alice@gmail.com") as client:
        client.sendmail("alice@gmail.com", ["bob@hotmail.com", "eve@yahoo.com"], MAIL)
    mailnet.deliver_all()

    assert "for <" not in bob.messages[0].parsed["Received"]


@pytest.mark.parametrize("author", ["alice@gmail.com", "ALICE@gmail.com", "alice@alice.example"])
def test_gmail_leaves_an_author_who_is_the_user(mailnet, alice, bob, author):
    with logged_in("smtp.gmail.com", "alice@gmail.com") as client:
        client.sendmail("alice@gmail.com", ["bob@hotmail.com"], f"From: {author}\r\n{MAIL}")
    mailnet.deliver_all()

    assert bob.messages[0].parsed["From"] == author
    assert "X-Google-Original-From" not in bob.messages[0].parsed


def test_gmail_puts_the_user_in_place_of_another_author(mailnet, alice, bob):
    author = "Shop <shop@shop.example>,\r\n Eve <eve@eve.example>"
    with logged_in("smtp.gmail.com", "alice@gmail.com") as client:
        client.sendmail("alice@gmail.com", ["bob@hotmail.com"], f"To: bob\r\nFrom: {author}\r\n{MAIL}")
    mailnet.deliver_all()

    assert bob.messages[0].content.endswith(
        b"To: bob\r\nFrom: Shop <alice@gmail.com>\r\n"
        b"X-Google-Original-From: Shop <shop@shop.example>,\r\n Eve <eve@eve.example>\r\n" + MAIL.encode()
    )


@pytest.mark.parametrize(
    ("sender", "author"),
    [("boss@shop.example", "sales@shop.example"), ("sales@shop.example", "boss@shop.example")],
)
def test_microsoft365_denies_to_send_as_somebody_else(sales, sender, author):
    with (
        logged_in("smtp.office365.com", "sales@shop.example") as client,
        pytest.raises(smtplib.SMTPDataError) as denied,
    ):
        client.sendmail(sender, ["bob@hotmail.com"], f"From: {author}\r\n{MAIL}")

    assert (denied.value.smtp_code, denied.value.smtp_error) == (
        554,
        b"5.2.252 SendAsDenied; sales@shop.example not allowed to send as boss@shop.example",
    )


def test_microsoft365_takes_mail_over_three_connections_of_a_user_at_once(sales):
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(logged_in("smtp.office365.com", "sales@shop.example")) for _ in range(4)
        ]
        for client in clients[:3]:
            client.sendmail("sales@shop.example", ["bob@hotmail.com"], MAIL)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            clients[3].sendmail("sales@shop.example", ["bob@hotmail.com"], MAIL)
        clients[0].quit()
        clients[3].sendmail("sales@shop.example", ["bob@hotmail.com"], MAIL)

    assert refused.value.smtp_code == 432
    assert refused.value.smtp_error == (
        b"4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more "
        b"information. [Hostname=smtp.office365.com]"
    )


def test_microsoft365_takes_an_alias(mailnet, sales, bob):
    with logged_in("smtp.office365.com", "sales@shop.example") as client:
        client.sendmail("info@shop.example", ["bob@hotmail.com"], f"From: info@shop.example\r\n{MAIL}")
    mailnet.deliver_all()

    assert bob.messages[0].envelope.mail_from == "info@shop.example"


def test_mail_for_an_alias_comes_into_its_owner_s_mailbox(mailnet, sales):
    with smtplib.SMTP("shop-example.mail.protection.outlook.com", 25) as client:
        client.sendmail("bob@b.example", ["info@shop.example"], MAIL)

    assert len(sales.messages) == 1
    assert mailnet.microsoft365.mailboxes == [sales]


def test_gmail_takes_500_mails_a_day(mailnet, alice):
    def send(times):
        with logged_in("smtp.gmail.com", "alice@gmail.com") as client:
            for _ in range(times):
                client.sendmail("alice@gmail.com", ["alice@gmail.com"], MAIL)

    send(500)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(1)
    mailnet.clock.advance(days=1)
    send(1)

    assert refused.value.smtp_code == 550
    assert refused.value.smtp_error.startswith(
        b"5.4.5 Daily user sending limit exceeded. For more information on Gmail\n5.4.5 sending limits go to\n"
    )


def test_nobody_sends_without_a_log_in(mailnet):
    with smtplib.SMTP_SSL("smtp.gmail.com", 465) as client:
        client.ehlo()

        code, text = client.mail("alice@gmail.com")

    assert code == 530
    assert text.startswith(b"5.7.0 Authentication Required. For more information, go to\n")


def test_mail_for_a_user_of_the_same_provider_lies_there_at_once(mailnet, alice):
    carl = mailnet.gmail.add_mailbox("carl")

    with logged_in("smtp.gmail.com", "alice@gmail.com") as client:
        client.sendmail("alice@gmail.com", ["carl@gmail.com"], MAIL)

    assert len(carl.messages) == 1
    assert not mailnet.queue


def test_submission_hosts_can_be_scripted_and_explained(mailnet, alice):
    mailnet.gmail.submission.on_rcpt("bob@*").reply("452 4.5.3 Not now").times(1)

    with (
        logged_in("smtp.gmail.com", "alice@gmail.com") as client,
        pytest.raises(smtplib.SMTPRecipientsRefused),
    ):
        client.sendmail("alice@gmail.com", ["bob@hotmail.com"], MAIL)

    assert "the test's own answer" in mailnet.gmail.explain(mailnet.sessions[0])


def test_a_scripted_answer_of_submission_hosts_that_is_not_used_fails_the_test(pytester):
    pytester.makepyfile(
        """
        def test_mail(mailnet):
            mailnet.gmail.on_auth("alice*").reply("454 4.7.0 Not now").times(1)
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:randomly")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*gmail.on_auth('alice[*]')*was given 0 of 1 time*"])


def test_binary_content_comes_in_chunks_as_it_is(mailnet, shop, client):
    content = b"Subject: binary\r\n\r\n\0\1\nlone\rends\r\n.\r\n"
    client.say("MAIL FROM:<bob@b.example> BODY=BINARYMIME")
    client.say("RCPT TO:<alice@shop.example>")

    assert client.say("DATA") == (
        "503 5.5.1 Bad sequence of commands: DATA after BDAT, or of a binary message\r\n"
    )
    assert client.say(b"BDAT 20\r\n" + content[:20]) == "250 2.0.0 20 octets received\r\n"
    said = client.say(b"BDAT %d LAST\r\n" % len(content[20:]) + content[20:])

    assert said.startswith("250 2.0.0 OK queued as ")
    assert shop.mailbox("alice@shop.example").messages[0].content == content


def test_chunks_can_be_sent_without_waiting(mailnet, shop, client):
    client.send(
        b"MAIL FROM:<bob@b.example>\r\nRCPT TO:<alice@shop.example>\r\n"
        b"BDAT 5\r\nSubj:BDAT 4\r\n hi\nBDAT 0 LAST\r\nQUIT\r\n"
    )

    replies = client.rest().decode().splitlines()

    assert [reply[:9] for reply in replies] == ["250 2.1.0", "250 2.1.5", *["250 2.0.0"] * 3, "221 2.0.0"]
    assert shop.mailbox("alice@shop.example").messages[0].content == b"Subj: hi\n"


def test_chunks_of_a_mail_nobody_takes_are_read_and_dropped(shop, client):
    client.say("MAIL FROM:<bob@b.example>")

    assert (
        client.say(b"BDAT 6 LAST\r\nQUIT\r\n")
        == "503 5.5.1 Bad sequence of commands: need RCPT before DATA\r\n"
    )
    assert client.say("NOOP") == "250 2.0.0 OK\r\n"


def test_chunks_count_against_the_size_limit(mailnet, shop, client):
    mailnet.host("mx.shop.example").extensions.add("SIZE 10")
    client.say("MAIL FROM:<bob@b.example>")
    client.say("RCPT TO:<alice@shop.example>")
    client.say(b"BDAT 8\r\n12345678")

    assert (
        client.say(b"BDAT 3 LAST\r\nabc") == "552 5.3.4 Message size exceeds fixed maximum message size\r\n"
    )
    assert client.say("NOOP") == "250 2.0.0 OK\r\n"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("BDAT 0 LAST", "502 5.5.1 Command not implemented\r\n"),
        ("STARTTLS", "502 5.5.1 Command not implemented\r\n"),
        ("AUTH PLAIN", "502 5.5.1 Command not implemented\r\n"),
        (
            "MAIL FROM:<a@b.example> RET=FULL",
            "555 5.5.4 MAIL FROM parameters not recognized or not implemented\r\n",
        ),
    ],
)
def test_what_is_not_offered_is_not_known(mailnet, client, line, reply):
    mailnet.host("mx.shop.example").extensions.clear()

    assert client.say(line) == reply


def test_a_provider_says_to_what_it_does_not_offer_what_it_says_to_unknown_commands(mailnet, converse):
    client = converse("gmail-smtp-in.l.google.com")
    client.say("EHLO app.example")

    assert client.say("AUTH PLAIN") == client.say("HELLO")


def test_every_provider_s_users_reach_each_other(mailnet):
    users = {
        "gmail": ("smtp.gmail.com", "alice@gmail.com"),
        "yahoo": ("smtp.mail.yahoo.com", "alice@yahoo.com"),
        "icloud": ("smtp.mail.me.com", "alice@icloud.com"),
        "gmx": ("mail.gmx.net", "alice@gmx.net"),
        "zoho": ("smtp.zoho.com", "alice@zoho.com"),
        "mail.ru": ("smtp.mail.ru", "alice@mail.ru"),
        "yandex": ("smtp.yandex.com", "alice@yandex.ru"),
        "proton": ("smtp.protonmail.ch", "alice@proton.me"),
        "microsoft365": ("smtp.office365.com", "alice@shop.example"),
    }
    mailnet.add_domain("shop.example", on="microsoft365")
    addresses = [address for _, address in users.values()]
    mailboxes = [mailnet.provider(name).add_mailbox(user, password="pw") for name, (_, user) in users.items()]

    for host, address in users.values():
        client = smtplib.SMTP_SSL(host) if 465 in mailnet.host(host).ports else smtplib.SMTP(host, 587)
        with client:
            if 465 not in mailnet.host(host).ports:
                client.starttls()
            client.login(address, "pw")
            client.sendmail(address, addresses, f"From: {address}\r\nSubject: hi\r\n\r\nhi\r\n")
    mailnet.deliver_all()

    for mailbox in mailboxes:
        assert sorted(message.envelope.mail_from for message in mailbox.messages) == sorted(addresses)
    assert not mailnet.queue
