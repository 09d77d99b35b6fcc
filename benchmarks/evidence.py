"""Bounces and logs: how long they may take to be read, beside mails only parsed, and a shorter log."""

from __future__ import annotations

import email
import io
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from benchmarks.race import Row

__all__ = ["rows"]

_BOUNCES = 10_000
_MIB = 1 << 20
_LOG = 1024  # MiB
_BOUNCE = """\
Return-Path: <>
Received: from relay.sender.example by mx.sender.example; Mon, 9 Mar 2026 10:11:12 +0000
Date: Mon, 9 Mar 2026 10:11:12 +0000
From: MAILER-DAEMON@relay.sender.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: bob@sender.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host relay.sender.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

                   The mail system

<user{number}@shop.example>: host mx.shop.example[192.0.2.8] said: 550-5.1.1 The
    email account that you tried to reach does not exist. 550 5.1.1 id{number}
    (in reply to RCPT TO command)

--b1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.sender.example
X-Postfix-Queue-ID: 4ABCDEF{number}
X-Postfix-Sender: rfc822; bob@sender.example
Arrival-Date: Mon,  9 Mar 2026 10:11:11 +0000 (UTC)

Final-Recipient: rfc822; user{number}@shop.example
Original-Recipient: rfc822;user{number}@shop.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.shop.example
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does
    not exist. 550 5.1.1 id{number}

--b1
Content-Description: Undelivered Message
Content-Type: message/rfc822

Return-Path: <bob@sender.example>
From: bob@sender.example
To: user{number}@shop.example
Subject: Order {number}
Message-ID: <{number}@sender.example>

{text}
--b1--
"""


def rows() -> Iterator[Row]:
    """Ten thousand bounces; a log of a gibibyte, and how much memory it takes beside a quarter of it."""
    bounces = [
        _BOUNCE.format(number=it, text="Thank you for your order.\n" * 40).encode() for it in range(_BOUNCES)
    ]
    ours, theirs = _recognised(bounces), _parsed(bounces)
    yield Row(
        f"{_BOUNCES:,} bounces, recognised",
        f"{ours:.1f} s",
        "email.message only",
        f"{theirs:.1f} s",
        f"{ours / theirs:.1f} x its time",
        "< 15 s",
        ours < 15,
    )
    with tempfile.TemporaryDirectory() as folder:
        whole, quarter = (_log_read(Path(folder) / "mail.log", size) for size in (_LOG, _LOG // 4))
    yield Row(
        f"a log of {_LOG} MiB",
        f"{whole[0]:.1f} s",
        f"{_LOG // 4} MiB",
        f"{quarter[0]:.1f} s",
        f"{whole[0] / quarter[0]:.2f} x its time",
        "< 60 s",
        whole[0] < 60,
    )
    yield Row(
        "memory for it",
        f"{whole[1]:.0f} MiB",
        f"{_LOG // 4} MiB",
        f"{quarter[1]:.0f} MiB",
        f"{whole[1] / quarter[1]:.2f} x its memory",
        "<= 1.2 x",
        whole[1] <= 1.2 * quarter[1],
    )


def _recognised(bounces: list[bytes]) -> float:
    from pytest_mailnet.evidence.detect import outcomes_of
    from pytest_mailnet.evidence.sources import EvidenceSource
    from pytest_mailnet.providers import catalogue_with
    from pytest_mailnet.reproduce import Recogniser

    began = process_time()
    recogniser = Recogniser(catalogue_with())
    found = 0
    for content in bounces:
        source = EvidenceSource("bounce", len(content), lambda content=content: io.BytesIO(content))
        found += sum(recogniser.recognise(it).failure.code == 550 for it in outcomes_of(source))
    assert found == len(bounces)
    return process_time() - began


def _parsed(bounces: list[bytes]) -> float:
    began = process_time()
    for content in bounces:
        email.message_from_bytes(content)
    return process_time() - began


def _log_read(path: Path, size: int) -> tuple[float, float]:
    """Seconds and MiB of a process that reads a log."""
    with path.open("w") as file:
        for number in itertools.count():
            file.write(_lines(number))
            if number % 1000 == 0 and file.tell() >= size * _MIB:
                break
    code = (
        "import resource, sys; from pytest_mailnet.cli.main import main; main(sys.argv[1:]); "
        "used = resource.getrusage(resource.RUSAGE_SELF); "
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "reproduce", str(path), "--as", "json"]
    with Path(os.devnull).open("wb") as nowhere:
        told = subprocess.run(command, check=True, stdout=nowhere, stderr=subprocess.PIPE, text=True).stderr
    seconds, mebibytes = map(float, told.split()[-2:])
    path.unlink()
    return seconds, mebibytes


def _lines(number: int) -> str:
    """What Postfix logs of one mail; of twenty, one fails and one is put off."""
    time = f"Mar  9 {number // 36000 % 24:02}:{number // 600 % 60:02}:{number // 10 % 60:02} mx postfix"
    queue_id = f"{0x40000000000 + number * 7919:X}"
    server = f"mx{number % 9}.shop.example[192.0.2.{number % 250}]"
    outcome = {
        0: f"dsn=5.1.1, status=bounced (host {server} said: 550 5.1.1 Nobody (in reply to RCPT TO command))",
        1: f"dsn=4.4.1, status=deferred (connect to {server}:25: Connection timed out)",
    }.get(number % 20, f"dsn=2.0.0, status=sent (250 2.0.0 OK {queue_id} - queued)")
    lines = [
        f"smtpd[2101]: connect from client.sender.example[198.51.100.{number % 250}]",
        f"smtpd[2101]: {queue_id}: client=client.sender.example[198.51.100.{number % 250}], sasl=PLAIN",
        f"cleanup[2107]: {queue_id}: message-id=<20260309.{queue_id}@mx.sender.example>",
        f"qmgr[1800]: {queue_id}: from=<user{number % 90}@sender.example>, size=4711, nrcpt=1",
        f"smtp[2203]: Trusted TLS connection established to {server}:25: TLSv1.3 (256/256 bits)",
        f"smtp[2203]: {queue_id}: to=<bob{number}@shop.example>, relay={server}:25, delay=1.2, {outcome}",
        f"qmgr[1800]: {queue_id}: removed",
    ]
    return "".join(f"{time}/{line}\n" for line in lines)
