"""Outboxes in SQLite, right and wrong ones, which may die at any moment."""

from __future__ import annotations

import sqlite3

import pytest

OUTBOX = '''
"""Sends the mails of an outbox that are not marked as sent. python outbox.py DATABASE WHEN"""

import smtplib
import sqlite3
import sys


def deliver(database, when):
    """Mark each mail before it is sent ("first"), once it was taken ("right"), or after that, somehow ("after")."""
    db = sqlite3.connect(database, isolation_level=None)
    try:
        for mid, to in db.execute("select mid, rcpt from outbox where state is not 'sent'").fetchall():
            if when == "first":
                mark(db, mid)
            with smtplib.SMTP("mx.shop.example", 25, timeout=10) as mx:
                mx.sendmail("bob@sender.example", [to], f"Message-ID: <{mid}>\\r\\nSubject: hi\\r\\n\\r\\nhi\\r\\n")
                if when == "right":
                    mark(db, mid)
            if when == "after":
                mark(db, mid)
    finally:
        db.close()


def mark(db, mid):
    db.execute("update outbox set state = 'sent' where mid = ?", (mid,))


if __name__ == "__main__":
    deliver(*sys.argv[1:])
'''


class Outbox:
    """The program, and the database that it works through."""

    def __init__(self, folder):
        self.program = folder / "outbox.py"
        self.program.write_text(OUTBOX)
        self.database = folder / "outbox.db"
        self.module = {"__name__": "outbox"}
        exec(OUTBOX, self.module)  # noqa: S102
        with sqlite3.connect(self.database) as db:
            db.execute("create table outbox (mid text, rcpt text, state text)")
            db.execute("insert into outbox values ('1@b', 'sales@shop.example', null)")
        db.close()

    def deliver(self, when):
        self.module["deliver"](self.database, when)

    def beliefs(self):
        with sqlite3.connect(self.database) as db:
            found = {mid: state or "deferred" for mid, state in db.execute("select mid, state from outbox")}
        db.close()
        return found


@pytest.fixture
def outbox(tmp_path):
    """An outbox with one mail for shop.example."""
    return Outbox(tmp_path)
