"""Bounces of Microsoft Exchange of all ages, of Microsoft 365, and of the SMTP service of Windows."""

from __future__ import annotations

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.bounces import BouncedMail, failures_of
from pytest_mailnet.values import Stage

ALICE = "alice@shop.example"
NO_USER = "550 5.1.1 <alice@shop.example>: no such user"


def read(
    text: str, *, status: str = "", head: str = "From: System Administrator <postmaster@news.example>"
) -> list[Failure]:
    top = f"{head}\nTo: bob@news.example\nSubject: Undeliverable: Autumn\nMIME-Version: 1.0\n"
    if not status:
        return failures_of(
            BouncedMail.parse(f"{top}Content-Type: text/plain; charset=utf-8\n\n{text}\n".encode())
        )
    parts = (
        f"Content-Type: text/plain; charset=utf-8\n\n{text}\n",
        f"Content-Type: message/delivery-status\n\n{status}\n",
    )
    body = "".join(f"--b\n{it}\n" for it in parts) + "--b--\n"
    return failures_of(
        BouncedMail.parse(f'{top}Content-Type: multipart/report; boundary="b"\n\n{body}'.encode())
    )


def dated(reason: str, on: str = "on Thu, 29 Apr 2010 10:15:00 -0000") -> str:
    return (
        "Your message\n\n  To:      alice@shop.example\n  Subject: Autumn\n  Sent:    Thu, 29 Apr 2010 10:00:00 -0000\n\n"
        f"did not reach the following recipient(s):\n\nalice@shop.example {on}\n{reason}\n"
    )


def diagnosed(
    line: str, heading: str = "Diagnostic information for administrators:", server: str = ""
) -> str:
    return (
        "Delivery has failed to these recipients or groups:\n\n"
        "Alice (alice@shop.example)<mailto:alice@shop.example>\nSee below what has happened.\n\n\n"
        f"{heading}\n\nGenerating server: mail.news.example\n\nalice@shop.example\n{server}{line}\n\n"
        "Original message headers:\n\nReceived: from desk.news.example (198.51.100.4) by mail.news.example\n"
        "From: Bob <bob@news.example>\nCc: carol@news.example\nSubject: Autumn\n"
    )


@pytest.mark.parametrize(
    ("reason", "reply", "words"),
    [
        (
            "    The recipient name is not recognized\n    MSEXCH:IMS:NEWS:SITE:SERVER 0 (000C05A6) Unknown Recipient",
            (),
            "Unknown Recipient",
        ),
        (
            "    The recipient name is not recognized\n        The MTS-ID of the original message is: c=US;a= ;p=News\n"
            f"    MSEXCH:IMS:NEWS:SITE:SERVER 3550 (000B09B6) {NO_USER}\n",
            (NO_USER,),
            "",
        ),
        ("    MSEXCH:IMS:NEWS:SITE:SERVER 0 (000C0595) Ambiguous Recipient", (), "Ambiguous Recipient"),
    ],
)
def test_the_internet_mail_service_says_behind_its_event_what_happened(reason, reply, words):
    [failure] = read(dated(reason))

    assert (failure.recipient, failure.reply, failure.words) == (ALICE, reply, words)


def test_an_address_may_be_a_part_of_one_of_x_400():
    [failure] = read(
        f"did not reach the following recipient(s):\n\nc=US;a= ;p=News;o=Site;dda:SMTP={ALICE}; on Fri, 4 Oct 2002\n"
        "17:12:28 -0400\n    The recipient name is not recognized\n"
        "    MSEXCH:IMS:NEWS:SITE:SERVER 0 (000C05A6) Unknown Recipient\n"
    )

    assert (failure.recipient, failure.words) == (ALICE, "Unknown Recipient")


@pytest.mark.parametrize(
    "on",
    [
        "on Thu, 29 Apr 2010 10:15:00 -0000",
        "on 1/30/2006 5:39 PM",
        "am 29.04.2010 10:15",
        "le 29/04/2010 10:15",
        "op 29-4-2010 10:15",
    ],
)
def test_exchange_2003_has_the_reply_in_angle_brackets_with_the_server_in_front(on):
    reason = f"            No such account.\n            <mx.shop.example #5.5.0 smtp;{NO_USER}>"

    [failure] = read(dated(reason, on))

    assert (failure.recipient, failure.reply, failure.host) == (ALICE, (NO_USER,), "mx.shop.example")


def test_exchange_2003_without_a_reply_has_the_status():
    [failure] = read(dated("            No such account.\n            <mx.shop.example #5.1.1>"))

    assert (failure.reply, failure.enhanced, failure.words) == ((), "5.1.1", "No such account.")


def test_a_display_name_stands_in_front_of_the_recipient():
    text = "The following recipient(s) could not be reached:\n\n      Alice Ames (alice@shop.example) on 1/30/2006 5:39 PM\n            Gone.\n            <mx.shop.example #5.1.1>\n"

    [failure] = read(text)

    assert failure.recipient == ALICE


@pytest.mark.parametrize(
    ("line", "reply", "host"),
    [
        (f"#{NO_USER} ##", NO_USER, None),
        (f"mx.shop.example #{NO_USER} ##", NO_USER, "mx.shop.example"),
        (f"mx.shop.example #<mx.shop.example #5.1.1 smtp;{NO_USER}> #SMTP#", NO_USER, "mx.shop.example"),
        (f"#< #5.1.1 smtp; {NO_USER}> #SMTP#", NO_USER, None),
        (f"Remote Server returned '{NO_USER}'", NO_USER, None),
        (f"Remote Server returned '<mx.shop.example #5.1.1 smtp;{NO_USER}>'", NO_USER, "mx.shop.example"),
        (f"Der Remoteserver hat Folgendes geantwortet: '{NO_USER}'", NO_USER, None),
        (
            "Remote Server returned '550 5.1.351 Remote server returned unknown recipient -> 550 Unknown user'",
            "550 Unknown user",
            None,
        ),
        (
            "Remote Server returned '550 5.4.300 Message expired -> 451 4.7.500 Server busy [LastAttemptedServerName=mx.shop.example] [LastAttemptedIP=192.0.2.8:25]'",
            "451 4.7.500 Server busy [LastAttemptedServerName=mx.shop.example] [LastAttemptedIP=192.0.2.8:25]",
            "mx.shop.example",
        ),
        (
            "#550 4.4.7 QUEUE.Expired; message expired [{LED=450 4.2.1 Slow down};{MSG=};{FQDN=mx.shop.example};{IP=192.0.2.8};{LRT=1/2/2020}] ##",
            "450 4.2.1 Slow down",
            "mx.shop.example",
        ),
        (
            "Remote Server returned '451 4.4.0 Primary target IP address responded with: \"421 4.2.1 Unable to connect.\" Attempted failover to alternate host, but that did not succeed.'",
            "421 4.2.1 Unable to connect.",
            None,
        ),
        (
            "Remote Server returned '550 5.7.0 Proxy session setup failed on Frontend with '554 5.4.4 SMTPSEND.DNS.NonExistentDomain; nonexistent domain''",
            "554 5.4.4 SMTPSEND.DNS.NonExistentDomain; nonexistent domain",
            None,
        ),
    ],
)
def test_the_part_for_administrators_has_the_reply_of_the_remote_server(line, reply, host):
    [failure] = read(diagnosed(line))

    assert (failure.recipient, failure.reply, failure.host) == (ALICE, (reply,), host)


def test_the_status_of_a_nested_reply_without_one_is_the_outer_one():
    [failure] = read(diagnosed("Remote Server returned '550 5.1.351 Unknown -> 550 Unknown user'"))

    assert (failure.code, failure.enhanced) == (550, "5.1.351")


@pytest.mark.parametrize(
    "heading",
    [
        "Diagnoseinformationen für Administratoren:",
        "Informations de diagnostic pour les administrateurs :",
        "Información de diagnóstico para los administradores:",
        "Диагностические сведения для администраторов:",
        "管理者向けの診断情報:",
        "管理员的诊断信息:",
    ],
)
def test_the_part_for_administrators_is_found_in_any_language(heading):
    [failure] = read(diagnosed(f"Remote Server returned '{NO_USER}'", heading, "mx.shop.example\n"))

    assert (failure.recipient, failure.reply, failure.host) == (ALICE, (NO_USER,), "mx.shop.example")


def test_each_recipient_of_the_part_for_administrators_has_a_reply_of_its_own():
    text = diagnosed(f"#{NO_USER} ##").replace(
        "Original message", "dave@shop.example\n#552 5.2.2 Full ##\n\nOriginal message"
    )

    failures = read(text)

    assert [(it.recipient, it.code) for it in failures] == [(ALICE, 550), ("dave@shop.example", 552)]


@pytest.mark.parametrize(
    "label", ["Reported error:", "Error:", "Gemeldeter Fehler:", "Erreur signalée :", "報告されたエラー："]
)
def test_microsoft_365_reports_the_reply_behind_a_label(label):
    text = (
        "Your message to alice@shop.example couldn't be delivered.\nMore Info for Email Admins\n"
        f"Error Details\n{label} 550 5.4.1 Recipient address rejected: Access denied.\n"
        "DSN generated by: DESK1.prod.outlook.com\nRemote server: mx.shop.example\n"
    )

    [failure] = read(text)

    assert failure.reply == ("550 5.4.1 Recipient address rejected: Access denied.",)
    assert (failure.recipient, failure.host) == (ALICE, "mx.shop.example")


def test_what_microsoft_nests_in_a_delivery_status_is_taken_apart_too():
    status = (
        "Reporting-MTA: dns;mail.news.example\n\nFinal-Recipient: rfc822;alice@shop.example\nAction: failed\nStatus: 5.1.351\n"
        "Diagnostic-Code: smtp;550 5.1.351 Remote server returned unknown recipient -> 550 Unknown user\nRemote-MTA: dns;mx.shop.example\n"
    )

    [failure] = read("Your message could not be delivered.", status=status)

    assert (failure.reply, failure.enhanced, failure.host) == (
        ("550 Unknown user",),
        "5.1.351",
        "mx.shop.example",
    )


@pytest.mark.parametrize(
    ("sentence", "fault", "stage", "action"),
    [
        ("Delivery to the following recipients failed.", None, None, "failed"),
        ("Delivery to the following recipients has been delayed.", None, None, "delayed"),
        (
            "Unable to deliver message to the following recipients, due to being unable to connect successfully to the destination mail server.",
            "dropped-at-connect",
            Stage.CONNECT,
            "failed",
        ),
    ],
)
def test_the_smtp_service_of_windows_tells_of_all_recipients_in_a_sentence(sentence, fault, stage, action):
    text = f"This is an automatically generated Delivery Status Notification.\n\n{sentence}\n\n       alice@shop.example\n       dave@shop.example\n"

    failures = read(text)

    assert [it.recipient for it in failures] == [ALICE, "dave@shop.example"]
    assert [(it.fault, it.stage, it.action, it.words) for it in failures] == [
        (fault, stage, action, sentence)
    ] * 2


def test_what_exchange_online_says_in_a_reply_makes_no_bounce_of_microsoft_of_another_s():
    text = "Delivery failed: alice@shop.example\n192.0.2.1 failed after I sent the message.\nRemote host said[Response Message]: 554 5.4.14 Loop [A.PROD.OUTLOOK.COM 2025-01-06T03:22:22.000Z 0B]\nSTEP: DATA SEND\n"

    [failure] = read(text)

    assert (failure.stage, failure.address, failure.enhanced) == (Stage.MESSAGE, "192.0.2.1", "5.4.14")
