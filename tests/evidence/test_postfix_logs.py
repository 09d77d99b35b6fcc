"""What Postfix's log tells of a failure, and what it does not."""

from __future__ import annotations

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.logs import MAIL_LOG
from pytest_mailnet.values import Stage

MX = {"host": "mx.shop.example", "address": "192.0.2.8"}
HERE = "mx.shop.example[192.0.2.8]"


def found(*lines: str) -> list[Failure]:
    return list(MAIL_LOG.failures(lines))


def of_postfix(
    reason: str, relay: str = f"{HERE}:25", status: str = "deferred", daemon: str = "smtp"
) -> Failure:
    [failure] = found(
        "Mar  9 10:11:12 mx postfix/qmgr[12]: 4F9D195432C: from=<alice@example.com>, size=3, nrcpt=1 (queue active)",
        f"Mar  9 10:11:12 mx postfix/{daemon}[13]: 4F9D195432C: to=<bob@shop.example>, orig_to=<b@example.com>,"
        f" relay={relay}, conn_use=2, delay=1, delays=0/0/1/0, dsn=4.9.9, status={status} ({reason})",
    )
    return failure


def expected(**told: object) -> Failure:
    told = {"sender": "alice@example.com", "status": "4.9.9", "action": "delayed"} | told
    return Failure(recipient="bob@shop.example", original="b@example.com", **told)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (
            f"host {HERE} said: 450-4.7.1 Greylisted, 450-4.7.1 come back 450 4.7.1 later (in reply to RCPT TO command)",
            {
                "reply": ("450-4.7.1 Greylisted,", "450-4.7.1 come back", "450 4.7.1 later"),
                "stage": Stage.RCPT,
            },
        ),
        (
            f"host {HERE} said: 451 try later (in reply to MAIL FROM command)",
            {"reply": ("451 try later",), "stage": Stage.MAIL},
        ),
        (
            f"host {HERE} said: 451 4.3.0 try (or not) (in reply to end of DATA command)",
            {"reply": ("451 4.3.0 try (or not)",), "stage": Stage.MESSAGE},
        ),
        (
            f"host {HERE} said: 451 4.3.0 try (in reply to DATA command)",
            {"reply": ("451 4.3.0 try",), "stage": Stage.DATA},
        ),
        (
            f"TLS is required, but host {HERE} refused to start TLS: 454 4.7.0 not now",
            {"reply": ("454 4.7.0 not now",), "stage": Stage.STARTTLS},
        ),
        (
            f"SASL authentication failed; server {HERE} said: 535 5.7.8 Error: authentication failed",
            {"reply": ("535 5.7.8 Error: authentication failed",), "stage": Stage.AUTH},
        ),
        (
            f"delivery temporarily suspended: host {HERE} said: 450 busy (in reply to RCPT TO command)",
            {"reply": ("450 busy",), "stage": Stage.RCPT},
        ),
    ],
)
def test_postfix_tells_a_reply_and_what_it_answered(reason, told):
    assert of_postfix(reason) == expected(**MX, **told)


def test_postfix_says_of_a_greeting_what_it_says_of_ehlo():
    failure = of_postfix(f"host {HERE} refused to talk to me: 554 5.7.1 You are blocked")

    assert (failure.stage, failure.reply) == (Stage.CONNECT, ("554 5.7.1 You are blocked",))
    assert failure.stage_rule == 'Postfix says "refused to talk to me" of a greeting, and rarely of EHLO'


@pytest.mark.parametrize(
    ("reason", "fault", "stage"),
    [
        (f"connect to {HERE}:25: Connection timed out", "dropped-at-connect", Stage.CONNECT),
        (f"connect to {HERE}:25: Connection refused", "refused-at-connect", Stage.CONNECT),
        (
            f"delivery temporarily suspended: connect to {HERE}:25: No route to host",
            "unreachable-at-connect",
            Stage.CONNECT,
        ),
        (f"connect to {HERE}:25: Network is unreachable", "no-route-at-connect", Stage.CONNECT),
        (
            f"lost connection with {HERE} while receiving the initial server greeting",
            "closed-at-connect",
            Stage.CONNECT,
        ),
        (f"lost connection with {HERE} while performing the EHLO handshake", "closed-at-ehlo", Stage.EHLO),
        (f"lost connection with {HERE} while sending RCPT TO", "closed-at-rcpt", Stage.RCPT),
        (
            f"lost connection with {HERE} while sending end of data -- message may be sent more than once",
            "closed-after-dot",
            Stage.MESSAGE,
        ),
        (
            f"conversation with {HERE} timed out while receiving the initial server greeting",
            "stalled-at-connect",
            Stage.CONNECT,
        ),
        (
            f"conversation with {HERE} timed out while performing the initial protocol handshake",
            "stalled-at-connect",
            Stage.CONNECT,
        ),
        (f"conversation with {HERE} timed out while sending MAIL FROM", "stalled-at-mail", Stage.MAIL),
        (
            f"conversation with {HERE} timed out while sending message body",
            "stalled-in-content",
            Stage.MESSAGE,
        ),
        ("Cannot start TLS: handshake failure", "handshake-refused-at-starttls", Stage.STARTTLS),
        (f"TLS is required, but was not offered by host {HERE}", "stripped-at-starttls", Stage.STARTTLS),
        ("Server certificate not verified", "wrong-name-at-starttls", Stage.STARTTLS),
    ],
)
def test_postfix_tells_what_went_wrong_without_a_reply(reason, fault, stage):
    assert of_postfix(reason) == expected(**MX, fault=fault, stage=stage, words=reason)


NO_SERVICE = "Host or domain name not found. Name service error for name=shop.example type="


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        (NO_SERVICE + "MX: Host not found, try again", "dns-servfail"),
        (NO_SERVICE + "A: Host not found", "dns-nxdomain"),
        (NO_SERVICE + "AAAA: Host found but no data record of requested type", "dns-nodata"),
        (NO_SERVICE + "MX: Malformed or unexpected name server reply", None),
        ("mail for shop.example loops back to myself", None),
        ("Domain shop.example does not accept mail (nullMX)", None),
    ],
)
def test_postfix_spoke_to_nobody_where_there_was_no_relay(reason, fault):
    assert of_postfix(reason, relay="none") == expected(fault=fault, words=reason)


@pytest.mark.parametrize(
    ("relay", "daemon", "reason"),
    [
        ("local", "local", 'unknown user: "bob"'),
        ("virtual", "virtual", 'unknown user: "bob@shop.example"'),
        ("dovecot", "pipe", "user unknown. Command output: 550 5.1.1 not a reply of SMTP"),
    ],
)
def test_a_local_delivery_has_words_and_no_server(relay, daemon, reason):
    assert of_postfix(reason, relay, "bounced", daemon) == expected(action="failed", words=reason)


def test_a_server_behind_a_unix_socket_has_a_name_and_no_address():
    socket = "mx.example.com[private/dovecot-lmtp]"

    failure = of_postfix(
        f"host {socket} said: 550 5.1.1 none (in reply to RCPT TO command)", socket, "bounced", "lmtp"
    )

    assert failure == expected(
        host="mx.example.com", stage=Stage.RCPT, reply=("550 5.1.1 none",), action="failed"
    )


def test_a_relay_that_has_no_name_but_its_address_has_no_name():
    failure = of_postfix(
        "host 127.0.0.1[127.0.0.1] said: 451 busy (in reply to DATA command)", "127.0.0.1[127.0.0.1]:10024"
    )

    assert (failure.host, failure.address) == (None, "127.0.0.1")


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("bounced", "failed"),
        ("deferred", "delayed"),
        ("undeliverable", "failed"),
        ("expired", "failed"),
        ("SOFTBOUNCE", "delayed"),
    ],
)
def test_postfix_gives_up_or_waits(status, action):
    assert of_postfix("mail forwarding loop", status=status).action == action


@pytest.mark.parametrize("status", ["sent (250 2.0.0 Ok)", "deliverable (250 Ok)", "sen", "bou"])
def test_what_postfix_has_delivered_or_not_told_to_the_end_is_no_failure(status):
    assert not found(
        f"Mar  9 10:11:12 mx postfix/smtp[13]: 4F9D195432C: to=<bob@shop.example>, relay={HERE}:25, status={status}"
    )


def test_a_mail_that_expired_is_told_if_nothing_else_is_known_of_it():
    expired = "Mar  9 10:11:12 mx postfix/qmgr[12]: {}: from=<alice@example.com>, status=expired, returned to sender"
    tried = "Mar  9 10:11:12 mx postfix/smtp[13]: 4F9D195432C: to=<bob@shop.example>, relay=none, status=deferred (loops)"

    failures = found(tried, expired.format("4F9D195432C"), expired.format("4F9D195432D"))

    assert failures == [
        Failure(recipient="bob@shop.example", action="delayed", words="loops"),
        Failure(sender="alice@example.com", action="failed", words="expired, returned to sender"),
    ]


ENVELOPE = "from=<a@example.org> to=<bob@shop.example> proto=ESMTP helo=<client>"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            f"NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 554 5.7.1 <bob@shop.example>: Relay access denied; {ENVELOPE}",
            {"stage": Stage.RCPT, "reply": ("554 5.7.1 <bob@shop.example>: Relay access denied",)},
        ),
        (
            f"NOQUEUE: reject: MAIL from unknown[192.0.2.9]: 450 4.1.8 no; {ENVELOPE}",
            {"stage": Stage.MAIL, "reply": ("450 4.1.8 no",)},
        ),
        (
            "NOQUEUE: reject: RCPT from [192.0.2.9]:4242: 550 5.7.1 Service unavailable; client blocked;"
            " from=<a@example.org>, to=<bob@shop.example>, proto=ESMTP, helo=<client>",
            {"stage": Stage.RCPT, "reply": ("550 5.7.1 Service unavailable; client blocked",)},
        ),
        (
            f"4F9D195432C: milter-reject: END-OF-MESSAGE from x[192.0.2.9]: 5.7.1 Spam; {ENVELOPE}",
            {"stage": Stage.MESSAGE, "status": "5.7.1", "words": "5.7.1 Spam"},
        ),
        (
            f"4F9D195432C: reject: header Subject: x; y from x[192.0.2.9]; {ENVELOPE}: 5.7.1 no such subjects",
            {"stage": Stage.MESSAGE, "status": "5.7.1", "words": "5.7.1 no such subjects"},
        ),
    ],
)
def test_what_postfix_has_not_taken_was_refused_by_this_machine(message, told):
    failures = found(f"Mar  9 10:11:12 mx postfix/smtpd[12]: {message}")

    assert failures == [Failure(recipient="bob@shop.example", sender="a@example.org", host="mx", **told)]


def test_a_client_that_is_refused_at_once_has_no_mail_yet():
    failures = found(
        "Mar  9 10:11:12 mx postfix/smtpd[12]: NOQUEUE: reject: CONNECT from x[192.0.2.9]: 554 5.7.1 no; proto=SMTP"
    )

    assert failures == [Failure(host="mx", stage=Stage.CONNECT, reply=("554 5.7.1 no",))]


@pytest.mark.parametrize("what", ["reject_warning", "hold", "discard", "milter-hold"])
def test_what_postfix_has_taken_after_all_is_no_failure(what):
    assert not found(
        f"Mar  9 10:11:12 mx postfix/smtpd[12]: NOQUEUE: {what}: RCPT from x[192.0.2.9]: 554 5.7.1 reject; {ENVELOPE}"
    )


def test_words_of_an_administrator_are_no_reply():
    failure = of_postfix("550 5.1.1 we have left this domain", relay="none", status="bounced", daemon="error")

    assert failure == expected(action="failed", words="550 5.1.1 we have left this domain")


def test_what_only_looks_like_a_code_begins_no_reply():
    failure = of_postfix(f"host {HERE} said: 4500 mails are too many (in reply to RCPT TO command)")

    assert (failure.reply, failure.words) == ((), "4500 mails are too many")


def test_the_same_reply_of_another_host_is_not_told_again():
    line = f"Mar  9 10:11:12 mx postfix/smtp[13]: 4F9D195432C: to=<bob@shop.example>, relay={HERE}:25, status=deferred (host {HERE} said: 450 busy)"

    [failure] = found(line, line.replace("mx.shop", "mx2.shop").replace("192.0.2.8", "192.0.2.9"))

    assert failure.host == "mx.shop.example"
