"""What evidence tells happens in a net: at that host, at that stage, with that reply or that fault."""

from __future__ import annotations

import dataclasses
import smtplib
import socket

import dns.exception
import dns.resolver
import pytest

from pytest_mailnet.errors import EvidenceError
from pytest_mailnet.evidence import Failure
from pytest_mailnet.values import DELIVERY, Stage

MAIL = "Subject: hi\r\n\r\nhello\r\n"


def send(recipient, sender="app@sender.example", host=None):
    """Send by the recipient's MX, or by a host that is named."""
    if host is None:
        exchanges = dns.resolver.resolve(recipient.rpartition("@")[2], "MX")
        host = min(exchanges, key=lambda it: it.preference).exchange.to_text(omit_final_dot=True)
    with smtplib.SMTP(host, 25, timeout=60) as client:
        client.sendmail(sender, [recipient], MAIL)


def test_a_bounce_happens_again(mailnet, bounce):
    [failure] = mailnet.reproduce(bounce)

    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send("alice@shop.example")

    assert refused.value.recipients == {
        "alice@shop.example": (550, b"5.1.1 <alice@shop.example>: nobody\n5.1.1 here")
    }
    assert (failure.recipient, failure.stage, failure.stage_rule) == (
        "alice@shop.example",
        Stage.RCPT,
        None,
    )
    assert socket.gethostbyname("mx.shop.example") == "192.0.2.8"


def test_others_at_the_same_host_are_served(mailnet, failure):
    mailnet.reproduce(failure)

    send("dave@shop.example")

    assert len(mailnet.messages) == 1


@pytest.mark.parametrize("stage", [it for it in DELIVERY if it not in (Stage.STARTTLS, Stage.AUTH)])
def test_a_reply_is_given_at_its_stage(mailnet, failure, stage):
    mailnet.reproduce(dataclasses.replace(failure, stage=stage))

    with pytest.raises(smtplib.SMTPException):
        send("alice@shop.example")

    [said] = [it for it in mailnet.sessions[0].exchanges if b"nobody" in it.reply][:1]
    assert said.stage is stage
    assert said.reply == b"550-5.1.1 <alice@shop.example>: nobody\r\n550 5.1.1 here\r\n"


def test_a_provider_s_own_host_says_it(mailnet):
    mailnet.reproduce(
        Failure(
            recipient="alice@shop.example",
            host="aspmx.l.google.com",
            stage=Stage.MESSAGE,
            reply=("550 5.7.26 Unauthenticated",),
        )
    )

    with pytest.raises(smtplib.SMTPDataError, match=r"5.7.26 Unauthenticated"):
        send("alice@shop.example")

    assert mailnet.sessions[0].host == "aspmx.l.google.com"
    assert mailnet.sessions[0].provider == "google-workspace"


def test_a_host_that_is_not_known_of_a_provider_leads_to_it(mailnet):
    mailnet.reproduce(
        Failure(
            recipient="carl@gmail.com",
            host="new-smtp-in.l.google.com",
            stage=Stage.RCPT,
            reply=("550 5.1.1 Nobody",),
        )
    )

    for host in (None, "new-smtp-in.l.google.com"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send("carl@gmail.com", host=host)


def test_a_submission_server_refuses_the_log_in(mailnet):
    mailnet.reproduce(
        Failure(
            recipient="alice@shop.example",
            sender="bob@gmail.com",
            host="smtp.gmail.com",
            stage=Stage.AUTH,
            reply=("535 5.7.8 Not accepted",),
        )
    )

    with smtplib.SMTP_SSL("smtp.gmail.com", 465) as client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login("bob@gmail.com", "secret")


@pytest.mark.parametrize(
    ("fault", "stage", "error"),
    [
        ("refused-at-connect", Stage.CONNECT, ConnectionRefusedError),
        ("dropped-at-connect", Stage.CONNECT, TimeoutError),
        ("closed-at-rcpt", Stage.RCPT, smtplib.SMTPServerDisconnected),
        ("stalled-after-dot", Stage.MESSAGE, OSError),
        ("dns-nxdomain", None, dns.resolver.NXDOMAIN),
        ("dns-servfail", None, dns.exception.DNSException),
    ],
)
def test_what_went_wrong_goes_wrong_again(mailnet, fault, stage, error):
    mailnet.clock.compress()
    mailnet.reproduce(Failure(recipient="alice@shop.example", fault=fault, stage=stage))

    with pytest.raises(error):
        send("alice@shop.example")


def test_a_failure_without_a_reply_is_given_one_of_its_class(mailnet):
    mailnet.reproduce(
        Failure(recipient="alice@shop.example", status="5.1.1", words="Sorry, no mailbox here"),
        Failure(recipient="dave@shop.example", action="delayed", words="later"),
    )

    for recipient, code, text in (
        ("alice@shop.example", 550, b"5.1.1 Sorry, no mailbox here"),
        ("dave@shop.example", 450, b"later"),
    ):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            send(recipient)
        assert refused.value.recipients == {recipient: (code, text)}


def test_two_failures_share_a_host_and_an_address(mailnet, failure):
    mailnet.reproduce(
        failure,
        dataclasses.replace(failure, recipient="carl@club.example", reply=("552 5.2.2 Full",)),
        dataclasses.replace(failure, recipient="dora@team.example", host="mx.team.example"),
    )

    for recipient in ("alice@shop.example", "carl@club.example", "dora@team.example"):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(recipient)
    assert socket.gethostbyname("mx.team.example") != "192.0.2.8"


def test_a_file_that_cannot_be_read_is_an_error_whatever_the_others_tell(mailnet, bounce):
    gone = bounce.with_name("gone.eml")
    gone.symlink_to("nowhere")

    with pytest.raises(EvidenceError) as told:
        mailnet.reproduce(bounce.parent)

    assert str(told.value) == f"{gone}: it could not be read; it is a link to where nothing is"


def test_a_file_that_is_not_there_is_told_with_its_like(mailnet, bounce):
    with pytest.raises(EvidenceError, match=r"bounc\.eml': no such file \(did you mean 'bounce\.eml'"):
        mailnet.reproduce(bounce.with_name("bounc.eml"))


def test_what_is_no_evidence_is_told(mailnet):
    with pytest.raises(
        EvidenceError, match=r"mailnet\.reproduce\(550\): it takes paths of evidence, and failures"
    ):
        mailnet.reproduce(550)


def test_a_file_without_a_failure_is_told_with_what_it_is(mailnet, tmp_path):
    path = tmp_path / "hello.eml"
    path.write_text("From: a@b.example\nSubject: Hello\n\nHow are you?\n")

    with pytest.raises(EvidenceError, match=r"hello\.eml: a mail with the subject 'Hello'; neither"):
        mailnet.reproduce(path)


def test_a_domain_at_an_operator_that_takes_no_domains_of_others_is_put_there(mailnet):
    mailnet.reproduce(
        Failure(
            recipient="alice@shop.example",
            host="gmail-smtp-in.l.google.com",
            stage=Stage.RCPT,
            reply=("550 5.7.1 No",),
        )
    )

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send("alice@shop.example")

    assert mailnet.sessions[0].host == "gmail-smtp-in.l.google.com"
