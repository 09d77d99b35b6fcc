"""A small application: a Celery worker mails receipts, and tries again what was put off.

It runs by `celery -A receipts worker`.
"""

from __future__ import annotations

import contextlib
import os
import smtplib
import sqlite3
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

from celery import Celery, Task

HOST = "smtp.sendgrid.net"
FIRST_WAIT = 60  # seconds; each wait is twice as long as the one before: all together a day and a half
TRIES = 12

app = Celery("receipts", broker=os.environ.get("BROKER_URL", "amqp://"))
# A worker that dies has not acknowledged its task, and another gets it.
app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)


class Refused(Exception):
    """The server will never take the receipt; the message has its words."""


def wait_after(tries: int) -> float:
    """How many seconds to wait after so many tries."""
    return FIRST_WAIT * 2 ** (tries - 1)


@app.task(bind=True, max_retries=TRIES - 1)
def send_receipt(self: Task, order: str, address: str, total: str) -> str:
    """Mail the receipt of an order.

    Raises:
        Refused: if there is no use in trying again.
    """
    with _sent_receipts() as sent:
        if sent.execute("select 1 from sent where order_id = ?", (order,)).fetchone():
            return "sent before"
        try:
            with _session() as server:
                _hand_in(server, order, address, total)
                with sent:  # before QUIT, and before Celery hears that the task is done
                    sent.execute("insert into sent values (?)", (order,))
        except OSError as error:  # smtplib's own are OSErrors too
            raise self.retry(exc=error, countdown=wait_after(self.request.retries + 1)) from error
    return "sent"


@contextlib.contextmanager
def _sent_receipts() -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(os.environ.get("RECEIPTS_DB", "receipts.db"))) as database:
        database.execute("create table if not exists sent (order_id text primary key)")
        yield database


@contextlib.contextmanager
def _session() -> Iterator[smtplib.SMTP]:
    with contextlib.closing(smtplib.SMTP(HOST, 587, timeout=30)) as server:
        server.starttls(context=ssl.create_default_context())
        server.login("apikey", os.environ["SENDGRID_API_KEY"])
        yield server
        with contextlib.suppress(OSError):  # a QUIT that fails changes nothing
            server.quit()


def _hand_in(server: smtplib.SMTP, order: str, address: str, total: str) -> None:
    receipt = EmailMessage()
    receipt["From"] = "Shop <receipts@shop.example>"
    receipt["To"] = address
    receipt["Subject"] = f"Receipt for order {order}"
    # The same at each try: whoever gets a mail twice sees that it is one.
    receipt["Message-ID"] = f"<receipt-{order}@shop.example>"
    receipt.set_content(f"You have paid {total}. Thank you.\n")
    try:
        server.send_message(receipt)
    except smtplib.SMTPRecipientsRefused as refused:
        _give_up_if_for_good(*refused.recipients[address])
        raise
    except smtplib.SMTPDataError as refused:
        _give_up_if_for_good(refused.smtp_code, refused.smtp_error)
        raise


def _give_up_if_for_good(code: int, text: bytes | str) -> None:
    if code >= 500:
        raise Refused(f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}")
