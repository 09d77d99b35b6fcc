"""An account and a mailbox by themselves."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime

from pytest_mailnet.clock import Clock
from pytest_mailnet.mailboxes.account import Account, owns


def test_an_account_is_made_with_its_password_and_aliases():
    account = Account("alice@shop.example", Clock(datetime.now(UTC)), "pw", ["sales@shop.example"])

    assert (account.password, account.aliases) == ("pw", ("sales@shop.example",))
    assert owns(account, "sales@shop.example")
    assert repr(account) == "<Account alice@shop.example>"


def test_a_mailbox_shows_how_much_is_in_it(shop):
    box = shop.add_mailbox("alice")
    assert repr(box) == "<Mailbox alice@shop.example, 0 messages>"

    with smtplib.SMTP("mx.shop.example") as client:
        client.sendmail("bob@b.example", ["alice@shop.example"], "Subject: hi\n\nhello\n")

    assert repr(box) == "<Mailbox alice@shop.example, 1 message>"
