"""Evidence, a net, smtplib, a bounce that the net's own servers write, and the same evidence again."""

from __future__ import annotations

import dataclasses
import smtplib

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.bounces import BouncedMail, failures_of
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.reproduce import Recogniser
from pytest_mailnet.values import Stage

TOLD = [
    (Stage.MAIL, ("550 5.1.8 Sender's domain not found",)),
    (
        Stage.RCPT,
        ("550-5.1.1 The account that you tried to reach", "550-5.1.1 does not exist.", "550 5.1.1 a1b2"),
    ),
    (Stage.RCPT, ("552 5.2.2 <alice@shop.example>: over quota",)),
    (Stage.RCPT, ("550 no such user",)),
    (Stage.RCPT, ("550 5.7.1 {ip} is blocked by {policy}",)),
    (Stage.DATA, ("554 5.5.1 No valid recipients",)),
    (Stage.MESSAGE, ("554 5.7.1 Looks like spam",)),
    (Stage.MESSAGE, ("571 5.7.1 Delivery not authorized",)),
]

# Whose bounces tell the reply that was given; the others' say no more than that a mail failed.
SERVERS = ["exim", "opensmtpd", "postfix", "sendmail"]
OPERATORS = [*SERVERS, "gmail", "gmx", "mail.ru", "yahoo"]


@pytest.mark.parametrize(("stage", "reply"), TOLD)
def test_a_bounce_of_the_net_tells_what_was_reproduced(mailnet, stage, reply):
    failure = Failure(
        recipient="alice@shop.example",
        sender="bob@app.example",
        host="mx.shop.example",
        address="192.0.2.8",
        stage=stage,
        reply=reply,
    )
    mailnet.reproduce(failure)
    met = met_by_smtplib(mailnet)

    [again] = failures_of(BouncedMail.parse(bounced(mailnet)))

    assert met == reply
    assert again == dataclasses.replace(failure, status=again.status, action="failed")


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(("stage", "reply"), TOLD)
def test_bounces_in_operators_words_tell_it_too(make_mailnet, operator, stage, reply):
    told = Failure(recipient="alice@shop.example", host="mx.shop.example", stage=stage, reply=reply)
    with make_mailnet() as net:
        net.reproduce(told)
        relay = net.add_domain("app.example", on=operator) if operator in SERVERS else net.provider(operator)
        bob = net.add_server("mx.bob.example", domain="bob.example").add_mailbox("bob")
        relay.trust("203.0.113.0/24")
        with smtplib.SMTP(next(iter(relay.hosts)), 25) as client:
            client.sendmail("bob@bob.example", ["alice@shop.example"], "Subject: hi\r\n\r\nhello\r\n")
        net.deliver_all(days=6)
        [message] = bob.messages

        [again] = failures_of(BouncedMail.parse(message.content))

    assert (again.recipient, again.sender) == ("alice@shop.example", "bob@bob.example")
    assert (" ".join(again.reply), again.code) == (" ".join(reply), int(reply[0][:3]))
    staged = Recogniser(catalogue_with()).recognise(again).failure
    assert staged.stage is stage or staged.stage_rule is not None


def met_by_smtplib(mailnet):
    """The reply that meets smtplib on the way to Alice."""
    with smtplib.SMTP("mx.shop.example", 25) as client:
        with pytest.raises(smtplib.SMTPException) as refused:
            client.sendmail("bob@app.example", ["alice@shop.example"], "Subject: hi\r\n\r\nhello\r\n")
        error = refused.value
    code, text = (
        error.recipients["alice@shop.example"]
        if isinstance(error, smtplib.SMTPRecipientsRefused)
        else (error.smtp_code, error.smtp_error)
    )
    *before, last = text.decode().split("\n")
    return (*(f"{code}-{line}" for line in before), f"{code} {last}")


def bounced(mailnet):
    """The bounce that a server of Bob's own writes."""
    server = mailnet.add_server("smtp.app.example", domain="app.example")
    bob = server.add_mailbox("bob")
    server.trust("203.0.113.0/24")
    with smtplib.SMTP("smtp.app.example") as client:
        client.sendmail("bob@app.example", ["alice@shop.example"], "Subject: hi\r\n\r\nhello\r\n")
    mailnet.deliver_all(days=6)
    [message] = bob.messages
    return message.content
