"""What the logs of Sendmail and OpenSMTPD tell of a failure, and what they do not."""

from __future__ import annotations

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.logs import MAIL_LOG
from pytest_mailnet.values import Stage

MX = {"host": "mx.shop.example", "address": "192.0.2.8"}


def found(*lines: str) -> list[Failure]:
    return list(MAIL_LOG.failures(lines))


SENDMAIL = "Mar  9 10:11:12 mx sm-mta[123]: x29ABCDE012345: "
DELIVERY = "delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=1, relay=mx.shop.example. [192.0.2.8], "


def of_sendmail(outcome: str, *before: str, to: str = "<bob@shop.example>") -> list[Failure]:
    return found(
        f"{SENDMAIL}from=<alice@example.com>, size=1, class=0, nrcpts=1, msgid=<1@example.com>, relay=x",
        *(SENDMAIL + it for it in before),
        f"{SENDMAIL}to={to}, ctladdr=<alice@example.com> (0/0), {DELIVERY}{outcome}",
    )


@pytest.mark.parametrize(
    ("outcome", "before", "told"),
    [
        (
            "dsn=5.1.1, stat=User unknown",
            [],
            {"status": "5.1.1", "action": "failed", "words": "User unknown"},
        ),
        (
            "dsn=5.1.1, stat=User unknown",
            ["reply: 550 5.1.1 <bob@shop.example>... none"],
            {"status": "5.1.1", "action": "failed", "reply": ("550 5.1.1 <bob@shop.example>... none",)},
        ),
        (
            "dsn=5.1.1, stat=User unknown",
            ["reply: 451 4.7.1 of something else"],
            {"status": "5.1.1", "action": "failed", "words": "User unknown"},
        ),
        (
            "dsn=5.1.1, reply=550 5.1.1 none, stat=User unknown",
            [],
            {"status": "5.1.1", "action": "failed", "reply": ("550 5.1.1 none",)},
        ),
        (
            "dsn=4.7.1, stat=Deferred: 451 4.7.1 Greylisted",
            [],
            {"status": "4.7.1", "action": "delayed", "reply": ("451 4.7.1 Greylisted",)},
        ),
        (
            "dsn=4.0.0, stat=Deferred: Connection refused by mx.shop.example.",
            [],
            {
                "status": "4.0.0",
                "action": "delayed",
                "fault": "refused-at-connect",
                "stage": Stage.CONNECT,
                "words": "Connection refused by mx.shop.example.",
            },
        ),
        ("dsn=4.0.0, stat=Deferred", [], {"status": "4.0.0", "action": "delayed", "words": "Deferred"}),
    ],
)
def test_sendmail_tells_a_reply_or_a_word_for_it(outcome, before, told):
    assert of_sendmail(outcome, *before) == [
        Failure(recipient="bob@shop.example", sender="alice@example.com", **MX, **told)
    ]


def test_a_reply_to_one_recipient_is_not_that_of_others():
    failures = of_sendmail(
        "dsn=5.1.1, stat=User unknown",
        "reply: 550 5.1.1 no bob",
        to="<bob@shop.example>,<carol@shop.example>",
    )

    assert [(it.recipient, it.words) for it in failures] == [
        ("bob@shop.example", "User unknown"),
        ("carol@shop.example", "User unknown"),
    ]


@pytest.mark.parametrize("outcome", ["stat=Sent (ok 1)", "stat=queued", "dsn=2.0.0, stat=Sent"])
def test_what_sendmail_has_delivered_or_queued_is_no_failure(outcome):
    assert not of_sendmail(outcome)


@pytest.mark.parametrize(
    ("what", "recipient", "sender", "stage"),
    [
        (
            "ruleset=check_rcpt, arg1=<bob@shop.example>, relay=x [192.0.2.9], ",
            "bob@shop.example",
            None,
            Stage.RCPT,
        ),
        (
            "ruleset=check_mail, arg1=<a@example.org>, relay=x [192.0.2.9], ",
            None,
            "a@example.org",
            Stage.MAIL,
        ),
        ("ruleset=check_relay, arg1=x, arg2=192.0.2.9, relay=x [192.0.2.9], ", None, None, Stage.CONNECT),
        ("Milter: to=<bob@shop.example>, ", "bob@shop.example", None, Stage.RCPT),
        ("Milter: data, ", None, None, Stage.MESSAGE),
    ],
)
def test_what_sendmail_has_not_taken_was_refused_by_this_machine(what, recipient, sender, stage):
    failures = found(f"{SENDMAIL}{what}reject=550 5.7.1 no")

    assert failures == [
        Failure(recipient=recipient, sender=sender, host="mx", stage=stage, reply=("550 5.7.1 no",))
    ]


OPENSMTPD = "Mar  9 10:11:12 mx smtpd[123]: "


@pytest.mark.parametrize(
    ("result", "action"), [("PermFail", "failed"), ("TempFail", "delayed"), ("Ok", None)]
)
@pytest.mark.parametrize(
    "line",
    [
        '5df87c9b982c840c mta delivery evpid=3d4c4a424797fe79 from=<alice@example.com> to=<bob@shop.example> rcpt=<b@shop.example> source="192.0.2.1"'
        ' relay="192.0.2.8 (mx.shop.example)" delay=1s result="{}" stat="550 5.1.1 "none" here"',
        '5df87c9b982c840c mta event=delivery evpid=3d4c4a424797fe79 from=<alice@example.com> to=<bob@shop.example> rcpt=<-> source="192.0.2.1"'
        ' relay="192.0.2.8 (mx.shop.example)" delay=1s result="{}" stat="550 5.1.1 "none" here"',
        "relay: {} for 3d4c4a424797fe79: session=5df87c9b982c840c, from=<alice@example.com>, to=<bob@shop.example>, rcpt=<->, source=-,"
        ' relay=192.0.2.8 (mx.shop.example), delay=0s, stat=550 5.1.1 "none" here',
    ],
    ids=["6", "5.9", "5.4"],
)
def test_opensmtpd_tells_all_in_one_line(line, result, action):
    failures = found(OPENSMTPD + line.format(result))

    assert failures == (
        []
        if action is None
        else [
            Failure(
                recipient="bob@shop.example",
                sender="alice@example.com",
                **MX,
                reply=('550 5.1.1 "none" here',),
                action=action,
            )
        ]
    )


@pytest.mark.parametrize(
    ("stat", "fault"),
    [
        ("Network error on destination MXs", None),
        ("No MX found for domain", None),
        ("Connection closed unexpectedly", "closed-at-connect"),
        ("Domain does not exist", "dns-nxdomain"),
    ],
)
def test_a_domain_as_opensmtpd_s_relay_is_no_host(stat, fault):
    [failure] = found(
        f'{OPENSMTPD}0000000000000000 mta delivery evpid=3d4c4a424797fe79 from=<> to=<bob@shop.example> rcpt=<-> source="-"'
        f' relay="shop.example" delay=1s result="TempFail" stat="{stat}"'
    )

    assert (failure.host, failure.address, failure.fault, failure.words) == (None, None, fault, stat)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("RCPT TO:<bob@shop.example> ", {"recipient": "bob@shop.example", "stage": Stage.RCPT}),
        ("MAIL FROM:<a@example.org>", {"sender": "a@example.org", "stage": Stage.MAIL}),
        ("DATA", {"stage": Stage.DATA}),
        ("", {}),
    ],
)
@pytest.mark.parametrize(
    "line",
    [
        '5df87c9b982c840c smtp failed-command command="{}" result="550 no"',
        '5df87c9b982c840c smtp event=failed-command address=192.0.2.9 host=x command="{}" result="550 no"',
        'smtp-in: Failed command on session 5df87c9b982c840c: "{}" => 550 no',
    ],
    ids=["6", "5.9", "5.4"],
)
def test_what_opensmtpd_has_not_taken_was_refused_by_this_machine(line, command, told):
    assert found(OPENSMTPD + line.format(command)) == [Failure(host="mx", reply=("550 no",), **told)]


def test_what_is_no_command_of_smtp_is_no_mail():
    assert not found(
        f'{OPENSMTPD}5df87c9b982c840c smtp failed-command command="GET / HTTP/1.1" result="500 no"'
    )
