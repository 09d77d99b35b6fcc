"""The newsletter, tested against providers that are not there."""

from __future__ import annotations

import contextlib
import smtplib
from email.message import EmailMessage

import pytest
from newsletter import Account, CannotRead, CannotSend, Newsletter


@pytest.fixture
def shop(mailnet):
    """The application's own mail server."""
    server = mailnet.add_server("mail.shop.example", domain="shop.example")
    server.add_mailbox("news", password="open sesame")
    return server


@pytest.fixture
def bounces(shop):
    """The mailbox to which bounces and complaints come back."""
    mailbox = shop.add_mailbox("bounces", password="sent back", aliases=["abuse@shop.example"])
    mailbox.catch_all = True
    return mailbox


@pytest.fixture
def newsletter(mailnet, bounces, tmp_path):
    app = Newsletter(
        str(tmp_path / "newsletter.db"),
        Account("mail.shop.example", "news@shop.example", "open sesame"),
        Account("mail.shop.example", "bounces@shop.example", "sent back"),
        "shop.example",
        now=mailnet.clock.now,
    )
    yield app
    app.close()


@pytest.fixture
def come_back():
    """Hands in a mail that comes from nobody, as bounces do."""

    def come_back(to, content):
        with smtplib.SMTP("mail.shop.example") as mx:
            mx.sendmail("", [to], f"To: {to}\r\n{content}")

    return come_back


def letter_for_people(provider, reply):
    """A bounce without fields for programs, in the words that a provider has for it."""
    words = provider.facts.wording
    values = {"server": "relay.example", "recipient": "alice@gmail.com", "reply": reply, "reason": reply}
    recipients = words.filled("per_recipient", values)
    text = words.filled("failed_text", values | {"recipients": recipients})
    letter = EmailMessage()
    letter["From"] = words.filled("sender", values)
    letter["Subject"] = words.failed_subject
    letter.set_content(
        f"{text}\n\n--- Below this line is a copy of the message.\n\nSubject: 550 5.7.1 reasons\n"
    )
    return letter.as_string()


def test_a_letter_arrives_and_nothing_comes_back(mailnet, newsletter):
    alice = mailnet.gmail.add_mailbox("alice")
    newsletter.subscribe("alice@gmail.com")

    newsletter.publish("News", "Buy!")
    mailnet.deliver_all()

    assert [it.subject for it in alice.messages] == ["News"]
    assert alice.messages[0].sender.endswith("+alice=gmail.com@shop.example")
    assert newsletter.read_bounces() == 0


def test_an_unknown_user_gets_no_more_mail(mailnet, newsletter, bounces):
    newsletter.subscribe("carl@gmail.com")

    newsletter.publish("News", "Buy!")
    mailnet.deliver_all()

    assert newsletter.read_bounces() == 1
    assert newsletter.state("carl@gmail.com")[0] == "dead"
    assert [len(bounces.folders[it].messages) for it in ("INBOX", "Handled", "Unclear")] == [0, 1, 0]


@pytest.mark.parametrize("domain", ["gmail.com", "hotmail.com", "yahoo.com"])
def test_an_address_that_a_provider_gives_up_after_its_yes_gets_no_more_mail(mailnet, newsletter, domain):
    provider = mailnet.provider(domain.partition(".")[0])
    alice = provider.add_mailbox("alice")
    said = provider.replies.user_unknown
    provider.on_message("alice@*").bounce(said)
    newsletter.subscribe(f"alice@{domain}")

    newsletter.publish("News", "Buy!")
    mailnet.deliver_all()
    newsletter.read_bounces()
    newsletter.publish("More news", "Buy more!")
    mailnet.deliver_all()

    state, reason = newsletter.state(f"alice@{domain}")
    assert state == "dead"
    assert reason.startswith(str(said)[:20])
    assert alice.messages == []
    assert len(provider.sessions) == 1


def test_an_address_that_is_refused_in_the_dialogue_gets_no_more_mail(mailnet, newsletter, shop):
    shop.on_rcpt("carl@*").reply("550 5.1.1 No such user")
    newsletter.subscribe("carl@shop.example")
    newsletter.subscribe("dora@shop.example")

    newsletter.publish("News", "Buy!")

    assert newsletter.state("carl@shop.example") == ("dead", "550 5.1.1 No such user")
    assert newsletter.state("dora@shop.example") == ("active", "")
    assert [it.recipients for it in shop.messages] == [("dora@shop.example",)]


def test_a_mail_that_is_refused_for_now_is_sent_later(mailnet, newsletter, shop):
    dora = shop.add_mailbox("dora")
    shop.on_rcpt("dora@*").reply("450 4.2.0 Greylisted").times(1)
    newsletter.subscribe("dora@shop.example")

    newsletter.publish("News", "Buy!")
    mailnet.clock.advance(hours=1)
    newsletter.send_due()
    newsletter.send_due()

    assert [it.subject for it in dora.messages] == ["News"]


def test_what_is_still_due_is_not_sent_to_somebody_who_is_gone(mailnet, newsletter, shop):
    dora = shop.add_mailbox("dora")
    newsletter.subscribe("dora@shop.example")
    newsletter.publish("News", "Buy!")
    shop.on_rcpt("dora@*").reply("450 4.2.0 Greylisted").times(1)
    newsletter.publish("More news", "Buy more!")

    dora.report_spam(dora.messages[0])
    mailnet.deliver_all()
    newsletter.read_bounces()
    newsletter.send_due()

    assert [it.subject for it in dora.messages] == ["News"]


def test_a_server_that_lets_nobody_in_leaves_the_letters_due(mailnet, newsletter, shop):
    dora = shop.add_mailbox("dora")
    shop.on_auth().reply("454 4.7.0 Temporary authentication failure").times(2)  # PLAIN, LOGIN
    newsletter.subscribe("dora@shop.example")

    with pytest.raises(CannotSend, match="454"):
        newsletter.publish("News", "Buy!")
    newsletter.send_due()

    assert [it.subject for it in dora.messages] == ["News"]


def test_a_full_mailbox_is_written_to_again(mailnet, newsletter):
    alice = mailnet.gmail.add_mailbox("alice", quota=0)
    newsletter.subscribe("alice@gmail.com")

    newsletter.publish("News", "Buy!")
    mailnet.deliver_all(days=6)
    newsletter.read_bounces()
    alice.quota = None
    newsletter.publish("More news", "Buy more!")
    mailnet.deliver_all()

    assert newsletter.state("alice@gmail.com") == ("active", "")
    assert [it.subject for it in alice.messages] == ["More news"]


def test_bounces_that_come_days_later_still_make_a_row(mailnet, newsletter):
    mailnet.gmail.add_mailbox("alice", quota=0)
    newsletter.subscribe("alice@gmail.com")
    days = 0

    while newsletter.state("alice@gmail.com")[0] == "active":
        newsletter.publish("News", "Buy!")
        mailnet.deliver_all(days=1)
        newsletter.read_bounces()
        days += 1

    # The server gives a letter up after five days, so the third comes back on the seventh.
    assert days == 7
    assert newsletter.state("alice@gmail.com")[1].startswith("452-4.2.2 The recipient's inbox")


def test_three_letters_that_a_full_mailbox_does_not_take_are_enough(mailnet, newsletter):
    mailnet.gmail.add_mailbox("alice")
    mailnet.gmail.on_message("alice@*").bounce("552 5.2.2 Mailbox full")
    newsletter.subscribe("alice@gmail.com")
    states = []

    for _ in range(3):
        newsletter.publish("News", "Buy!")
        mailnet.deliver_all()
        newsletter.read_bounces()
        states.append(newsletter.state("alice@gmail.com")[0])
        mailnet.clock.advance(days=1)

    assert states == ["active", "active", "dead"]


def test_a_mailbox_that_has_been_full_for_two_weeks_is_enough(mailnet, newsletter):
    mailnet.gmail.add_mailbox("alice")
    mailnet.gmail.on_message("alice@*").bounce("552 5.2.2 Mailbox full")
    newsletter.subscribe("alice@gmail.com")

    for _ in range(2):
        newsletter.publish("News", "Buy!")
        mailnet.deliver_all()
        newsletter.read_bounces()
        mailnet.clock.advance(days=14)

    assert newsletter.state("alice@gmail.com")[0] == "dead"


def test_a_letter_that_gets_through_ends_the_row(mailnet, newsletter):
    mailnet.gmail.add_mailbox("alice")
    full = "552 5.2.2 Mailbox full"
    mailnet.gmail.on_message("alice@*").bounce(full).times(2)
    mailnet.gmail.on_message("alice@*").bounce(full).after(1).times(1)
    newsletter.subscribe("alice@gmail.com")

    for _ in range(4):
        newsletter.publish("News", "Buy!")
        mailnet.deliver_all()
        newsletter.read_bounces()
        mailnet.clock.advance(days=6)

    assert newsletter.state("alice@gmail.com") == ("active", "")


def test_letters_that_are_only_delayed_are_no_failures(mailnet, newsletter, bounces):
    bob = mailnet.hotmail.add_mailbox("bob")
    mailnet.hotmail.on_rcpt().reply("451 4.7.1 Try again later").times(30)
    newsletter.subscribe("bob@hotmail.com")

    for _ in range(3):
        newsletter.publish("News", "Buy!")
    mailnet.deliver_all(hours=5)
    newsletter.read_bounces()
    mailnet.deliver_all(days=4)

    subjects = [it.subject for it in bounces.folders["Handled"].messages]
    assert subjects == ["Delayed mail, still being tried"] * 3
    assert newsletter.state("bob@hotmail.com") == ("active", "")
    assert len(bob.messages) == 3


def test_a_forwarded_mail_s_bounce_names_another_address_and_is_known_all_the_same(
    mailnet, newsletter, bounces
):
    mailnet.gmail.add_mailbox("alice").forward_to("old.alice@yahoo.com", keep=False)
    newsletter.subscribe("alice@gmail.com")
    newsletter.subscribe("old.alice@yahoo.com")
    mailnet.yahoo.add_mailbox("old.alice")
    mailnet.yahoo.on_rcpt("old.alice@*").after(1).reply("550 5.1.1 No such user")

    newsletter.publish("News", "Buy!")
    mailnet.deliver_all()
    newsletter.read_bounces()

    [bounce] = bounces.folders["Handled"].messages
    assert "Final-Recipient: rfc822;old.alice@yahoo.com" in bounce.content.decode()
    assert newsletter.state("alice@gmail.com")[0] == "dead"
    assert newsletter.state("old.alice@yahoo.com")[0] == "active"


def test_somebody_who_is_away_is_written_to_again(mailnet, newsletter, bounces):
    alice = mailnet.gmail.add_mailbox("alice")
    alice.auto_reply = "I am away until 5.1.1970, and 550 5.1.1 is no code of mine."
    newsletter.subscribe("alice@gmail.com")

    newsletter.publish("News", "Buy!")
    mailnet.deliver_all()

    assert newsletter.read_bounces() == 1
    assert newsletter.state("alice@gmail.com") == ("active", "")
    assert [it.subject for it in bounces.folders["Handled"].messages] == ["Auto: News"]


def test_somebody_who_complains_gets_no_more_mail(mailnet, newsletter):
    bob = mailnet.yahoo.add_mailbox("bob")
    newsletter.subscribe("bob@yahoo.com")

    newsletter.publish("News", "Buy!")
    mailnet.deliver_all()
    bob.report_spam(bob.messages[0])
    mailnet.deliver_all()
    newsletter.read_bounces()
    newsletter.publish("More news", "Buy more!")
    mailnet.deliver_all()

    assert newsletter.state("bob@yahoo.com") == ("complained", "feedback: abuse")
    assert len(bob.messages) == 1


def test_a_complaint_that_hides_the_recipient_is_known_by_the_letter_in_it(mailnet, newsletter, come_back):
    mailnet.yahoo.add_mailbox("bob")
    newsletter.subscribe("bob@yahoo.com")
    newsletter.publish("News", "Buy!")

    come_back(
        "abuse@shop.example",
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {mailnet.messages[0]['Message-ID']}\r\n"
        "--b--\r\n",
    )
    newsletter.read_bounces()

    assert newsletter.state("bob@yahoo.com")[0] == "complained"


@pytest.mark.parametrize("writer", ["yahoo", "qmail", "gmx", "sendgrid"])
@pytest.mark.parametrize("reply", ["550 5.1.1 No such user", "550 No such user"])
def test_a_bounce_that_is_a_letter_for_people_is_understood(mailnet, newsletter, come_back, writer, reply):
    mailnet.gmail.add_mailbox("alice")
    newsletter.subscribe("alice@gmail.com")
    newsletter.publish("News", "Buy!")

    come_back(mailnet.messages[0].sender, letter_for_people(mailnet.provider(writer), reply))
    newsletter.read_bounces()

    state, reason = newsletter.state("alice@gmail.com")
    assert state == "dead"
    assert reply in reason


def test_a_warning_that_is_a_letter_for_people_is_no_failure(mailnet, newsletter, come_back, bounces):
    mailnet.gmail.add_mailbox("alice")
    newsletter.subscribe("alice@gmail.com")
    for _ in range(3):
        newsletter.publish("News", "Buy!")

    for sent in mailnet.messages:
        come_back(
            sent.sender,
            "From: MAILER-DAEMON@relay.example\r\nSubject: Warning: message delayed 24 hours\r\n\r\n"
            "450 4.2.0 Greylisted\r\n",
        )
    newsletter.read_bounces()

    assert newsletter.state("alice@gmail.com") == ("active", "")
    assert len(bounces.folders["Handled"].messages) == 3


def test_a_bounce_of_nothing_that_was_sent_is_left_to_a_person(mailnet, newsletter, come_back, bounces):
    newsletter.subscribe("alice@gmail.com")

    come_back(
        "bounces+0123456789ab+alice=gmail.com@shop.example",
        letter_for_people(mailnet.provider("qmail"), "550 5.1.1 No such user"),
    )
    newsletter.read_bounces()

    assert newsletter.state("alice@gmail.com") == ("active", "")
    assert len(bounces.folders["Unclear"].messages) == 1


def test_an_address_that_is_too_long_for_a_reverse_path_has_one_all_the_same(mailnet, newsletter):
    address = f"{'a' * 47}.{'b' * 16}@gmail.com"
    newsletter.subscribe(address)

    newsletter.publish("News", "Buy!")
    mailnet.deliver_all()
    newsletter.read_bounces()

    assert mailnet.messages[0].sender.partition("@")[0].endswith(f"+{'a' * 43}")
    assert newsletter.state(address)[0] == "dead"


def test_a_question_to_the_bounce_address_is_left_to_a_person(mailnet, newsletter, bounces):
    mailnet.gmail.send(to="bounces@shop.example", subject="When do you open?")
    mailnet.deliver_all()

    newsletter.read_bounces()

    assert [it.subject for it in bounces.folders["Unclear"].messages] == ["When do you open?"]


def test_a_log_in_that_is_refused_loses_nothing(mailnet, newsletter, shop, bounces):
    newsletter.subscribe("carl@gmail.com")
    newsletter.publish("News", "Buy!")
    mailnet.deliver_all()
    bounces.account.password = "changed since"

    with pytest.raises(CannotRead, match="AUTHENTICATIONFAILED"):
        newsletter.read_bounces()
    bounces.account.password = "sent back"
    shop.imap.on_login("bounces@*").reply("NO [UNAVAILABLE] Try again later").times(1)
    with pytest.raises(CannotRead, match="UNAVAILABLE"):
        newsletter.read_bounces()

    assert newsletter.state("carl@gmail.com")[0] == "active"
    assert newsletter.read_bounces() == 1
    assert newsletter.state("carl@gmail.com")[0] == "dead"


@pytest.mark.mailnet_faults(stage="fetch")
def test_whatever_breaks_while_it_reads_no_bounce_is_lost_or_counted_twice(
    mailnet, newsletter, shop, bounces, mailnet_fault
):
    mailnet.clock.compress()
    subscribers = [mailnet.gmail.add_mailbox(it).address for it in ("alice", "bob", "carl")]
    mailnet.gmail.on_message().bounce("552 5.2.2 Mailbox full")
    for address in subscribers:
        newsletter.subscribe(address)
    for _ in range(2):
        newsletter.publish("News", "Buy!")
    mailnet.deliver_all()
    shop.fail(mailnet_fault, times=1)

    for _ in range(2):
        with contextlib.suppress(CannotRead):
            newsletter.read_bounces()

    assert len(bounces.folders["Handled"].messages) == 6
    assert {newsletter.state(it)[0] for it in subscribers} == {"active"}
    newsletter.publish("News", "Buy!")
    mailnet.deliver_all()
    newsletter.read_bounces()
    assert {newsletter.state(it)[0] for it in subscribers} == {"dead"}
