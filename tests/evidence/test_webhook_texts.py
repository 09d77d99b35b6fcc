"""What operators write about a failure is read as a reply, a fault, or words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.network_errors import Trouble, trouble_in
from pytest_mailnet.evidence.webhooks import WEBHOOKS
from pytest_mailnet.values import Stage

AMAZON_SES, SENDGRID, MAILGUN, POSTMARK, SPARKPOST, *_ = WEBHOOKS


def sample(name):
    return json.loads((Path(__file__).parent / "webhooks" / f"{name}.json").read_text(encoding="utf-8"))


def only(webhook, document):
    (failure,) = webhook.failures(document)
    return failure


def ses(diagnostic, **bounce):
    document = sample("ses-bounce")
    recipient = {"emailAddress": "alice@example.com", "action": "failed", "diagnosticCode": diagnostic}
    document["bounce"] |= {"bouncedRecipients": [recipient | bounce.pop("recipient", {})], **bounce}
    return only(AMAZON_SES, document)


def sendgrid(**members):
    return only(SENDGRID, [{"email": "alice@example.com", "sg_event_id": "1", **members}])


def mailgun(**status):
    document = sample("mailgun-permanent")
    document["event-data"]["delivery-status"] = {name.replace("_", "-"): it for name, it in status.items()}
    return only(MAILGUN, document)


def postmark(**members):
    return only(POSTMARK, sample("postmark-bounce") | members)


def sparkpost(**members):
    event = sample("sparkpost-events-api")["results"][0]
    return only(SPARKPOST, {"results": [event | members]})


def test_all_that_a_bounce_of_amazon_ses_tells_is_read():
    first, second = AMAZON_SES.failures(sample("ses-bounce"))

    assert first == Failure(
        recipient="alice@example.com",
        sender="orders@shop.example",
        address="192.0.2.25",
        reply=("550-5.1.1 No mailbox here", "550 5.1.1 by that name"),
        status="5.1.1",
        action="failed",
    )
    assert (second.recipient, second.reply) == ("bob@example.org", ("552 5.2.2 Over quota",))


def test_all_that_a_failure_of_mailgun_tells_is_read():
    failure = only(MAILGUN, sample("mailgun-permanent"))

    assert failure == Failure(
        recipient="alice@example.com",
        sender="bounce+1@shop.example",
        host="mx1.example.com",
        reply=("550-5.1.1 No mailbox here", "550 5.1.1 by that name"),
        status="5.1.1",
        action="failed",
    )


def test_all_that_a_bounce_of_sparkpost_tells_is_read():
    failure = only(SPARKPOST, sample("sparkpost-events-api"))

    assert failure == Failure(
        recipient="Alice@example.com",
        sender="bounces@shop.example",
        address="192.0.2.25",
        reply=("550 5.1.1 <Alice@example.com>: No mailbox here",),
        action="failed",
    )


EXPIRED = "smtp; 554 4.4.7 Message expired: unable to deliver in 840 minutes."


@pytest.mark.parametrize(
    ("diagnostic", "reply"),
    [
        (
            f"{EXPIRED}<454 4.7.1 <a@example.com>: Relay access denied>",
            ("454 4.7.1 <a@example.com>: Relay access denied",),
        ),
        (
            f"{EXPIRED}<452-4.2.2 The inbox<CRLF>452 4.2.2 is full>",
            ("452-4.2.2 The inbox", "452 4.2.2 is full"),
        ),
        ("smtp;550 mailbox unavailable", ("550 mailbox unavailable",)),
        ("550 5.7.1 Not here (in reply to RCPT TO command)", ("550 5.7.1 Not here",)),
    ],
)
def test_amazon_ses_quotes_a_reply(diagnostic, reply):
    failure = ses(diagnostic)

    assert (failure.reply, failure.words) == (reply, "")


@pytest.mark.parametrize(
    ("diagnostic", "fault"),
    [
        (f"{EXPIRED}<421 4.4.1 Failed to establish connection>", "dropped-at-connect"),
        (f"{EXPIRED}<421 4.4.0 Unable to lookup DNS for example.com>", "dns-servfail"),
        ("smtp; 421 4.4.2 Connection timed out", "dropped-at-connect"),
        (EXPIRED, None),
    ],
)
def test_what_amazon_ses_says_of_its_own_tries_is_no_reply(diagnostic, fault):
    failure = ses(diagnostic)

    assert (failure.reply, failure.fault, failure.words) == ((), fault, diagnostic)


def test_the_stage_is_told_by_the_command_that_was_answered():
    assert ses("smtp; 550 5.7.1 No (in reply to end of DATA command)").stage is Stage.MESSAGE


@pytest.mark.parametrize(
    ("bounce", "action"),
    [
        ({"bounceType": "Transient", "recipient": {"action": None}}, "failed"),
        ({"bounceType": "Undetermined", "recipient": {"action": None}}, None),
        ({"bounceType": "Transient", "recipient": {"action": "delayed"}}, "delayed"),
    ],
)
def test_amazon_ses_has_given_up_unless_it_says_otherwise(bounce, action):
    assert ses("smtp; 452 4.2.2 Full", **bounce).action == action


@pytest.mark.parametrize("sub_type", ["Suppressed", "OnAccountSuppressionList"])
def test_an_address_that_amazon_ses_suppresses_was_asked_of_no_server(sub_type):
    failure = ses("not sent after 550 5.1.1 No, connection refused", bounceSubType=sub_type)

    assert (failure.reply, failure.fault, failure.address) == ((), None, None)
    assert failure.words == "not sent after 550 5.1.1 No, connection refused"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"event": "bounce", "reason": "500 unknown recipient"}, {"reply": ("500 unknown recipient",), "action": "failed"}),
        ({"event": "deferred", "response": "400 try again later"}, {"reply": ("400 try again later",), "action": "delayed"}),
        ({"event": "deferred", "response": "unable to get mx info: lookup x.example: no such host"}, {"fault": "dns-nxdomain"}),
        ({"event": "deferred", "response": "unable to get mx info: lookup <nil>"}, {"fault": "dns-servfail"}),
        ({"event": "bounce", "reason": "read tcp [2001:db8::7]:4711->[2001:db8::19]:25: connection reset by peer"}, {"address": "2001:db8::19", "fault": "reset-at-connect"}),
        ({"event": "dropped", "reason": "550 connection refused"}, {"reply": (), "fault": None, "words": "550 connection refused"}),
        ({"event": "bounce", "ip": "198.51.100.7", "reason": "550 No"}, {"address": None}),
        ({"event": "bounce", "reason": 550, "status": 5.1}, {"reply": (), "status": None, "words": ""}),
    ],
)  # fmt: skip
def test_sendgrid_tells_of_a_failure(members, expected):
    failure = sendgrid(**members)

    assert {name: getattr(failure, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        ({"code": 421, "message": "Try again later"}, ("421 Try again later",)),
        ({"code": "550", "message": "550 5.1.1 No"}, ("550 5.1.1 No",)),
        ({"code": 550, "message": "5.1.1 No such user. Go to 5.1.1 https://x.example"}, ("550-5.1.1 No such user. Go to", "550 5.1.1 https://x.example")),
        ({"code": 552, "message": "5.2.2 Full\n\n5.2.2 really\n"}, ("552-5.2.2 Full", "552 5.2.2 really")),
        ({"code": 550, "message": "", "description": "Relay Not Permitted"}, ("550 Relay Not Permitted",)),
        ({"code": 451}, ("451",)),
        ({"code": "5.1.1", "message": "smtp;550 5.1.1 not found"}, ("550 5.1.1 not found",)),
    ],
)  # fmt: skip
def test_mailgun_keeps_the_code_of_a_reply_apart(status, reply):
    assert mailgun(**status).reply == reply


@pytest.mark.parametrize("code", [498, 499, "605", 602, 250, 0, True])
def test_a_code_of_mailguns_own_is_no_reply(code):
    failure = mailgun(code=code, message="500 5.0.0 Unable to connect to MX servers: [example.com]")

    assert (failure.reply, failure.fault) == ((), "dropped-at-connect")


def test_an_address_that_mailgun_suppresses_was_asked_of_no_server():
    document = sample("mailgun-permanent")
    document["event-data"]["reason"] = "suppress-bounce"

    failure = only(MAILGUN, document)

    assert failure.reply == ()
    assert failure.words == "5.1.1 No mailbox here 5.1.1 by that name"


@pytest.mark.parametrize(
    ("kind", "action"),
    [("HardBounce", "failed"), ("SoftBounce", "failed"), ("Transient", "delayed"), ("Unknown", None)],
)
def test_the_type_of_a_postmark_bounce_tells_what_was_done(kind, action):
    failure = postmark(Type=kind)

    assert (failure.action, failure.reply) == (action, ("550 5.1.1 No mailbox here by that name",))


def test_postmarks_details_go_before_the_dump():
    failure = postmark(Content="Diagnostic-Code: smtp; 554 Other\nRemote-MTA: dns; mx1.example.com\n")

    assert (failure.reply, failure.host) == (("550 5.1.1 No mailbox here by that name",), "mx1.example.com")


def test_a_dump_with_two_recipients_tells_postmark_nothing():
    failure = postmark(
        Details="Undeliverable", Content="Diagnostic-Code: smtp; 550 a\n\nDiagnostic-Code: smtp; 550 b\n"
    )

    assert (failure.reply, failure.words) == ((), "Undeliverable")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"raw_reason": "451 4.4.2 [internal] no MAIL FROM response", "type": "delay"}, {"reply": (), "fault": "stalled-at-mail", "stage": Stage.MAIL, "status": "4.4.2"}),
        ({"raw_reason": "451 4.4.1 [internal] No valid hosts (too many connection failures)"}, {"fault": "dropped-at-connect"}),
        ({"raw_reason": "554 5.4.7 [internal] message timeout (last transfail: 454 4.4.4 [internal] no MX or A for domain)"}, {"reply": (), "fault": "dns-nodata"}),
        ({"raw_reason": "421 4.7.0 Later", "error_code": "550"}, {"reply": ("421 4.7.0 Later",)}),
        ({"raw_reason": None, "reason": "550 ...@... No"}, {"reply": ("550 ...@... No",)}),
        ({"type": "policy_rejection"}, {"reply": (), "status": "5.1.1", "address": None}),
        ({"type": "out_of_band"}, {"reply": ("550 5.1.1 <Alice@example.com>: No mailbox here",), "address": None}),
        ({"raw_rcpt_to": None}, {"recipient": "alice@example.com"}),
    ],
)  # fmt: skip
def test_sparkpost_tells_of_a_failure(members, expected):
    failure = sparkpost(**members)

    assert {name: getattr(failure, name) for name in expected} == expected


@pytest.mark.parametrize("bounce_class", ["60", 80, "90", "100"])
def test_an_automatic_answer_is_no_failure_of_sparkpost(bounce_class):
    event = sample("sparkpost-events-api")["results"][0] | {"bounce_class": bounce_class}

    assert list(SPARKPOST.failures({"results": [event]})) == []


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("No MX for [example.com]", Trouble("dns-nodata", None)),
        ("no MX or A for domain", Trouble("dns-nodata", None)),
        ("Unable to lookup DNS for example.com", Trouble("dns-servfail", None)),
        ("unable to get mx info: lookup example.com: no such host", Trouble("dns-nxdomain", None)),
        ("no RCPT TO response", Trouble("stalled-at-rcpt", Stage.RCPT)),
        ("too many connection failures", Trouble("dropped-at-connect", Stage.CONNECT)),
    ],
)
def test_operators_have_words_of_their_own_for_troubles(text, trouble):
    assert trouble_in(text) == trouble
