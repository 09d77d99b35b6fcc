"""The newsletter, tested against providers that are not there."""

from __future__ import annotations

import contextlib

import pytest
from newsletter import Account, CannotRead, Newsletter


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


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        ("gmail.com", "550 5.1.1 The email account that you tried to reach does not exist."),
        ("hotmail.com", "550 5.5.0 Requested action not taken: mailbox unavailable"),
        ("yahoo.com", "554 delivery error: dd This user doesn't have a yahoo.com account"),
    ],
)
def test_an_address_that_a_provider_gives_up_after_its_yes_gets_no_more_mail(
    mailnet, newsletter, domain, said
):
    provider = mailnet.provider(domain.partition(".")[0])
    alice = provider.add_mailbox("alice")
    provider.on_message("alice@*").bounce(said)
    newsletter.subscribe(f"alice@{domain}")

    newsletter.publish("News", "Buy!")
    mailnet.deliver_all()
    newsletter.read_bounces()
    newsletter.publish("More news", "Buy more!")
    mailnet.deliver_all()

    state, reason = newsletter.state(f"alice@{domain}")
    assert (state, reason) == ("dead", said)
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
    shop.on_rcpt("dora@*").reply("450 4.2.0 Greylisted").times(1)
    newsletter.subscribe("dora@shop.example")

    newsletter.publish("News", "Buy!")
    mailnet.clock.advance(hours=1)
    newsletter.send_due()
    newsletter.send_due()

    assert [it.subject for it in shop.mailbox("dora").messages] == ["News"]


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


def test_three_letters_that_a_full_mailbox_does_not_take_are_enough(mailnet, newsletter):
    mailnet.gmail.add_mailbox("alice")
    mailnet.gmail.on_message("alice@*").bounce("552 5.2.2 The email account is over quota")
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
    mailnet.gmail.on_message("alice@*").bounce("552 5.2.2 The email account is over quota")
    newsletter.subscribe("alice@gmail.com")

    for _ in range(2):
        newsletter.publish("News", "Buy!")
        mailnet.deliver_all()
        newsletter.read_bounces()
        mailnet.clock.advance(days=14)

    assert newsletter.state("alice@gmail.com")[0] == "dead"


def test_a_letter_that_gets_through_ends_the_row(mailnet, newsletter):
    mailnet.gmail.add_mailbox("alice")
    full = "552 5.2.2 The email account is over quota"
    mailnet.gmail.on_message("alice@*").bounce(full).times(2)
    mailnet.gmail.on_message("alice@*").bounce(full).after(1).times(1)
    newsletter.subscribe("alice@gmail.com")

    for _ in range(4):
        newsletter.publish("News", "Buy!")
        mailnet.deliver_all()
        newsletter.read_bounces()
        mailnet.clock.advance(days=6)

    assert newsletter.state("alice@gmail.com") == ("active", "")


def test_a_delay_is_no_failure(mailnet, newsletter, bounces):
    bob = mailnet.hotmail.add_mailbox("bob")
    mailnet.hotmail.on_rcpt().reply("451 4.7.650 The mail server has been temporarily rate limited").times(10)
    newsletter.subscribe("bob@hotmail.com")

    newsletter.publish("News", "Buy!")
    mailnet.deliver_all(hours=5)
    read = newsletter.read_bounces()
    mailnet.deliver_all(days=4)

    assert read == 1
    assert newsletter.state("bob@hotmail.com") == ("active", "")
    assert len(bob.messages) == 1
    assert len(bounces.folders["Handled"].messages) == 1


def test_a_forwarded_mail_s_bounce_names_another_address_and_is_known_all_the_same(
    mailnet, newsletter, bounces
):
    mailnet.gmail.add_mailbox("alice").forward_to("old.alice@yahoo.com", keep=False)
    newsletter.subscribe("alice@gmail.com")
    newsletter.subscribe("old.alice@yahoo.com")
    mailnet.yahoo.add_mailbox("old.alice")
    mailnet.yahoo.on_rcpt("old.alice@*").after(1).reply(
        "554 5.1.1 This user doesn't have a yahoo.com account"
    )

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
    mailnet.gmail.on_message().bounce("552 5.2.2 The email account is over quota")
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
