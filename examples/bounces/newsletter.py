"""A small application: a newsletter that stops writing to addresses that are dead.

Each mail goes out with a reverse-path of its own (VERP): bounces+3f9a1c77e2b4+alice=gmail.com@shop.example.
So whatever comes back is known by the address that it comes to, whoever sends it and whomever it names. What
has come back is read by IMAP. All that has to last is in a database, and what breaks off is taken up by the
next run. Nothing in it knows of a test.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import secrets
import smtplib
import sqlite3
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import reports
from reports import Report

SOFT_LIMIT = 3  # so many letters in a row come back,
SOFT_TIME = timedelta(days=14)  # or all do for so long: nobody is there any more
BOUNCE_MAY_COME = timedelta(days=5)  # as long as mail waits in other servers' queues (RFC 5321, 4.5.4.1)

_TABLES = """
create table if not exists subscribers (address text primary key, state text not null, reason text not null);
create table if not exists letters (id integer primary key, subject text not null, text text not null);
create table if not exists deliveries (
    token text primary key, letter integer not null, address text not null, state text not null,
    at text not null, reason text not null, unique (letter, address)
);
"""
_DUE = """
select token, address, subject, text, at from deliveries
join letters on letter = id join subscribers using (address)
where deliveries.state = 'due' and subscribers.state = 'active'
"""
_TOKEN = re.compile(rb"\b(?:bounces|letter)\+([0-9a-f]{12})\b", re.IGNORECASE)


class CannotSend(Exception):
    """The server does not take letters, or no more of them; the rest stays due."""


class CannotRead(Exception):
    """The bounce mailbox could not be read to its end; what is left waits for the next run."""


@dataclass(frozen=True)
class Account:
    """A log-in at a host."""

    host: str
    user: str
    password: str


@dataclass(frozen=True)
class Due:
    """A letter that is to be sent to somebody."""

    token: str
    address: str
    subject: str
    text: str
    since: datetime


class Newsletter:
    """The subscribers, and what was mailed to them.

    A subscriber is active, dead or complained. A delivery is due, sent, soft or hard.
    """

    def __init__(
        self,
        database: str,
        sending: Account,
        bounces: Account,
        domain: str = "shop.example",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._db = sqlite3.connect(database)
        self._db.executescript(_TABLES)
        self._sending, self._bounces, self._domain, self._now = sending, bounces, domain, now

    def close(self) -> None:
        self._db.close()

    def subscribe(self, address: str) -> None:
        with self._db:
            self._db.execute("insert or ignore into subscribers values (?, 'active', '')", (address,))

    def state(self, address: str) -> tuple[str, str]:
        """What is thought of a subscriber, and why."""
        found = self._db.execute("select state, reason from subscribers where address = ?", (address,))
        return found.fetchone()

    def publish(self, subject: str, text: str) -> None:
        """Write a letter to all active subscribers, and send it."""
        with self._db:
            letter = self._db.execute("insert into letters (subject, text) values (?, ?)", (subject, text))
            active = self._db.execute("select address from subscribers where state = 'active'").fetchall()
            for (address,) in active:
                row = (secrets.token_hex(6), letter.lastrowid, address, self._now().isoformat())
                self._db.execute("insert into deliveries values (?, ?, ?, 'due', ?, '')", row)
        self.send_due()

    def send_due(self) -> None:
        """Send what has not been taken yet; what is refused for now stays due.

        Raises:
            CannotSend: if the server lets nobody in, or breaks off.
        """
        due = [Due(*row[:4], datetime.fromisoformat(row[4])) for row in self._db.execute(_DUE).fetchall()]
        try:
            with contextlib.closing(smtplib.SMTP(self._sending.host, 587, timeout=60)) as server:
                server.starttls(context=ssl.create_default_context())
                server.login(self._sending.user, self._sending.password)
                for it in due:
                    self._send(server, it)
                with contextlib.suppress(OSError):  # a QUIT that fails changes nothing
                    server.quit()
        except OSError as error:  # smtplib's own are OSErrors too
            raise CannotSend(str(error)) from error

    def _send(self, server: smtplib.SMTP, due: Due) -> None:
        letter = EmailMessage()
        letter["From"] = f"Shop <news@{self._domain}>"
        letter["To"] = due.address
        letter["Subject"] = due.subject
        letter["Message-ID"] = f"<letter+{due.token}@{self._domain}>"
        letter.set_content(due.text)
        try:
            server.send_message(letter, self._reverse_path(due), [due.address])
        except smtplib.SMTPRecipientsRefused as refused:
            self._refused(due, *refused.recipients[due.address])
        except smtplib.SMTPDataError as refused:
            self._refused(due, refused.smtp_code, bytes(refused.smtp_error))
        else:
            with self._db:
                sent = (self._now().isoformat(), due.token)
                self._db.execute("update deliveries set state = 'sent', at = ? where token = ?", sent)

    def _reverse_path(self, due: Due) -> str:
        # It is known by the token, which nobody can guess. The address is for people who read logs, and ends
        # where a local part has to (RFC 5321, 4.5.3.1.1).
        local = f"bounces+{due.token}+{re.sub('[^a-z0-9.+-]', '=', due.address.lower())}"
        return f"{local[:64].rstrip('.')}@{self._domain}"

    def _refused(self, due: Due, code: int, text: bytes) -> None:
        if code >= 500 or self._now() - due.since >= BOUNCE_MAY_COME:
            self._take(due.token, reports.judged(f"{code} {text.decode('utf-8', 'replace')}"))

    def read_bounces(self) -> int:
        """Read what is new in the bounce mailbox, and return how many mails that were.

        A mail is fetched without marking it as read, noted in the database, and only then moved away. So it
        is met again by the next run if anything breaks on the way, and to note it twice changes nothing.

        Raises:
            CannotRead: if the mailbox could not be read to its end.
        """
        count = 0
        try:
            with _mailbox(self._bounces) as imap:
                for folder in ("Handled", "Unclear"):
                    imap.create(folder)  # a NO: it is there already
                _ok(imap.select("INBOX"))
                for uid in _ok(imap.uid("SEARCH", "UNSEEN"))[0].decode().split():
                    fetched = _ok(imap.uid("FETCH", uid, "(BODY.PEEK[])"))
                    for content in [it[1] for it in fetched if isinstance(it, tuple)]:
                        folder = "Handled" if self._take_mail(content) else "Unclear"
                        _ok(imap.uid("MOVE", uid, folder))
                        count += 1
        except (imaplib.IMAP4.error, OSError) as error:
            raise CannotRead(str(error)) from error
        return count

    def _take_mail(self, content: bytes) -> bool:
        """Note what a mail says; returns whether it is one that the application understands."""
        report, token = reports.read(content), _TOKEN.search(content)
        if report.kind == "unclear" or token is None:
            return False
        return self._take(token[1].decode().lower(), report)

    def _take(self, token: str, report: Report) -> bool:
        """Note what was said of a delivery; returns whether there is such a delivery."""
        found = self._db.execute("select address from deliveries where token = ?", (token,)).fetchone()
        if found is None:
            return False
        with self._db:
            if report.kind in {"hard", "soft"}:
                self._db.execute(
                    "update deliveries set state = ?, reason = ? where token = ? and state != 'hard'",
                    (report.kind, report.reason, token),
                )
            if report.kind == "complaint":
                self._stop(found[0], "complained", report.reason)
            elif report.kind == "hard" or (report.kind == "soft" and self._is_gone(found[0])):
                self._stop(found[0], "dead", report.reason)
        return True

    def _stop(self, address: str, state: str, reason: str) -> None:
        self._db.execute(
            "update subscribers set state = ?, reason = ? where address = ? and state != 'complained'",
            (state, reason, address),
        )

    def _is_gone(self, address: str) -> bool:
        """Whether an address has failed softly too often in a row, or for too long."""
        failed: list[datetime] = []
        for state, text in self._db.execute(
            "select state, at from deliveries where address = ? and state != 'due' order by letter desc",
            (address,),
        ):
            at = datetime.fromisoformat(text)
            if state == "soft":
                failed.append(at)
            elif self._now() - at >= BOUNCE_MAY_COME:
                break  # nothing has come back of this one
        return len(failed) >= SOFT_LIMIT or (bool(failed) and failed[0] - failed[-1] >= SOFT_TIME)


@contextlib.contextmanager
def _mailbox(account: Account) -> Iterator[imaplib.IMAP4]:
    imap = imaplib.IMAP4_SSL(account.host, ssl_context=ssl.create_default_context(), timeout=60)
    try:
        imap.login(account.user, account.password)
        yield imap
        imap.logout()
    finally:
        with contextlib.suppress(OSError):  # closed already
            imap.shutdown()


def _ok(answer: tuple[str, list]) -> list:
    """The data of an answer that is OK; imaplib raises nothing for a NO."""
    if answer[0] != "OK":
        raise imaplib.IMAP4.error(answer[1][0].decode("utf-8", "replace"))
    return answer[1]
