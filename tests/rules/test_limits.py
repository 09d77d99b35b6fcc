"""How many recipients, messages and errors a session may have."""

from __future__ import annotations

from pytest_mailnet.rules.limits import TooManyErrors, TooManyMessages, TooManyRecipients

EHLO = "EHLO a.example"
MAIL = "MAIL FROM:<bob@b.example>"
ALICE, BOB, CARL = (f"RCPT TO:<{it}@corp.example>" for it in ("alice", "bob", "carl"))


def test_recipients_are_counted(evidence, make_step):
    rule = TooManyRecipients(limit=2)
    few = make_step(recipients=["a@gmail.com"], recipient="b@gmail.com")
    many = make_step(recipients=["a@gmail.com", "b@gmail.com"], recipient="c@gmail.com")

    assert rule.decide(few, evidence) is None
    assert rule.decide(many, evidence).why == "the mail has 2 recipients, and 2 are taken"


def test_messages_of_a_connection_are_counted(evidence, make_step):
    rule = TooManyMessages(limit=20)

    assert rule.decide(make_step(messages=19), evidence) is None
    assert rule.decide(make_step(messages=20), evidence).condition == "max_messages_per_connection"


def test_refused_commands_are_counted(evidence, make_step):
    rule = TooManyErrors(limit=3)

    assert rule.decide(make_step(errors=2), evidence) is None
    assert rule.decide(make_step(errors=3), evidence).why == "3 commands were refused, and 3 are borne with"


def test_the_last_recipient_gets_a_452_and_the_mail_goes_to_the_others(corp_with, say):
    net = corp_with(
        'rule = "too_many_recipients"\nlimit = 1\nreply = "refused"', "452 4.5.3 Too many recipients, {limit}"
    )

    said = say(EHLO, MAIL, ALICE, BOB, "DATA", "Subject: hi\r\n\r\n.")

    assert said[3:5] == ["250 2.1.5 OK", "452 4.5.3 Too many recipients, 1"]
    assert [message.envelope.rcpt_tos for message in net.messages] == [("alice@corp.example",)]


def test_a_connection_ends_after_so_many_messages(corp_with, say):
    net = corp_with(
        'rule = "too_many_messages"\nlimit = 1\nreply = "refused"', "421 Max message per connection", "mail"
    )

    said = say(EHLO, MAIL, ALICE, "DATA", "Subject: hi\r\n\r\n.", MAIL, "NOOP")

    assert said[-2:] == ["421 Max message per connection", ""]
    assert len(net.messages) == 1


def test_a_message_that_was_refused_does_not_count(corp_with, say):
    net = corp_with('rule = "too_many_messages"\nlimit = 1\nreply = "refused"', "421 Enough", "mail")
    net.provider("corp").on_message().reply("554 5.6.0 No").times(1)

    said = say(EHLO, MAIL, ALICE, "DATA", "Subject: hi\r\n\r\n.", MAIL)

    assert said[-2:] == ["554 5.6.0 No", "250 2.1.0 OK"]


def test_who_harvests_addresses_is_cut_off(corp_with, say):
    corp_with('rule = "too_many_errors"\nlimit = 2\nreply = "refused"', "421 4.7.0 Error: too many errors")

    said = say(EHLO, MAIL, CARL, CARL, ALICE)

    assert [reply[:3] for reply in said[3:]] == ["550", "550", "421"]


def test_what_a_rule_filled_in_is_not_in_the_replies_after(corp_with, say):
    net = corp_with(
        'rule = "too_many_recipients"\nlimit = 1\nreply = "refused"',
        "452 4.5.3 <{recipient}> is one too many",
    )
    net.provider("corp").on_message().reply("554 5.6.0 Not to {recipient}")

    said = say(EHLO, MAIL, ALICE, BOB, "DATA", "Subject: hi\r\n\r\n.")

    assert said[4] == "452 4.5.3 <bob@corp.example> is one too many"
    assert said[-1] == "554 5.6.0 Not to alice@corp.example"
