"""Bounces and logs: how long they may take to be read, beside mails only parsed, and a shorter log."""

from __future__ import annotations

import email
import io
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import process_time

from benchmarks.race import Row, Way, compared, race
from benchmarks.units import mebibytes, milliseconds, seconds

__all__ = ["rows"]

_MIB = 1 << 20
_LOG = 1024  # MiB
# VmHWM starts anew with a program. ru_maxrss counts the copy of this process that the child was before.
_READ = """\
import resource, sys
from pathlib import Path

from pytest_mailnet.cli.main import main

main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
status = Path("/proc/self/status")
peak = status.read_text().partition("VmHWM:")[2].split()[0] if status.exists() else used.ru_maxrss
print(used.ru_utime + used.ru_stime, int(peak) * 1024, file=sys.stderr)
"""
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


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare bounces read with bounces parsed, and a log of a gibibyte with a quarter of it.

    Args:
        quick: read fewer bounces, and no log.
    """
    count, rounds = (300, 3) if quick else (2_000, 5)
    figures = race([partial(_recognised, count), partial(_parsed, count)], rounds)
    yield compared("a bounce read", "`email`, parsed only", figures, milliseconds, 5)
    if quick:
        return
    with tempfile.TemporaryDirectory() as folder:
        (time, memory), (times, memories) = (
            _log_read(Path(folder) / "mail.log", it) for it in (_LOG, _LOG // 4)
        )
    beside = f"of {_LOG // 4} MiB"
    # Time grows with the lines. Memory does not, since failures that are alike are kept once.
    yield compared(f"time for a log of {_LOG} MiB", beside, [[time], [times]], seconds, 4.4)
    yield compared(
        f"memory for a log of {_LOG} MiB", beside, [[memory], [memories]], mebibytes, 1.2, way=Way.SIZE
    )


@contextmanager
def _recognised(count: int) -> Iterator[Callable[[], float]]:
    from pytest_mailnet.evidence.detect import outcomes_of
    from pytest_mailnet.evidence.failure import Failure
    from pytest_mailnet.evidence.sources import EvidenceSource
    from pytest_mailnet.providers import catalogue_with
    from pytest_mailnet.reproduce import Recogniser

    bounces = _bounces(count)
    recogniser = Recogniser(catalogue_with())

    def measure() -> float:
        began = process_time()
        found = 0
        for content in bounces:
            source = EvidenceSource("bounce", len(content), partial(io.BytesIO, content))
            failures = (it for it in outcomes_of(source) if isinstance(it, Failure))
            found += sum(recogniser.recognise(it).failure.code == 550 for it in failures)
        assert found == count
        return (process_time() - began) / count

    yield measure


@contextmanager
def _parsed(count: int) -> Iterator[Callable[[], float]]:
    bounces = _bounces(count)

    def measure() -> float:
        began = process_time()
        for content in bounces:
            email.message_from_bytes(content)
        return (process_time() - began) / count

    yield measure


def _bounces(count: int) -> list[bytes]:
    return [
        _BOUNCE.format(number=it, text="Thank you for your order.\n" * 40).encode() for it in range(count)
    ]


def _log_read(path: Path, size: int) -> tuple[float, float]:
    """Seconds and bytes of a process that reads a log."""
    with path.open("w") as file:
        for number in itertools.count():
            file.write(_lines(number))
            if number % 1000 == 0 and file.tell() >= size * _MIB:
                break
    command = [sys.executable, "-c", _READ, "reproduce", str(path), "--as", "json"]
    with Path(os.devnull).open("wb") as nowhere:
        printed = subprocess.run(
            command, check=True, stdout=nowhere, stderr=subprocess.PIPE, text=True
        ).stderr
    took, held = map(float, printed.split()[-2:])
    path.unlink()
    return took, held


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
