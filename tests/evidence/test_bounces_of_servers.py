"""Bounces as mail servers write them to people, and mails that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.evidence.bounces import BouncedMail, failures_of
from pytest_mailnet.values import Stage

ALICE = "alice@shop.example"
MX, IP = "mx.shop.example", "192.0.2.8"
HEAD = (
    "Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@relay.example>\nTo: bob@sender.example\n"
    "Subject: Undelivered Mail\n\n"
)
POSTFIX = (
    "This is the mail system at host relay.example.\n\nI'm sorry to have to inform you that your message could "
    "not\nbe delivered to one or more recipients. It's attached below.\n\n                   The mail system\n\n"
)
EXIM = (
    "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
    "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
)
QMAIL = (
    "Hi. This is the qmail-send program at relay.example.\nI'm afraid I wasn't able to deliver your message to "
    "the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
)
COPY = "\n--- Below this line is a copy of the message.\n\nTo: carl@club.example\n\n550 5.1.1 not this\n"


def read(text, head=HEAD):
    return failures_of(BouncedMail.parse((head + text).encode()))


@pytest.mark.parametrize(
    ("said", "stage", "reply"),
    [
        (
            "said: 550 5.1.1 No such\n    user (in reply to RCPT TO command)",
            Stage.RCPT,
            "550 5.1.1 No such user",
        ),
        ("said: 553 5.1.8 No\n    (in reply to MAIL FROM command)", Stage.MAIL, "553 5.1.8 No"),
        ("said: 554 5.5.1 No (in reply to\n    DATA command)", Stage.DATA, "554 5.5.1 No"),
        ("said: 554 5.7.1 Spam (in\n    reply to end of DATA command)", Stage.MESSAGE, "554 5.7.1 Spam"),
        ("said: 502 No (in reply to EHLO\n    command)", Stage.EHLO, "502 No"),
        ("refused to talk to me: 554\n    5.7.1 No service", Stage.CONNECT, "554 5.7.1 No service"),
    ],
)
def test_postfix_tells_reply_host_and_command(said, stage, reply):
    [failure] = read(f"{POSTFIX}<{ALICE}>: host {MX}[{IP}] {said}\n")

    assert (failure.recipient, failure.host, failure.address) == (ALICE, MX, IP)
    assert (failure.stage, failure.reply, failure.sender) == (stage, (reply,), "bob@sender.example")
    assert (failure.stage_rule is not None) == (stage is Stage.CONNECT)


@pytest.mark.parametrize(
    ("said", "fault", "stage"),
    [
        (f"connect to {MX}[{IP}]:25: Connection timed\n    out", "dropped-at-connect", Stage.CONNECT),
        (f"connect to {MX}[{IP}]:25: Connection refused", "refused-at-connect", Stage.CONNECT),
        (f"lost connection with {MX}[{IP}] while\n    sending RCPT TO", "closed-at-rcpt", Stage.RCPT),
        (
            f"conversation with {MX}[{IP}] timed out while sending\n    end of data -- message may be sent more "
            "than once",
            "stalled-after-dot",
            Stage.MESSAGE,
        ),
        (
            "Host or domain name not found. Name service error for\n    name=shop.example type=A: Host not found",
            "dns-nxdomain",
            None,
        ),
    ],
)
def test_postfix_tells_what_went_wrong_where_no_server_replied(said, fault, stage):
    [failure] = read(f"{POSTFIX}<{ALICE}>: {said}\n")

    assert (failure.recipient, failure.fault, failure.stage, failure.reply) == (ALICE, fault, stage, ())


@pytest.mark.parametrize(
    ("after", "stage"),
    [
        (f"RCPT TO:<{ALICE}>", Stage.RCPT),
        ("MAIL FROM:<bob@sender.example> SIZE=1024", Stage.MAIL),
        ("end of data", Stage.MESSAGE),
        ("initial connection", Stage.CONNECT),
        ("pipelined DATA", Stage.DATA),
    ],
)
def test_exim_tells_after_what_a_server_refused(after, stage):
    text = (
        f"{EXIM}  {ALICE}\n    host {MX} [{IP}]\n    SMTP error from remote mail server after {after}:\n"
        "    550-5.7.1 No\n    550 5.7.1 mail\n\n------ This is a copy of the message, including all the headers.\n"
    )

    [failure] = read(text)

    assert (failure.recipient, failure.host, failure.address) == (ALICE, MX, IP)
    assert (failure.stage, failure.reply) == (stage, ("550-5.7.1 No", "550 5.7.1 mail"))


def test_exim_tells_of_its_own_failures_too():
    [failure] = read(f"{EXIM}  {ALICE}\n    Unrouteable address\n")

    assert (failure.fault, failure.reply) == ("dns-nxdomain", ())


def test_qmail_tells_each_recipient_s_failure_in_a_paragraph():
    text = (
        f"{QMAIL}<{ALICE}>:\n{IP} does not like recipient.\nRemote host said: 550 5.1.1 No such user\n"
        f"Giving up on {IP}.\n\n"
        f"<dora@shop.example>:\n{IP} failed after I sent the message.\nRemote host said: 554 5.7.1 Spam\n\n"
        f"<eve@shop.example>:\nConnected to {IP} but sender was rejected.\nRemote host said: 550 5.7.1 You\n\n"
        "<finn@shop.example>:\nSorry, I couldn't find any host named shop.example. (#5.1.2)\n\n"
        "<gus@shop.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n"
    )

    failures = read(text + COPY)

    assert [
        (it.recipient.partition("@")[0], it.stage, it.code, it.fault, it.enhanced) for it in failures
    ] == [
        ("alice", Stage.RCPT, 550, None, "5.1.1"),
        ("dora", Stage.MESSAGE, 554, None, "5.7.1"),
        ("eve", Stage.MAIL, 550, None, "5.7.1"),
        ("finn", None, None, "dns-nxdomain", "5.1.2"),
        ("gus", None, None, None, "5.1.1"),
    ]


def sendmail(transcript, reason):
    return (
        "The original message was received at Thu, 29 Apr 2010 23:34:45 +0900\n\n"
        "   ----- The following addresses had permanent fatal errors -----\n"
        f"<{ALICE}>\n    (reason: {reason})\n\n   ----- Transcript of session follows -----\n"
        f"... while talking to {MX}.:\n{transcript}\n   ----- Message header follows -----\n"
    )


@pytest.mark.parametrize(
    ("transcript", "stage", "open_"),
    [
        (f">>> RCPT To:<{ALICE}>\n<<< 550 5.1.1 No\n", Stage.RCPT, False),
        (">>> MAIL From:<bob@sender.example>\n<<< 550 5.1.1 No\n", Stage.MAIL, False),
        (
            f">>> DATA\n<<< 550 5.1.1 No\n550 5.1.1 <{ALICE}>... User unknown\n<<< 503 5.5.1 Need RCPT\n",
            Stage.RCPT,
            False,
        ),
        (">>> DATA\n<<< 550 5.1.1 No\n554 5.0.0 Service unavailable\n", Stage.MESSAGE, True),
    ],
)
def test_sendmail_s_transcript_tells_the_stage_as_a_whole(transcript, stage, open_):
    [failure] = read(sendmail(transcript, "550 5.1.1 No"))

    assert (failure.recipient, failure.host, failure.reply) == (ALICE, MX, ("550 5.1.1 No",))
    assert (failure.stage, failure.stage_rule is not None) == (stage, open_)


@pytest.mark.parametrize(
    ("text", "host", "stage", "reply"),
    [
        (
            "This is a delivery status notification from relay.example,\nrunning the Courier mail server.\n\n"
            "                           UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be "
            f"delivered:\n\n<{ALICE}>:\n    {MX} [{IP}]:\n>>> RCPT TO:<{ALICE}>\n<<< 550 5.1.1 No\n\n{'-' * 75}\n",
            MX,
            Stage.RCPT,
            "550 5.1.1 No",
        ),
        (
            f"This is the DragonFly Mail Agent v0.13 at relay.example.\n\nThere was an error delivering your mail "
            f"to <{ALICE}>.\n\n{MX} [{IP}] did not like our RCPT TO:\n550 5.1.1 No\n\nMessage headers follow.\n",
            MX,
            Stage.RCPT,
            "550 5.1.1 No",
        ),
        (
            "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    An error has "
            "occurred while attempting to deliver a message for\n    the following list of recipients:\n\n"
            f"{ALICE}: 550 5.1.1 No\n\n    Below is a copy of the original message:\n",
            None,
            None,
            "550 5.1.1 No",
        ),
        (
            f"Unable to deliver message to: <{ALICE}>\nDelivery failed for the following reason:\n"
            f"Server {MX}[{IP}] failed with: 550 5.1.1 No\n\n\nThis has been a permanent failure.\n",
            MX,
            None,
            "550 5.1.1 No",
        ),
        (
            f"1 error(s):\n\nSMTP Server <{MX}> rejected recipient <{ALICE}> \n  (Error following RCPT command). "
            "It responded as follows: [550 5.1.1 No]\n",
            MX,
            Stage.RCPT,
            "550 5.1.1 No",
        ),
        (
            f"  ----- The following addresses had permanent fatal errors -----\n\n>>> {ALICE} <{ALICE}>\n\n"
            "550 5.1.1 No\n\n  ----- original message -----\n",
            None,
            None,
            "550 5.1.1 No",
        ),
    ],
    ids=["Courier", "DragonFly", "OpenSMTPD", "failed with", "responded", "arrows"],
)
def test_other_servers_tell_it_in_words_of_their_own(text, host, stage, reply):
    [failure] = read(text)

    assert (failure.recipient, failure.host, failure.stage, failure.reply) == (ALICE, host, stage, (reply,))


def test_your_message_may_be_what_a_bounce_is_about_and_not_what_it_returns():
    [failure] = read(
        f"--------\nYour Message\n\nTo:      <{ALICE}>\n\nDid not reach the following recipient: {ALICE}\n"
    )

    assert failure.recipient == ALICE


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (
            "From: a@shop.example\nSubject: Automatic reply: hi\nAuto-Submitted: auto-replied\n\n",
            "I am away.\n",
        ),
        (
            "From: news@shop.example\nSubject: 550 offers\nList-Unsubscribe: <x>\n\n",
            "Failed to read? 550 5.1.1\n",
        ),
        ("From: a@shop.example\nSubject: Lunch?\n\n", f"Ask {ALICE}: 550 people cannot come.\n"),
        (
            "From: MAILER-DAEMON@relay.example\nSubject: Delivered\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\n\n',
            "--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\n"
            f"Final-Recipient: rfc822; {ALICE}\nAction: delivered\nStatus: 2.0.0\n\n--x--\n",
        ),
    ],
    ids=["away", "newsletter", "letter", "success"],
)
def test_mails_that_are_no_bounces_tell_of_no_failure(head, text):
    assert read(text, head) == []


def test_neither_the_sender_nor_the_returned_mail_s_recipients_have_failed():
    text = (
        f"{QMAIL}<{ALICE}>:\nSorry, no mailbox here by that name. (#5.1.1)\n{COPY}From: bob@sender.example\n"
    )

    assert [it.recipient for it in read(text)] == [ALICE]


LINES = sorted(
    {
        *POSTFIX.split("\n"),
        *EXIM.split("\n"),
        *QMAIL.split("\n"),
        *COPY.split("\n"),
        *sendmail(">>> DATA\n<<< 550-5.1.1 No\n<<< 550 5.1.1 more\n<<< 503 need RCPT", "550 no").split("\n"),
        f"<{ALICE}>:",
        f"  {ALICE}",
        f"<{ALICE}>: host {MX}[{IP}] said: 550 5.1.1",
        "Remote host said: 5",
    }
)


@given(st.lists(st.sampled_from(LINES), max_size=40))
def test_torn_and_shuffled_lines_are_read_without_an_exception(lines):
    for failure in read("\n".join(lines)):
        assert failure.recipient
        assert all(line.isprintable() for line in failure.reply)


@pytest.mark.parametrize(
    "said",
    [
        f"host {MX}[{IP}] refused to start TLS: 454 4.7.0 TLS not available",
        f"TLS is required, but was not offered by host {MX}[{IP}]",
    ],
)
def test_postfix_tells_that_it_could_not_encrypt(said):
    [failure] = read(f"{POSTFIX}<{ALICE}>: {said}\n")

    assert (failure.recipient, failure.stage) == (ALICE, Stage.STARTTLS)


def test_exim_s_header_names_those_whom_its_text_does_not():
    head = HEAD.replace("Subject", f"X-Failed-Recipients: {ALICE}, carl@shop.example\nSubject", 1)

    assert [it.recipient for it in read(EXIM, head=head)] == [ALICE, "carl@shop.example"]


def test_exim_tells_of_whom_a_pipe_was_generated():
    [failure] = read(f"{EXIM}  pipe to |/usr/bin/x\n    generated by {ALICE}\n    local delivery failed\n")

    assert failure.recipient == ALICE


@pytest.mark.parametrize("after", ["end of message TEXT", "pipelined mail text"])
def test_exim_s_older_words_for_the_content_are_understood(after):
    said = (
        f"  {ALICE}\n    SMTP error from remote mailer after {after}:\n    host {MX} [{IP}]: 550 5.7.1 Spam\n"
    )

    [failure] = read(EXIM + said)

    assert (failure.stage, failure.reply) == (Stage.MESSAGE, ("550 5.7.1 Spam",))


def of_sendmail(entries, transcript):
    return read(
        "The original message was received at Thu, 29 Apr 2010 23:34:45 +0900\n\n"
        f"   ----- The following addresses had permanent fatal errors -----\n{entries}\n"
        f"   ----- Transcript of session follows -----\n{transcript}\n"
    )


def test_sendmail_tells_of_whom_a_program_was_expanded():
    entry = f'"|/usr/bin/procmail"\n    (reason: Can\'t create output)\n    (expanded from: <{ALICE}>)\n'

    [failure] = of_sendmail(entry, "procmail: quota exceeded")

    assert (failure.recipient, failure.words) == (ALICE, "Can't create output")


@pytest.mark.parametrize(
    "reason", ["", "    (reason: 550 5.1.1 No)\n"], ids=["without reasons", "with reasons"]
)
def test_recipients_of_sendmail_are_matched_with_replies_in_order(reason):
    last = "550 5.1.1 No" if reason else "551 5.1.6 Moved"
    transcript = (
        f"... while talking to {MX}.:\n>>> RCPT To:<x>\n<<< 550 5.1.1 No\n>>> RCPT To:<y>\n<<< {last}\n"
    )

    alice, carl = of_sendmail(f"<{ALICE}>\n{reason}<carl@shop.example>\n{reason}", transcript)

    assert (alice.recipient, alice.reply) == (ALICE, ("550 5.1.1 No",))
    assert (carl.recipient, carl.reply) == ("carl@shop.example", (last,))


def test_sendmail_tells_the_phase_of_a_session_that_broke_off():
    entry = f"<{ALICE}>\n    (reason: Deferred: Connection timed out during DATA status with {MX}.)\n"

    [failure] = of_sendmail(entry, f"451 timeout waiting for input from {MX}. during client DATA status")

    assert (failure.stage, failure.fault) == (Stage.MESSAGE, "stalled-after-dot")
