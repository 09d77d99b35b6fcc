"""What a test can get wrong with mailboxes, accounts and waiting for mail, and what each mistake is told."""

from __future__ import annotations

import pytest
import trio

from pytest_mailnet.errors import (
    InvalidAddress,
    InvalidSetting,
    NothingArrived,
    ReadOnly,
    UnknownAttribute,
    UnknownName,
    WouldHang,
)

MISUSES = [
    (
        "mailnet.gmail.add_mailbox('a b')",
        InvalidAddress,
        "'a b@gmail.com' is no mail address: no RCPT command could name it (RFC 5321, 4.1.2)",
    ),
    (
        "mailnet.gmail.add_mailbox('')",
        InvalidAddress,
        "'@gmail.com' is no mail address: it takes a local part, '@', and a domain, as in 'alice@gmail.com'",
    ),
    (
        "mailnet.gmail.add_mailbox(5)",
        InvalidAddress,
        "5 is no mail address; it takes a text, as in 'alice@gmail.com'",
    ),
    (
        "mailnet.gmail.add_mailbox('alice@hotmail.com')",
        InvalidAddress,
        "'alice@hotmail.com' cannot be a mailbox of gmail: its users' addresses end in @gmail.com or @googlemail.com",
    ),
    (
        "mailnet.gmail.add_mailbox('alice', quota='big')",
        InvalidSetting,
        "quota of a mailbox: 'big' is not a number of bytes, 0 or more, or None for no limit",
    ),
    (
        "mailnet.gmail.add_mailbox('alice', password=5)",
        InvalidSetting,
        "add_mailbox('alice', password=5): a password is a text",
    ),
    (
        "mailnet.gmail.mailbox('alise')",
        UnknownName,
        "no mailbox at gmail 'alise@gmail.com' (did you mean 'alice@gmail.com'? There is: alice@gmail.com). A provider knows the mailboxes that the test adds: .add_mailbox('alise').",
    ),
    (
        "alice.quota = -1",
        InvalidSetting,
        "quota of a mailbox: -1 is not a number of bytes, 0 or more, or None for no limit",
    ),
    (
        "alice.hourly_limit = True",
        InvalidSetting,
        "hourly_limit of a mailbox: True is not a number of messages, 0 or more, or None for no limit",
    ),
    ("alice.disabled = 'no'", InvalidSetting, "disabled of a mailbox takes True or False, not 'no'"),
    (
        "alice.disbled = True",
        UnknownAttribute,
        "a mailbox has no attribute 'disbled' to set (did you mean 'disabled'? There is: auto_reply, catch_all, disabled, hourly_limit, quota)",
    ),
    (
        "alice.messages = []",
        ReadOnly,
        "'messages' of a mailbox can only be read: mailbox.messages.clear() empties it",
    ),
    (
        "alice.address = 'bob@gmail.com'",
        ReadOnly,
        "'address' of a mailbox can only be read: further addresses are aliases, .add_mailbox(address, aliases=...)",
    ),
    (
        "alice.password = 'secret'",
        UnknownAttribute,
        "a mailbox has no attribute 'password' to set: mailbox.account.password is what its owner logs in with",
    ),
    (
        "alice.inbox",
        UnknownAttribute,
        "a mailbox has no attribute 'inbox': its .messages are what has been delivered",
    ),
    (
        "alice.report_spam(message)",
        InvalidSetting,
        "report_spam(Message(envelope=Envelope(mail_from='bob@sender.example', rcpt_tos=('alice@shop.example',), mail_options=('size=15',), rcpt_options=((),)), content=b'Subject: x\\r\\n\\r\\nx\\r\\n', received=datetime.datetime(2026, 11, 28, 12, 0, tzinfo=datetime.timezone.utc), provider='mx.shop.example', trace=b'')): that is no message of alice@gmail.com",
    ),
    (
        "alice.account.password = 5",
        InvalidSetting,
        "password of an account takes a text, or None for none, not 5",
    ),
    (
        "alice.account.pasword = 'x'",
        UnknownAttribute,
        "an account has no attribute 'pasword' to set (did you mean 'password'? There is: aliases, daily_download, imap_enabled, password, pop3_enabled, two_step, web_login_required)",
    ),
    (
        "alice.account.two_step = 'yes'",
        InvalidSetting,
        "two_step of an account takes True or False, not 'yes'",
    ),
    (
        "alice.account.daily_download = -1",
        InvalidSetting,
        "daily_download of an account: -1 is not a number of octets, 0 or more, or None for no limit",
    ),
    (
        "alice.account.imap_enabled = 'no'",
        InvalidSetting,
        "imap_enabled of an account takes True or False, not 'no'",
    ),
    (
        "alice.imap_enabled = False",
        UnknownAttribute,
        "a mailbox has no attribute 'imap_enabled' to set: mailbox.account.imap_enabled",
    ),
    (
        "alice.account.aliases = 'sales@gmail.com'",
        InvalidSetting,
        "aliases of an account takes addresses, as in ('sales@gmail.com',), not 'sales@gmail.com'",
    ),
    (
        "alice.account.aliases = ['sales']",
        InvalidSetting,
        "aliases of an account takes addresses, as in ('sales@gmail.com',), not ['sales']",
    ),
    ("alice.account.address = 'bob@gmail.com'", ReadOnly, "'address' of an account can only be read"),
    (
        "alice.account.issue_token(seconds=0)",
        InvalidSetting,
        "issue_token(seconds=0): a token lives for more than 0 s; to have one that has expired, move the clock: mailnet.clock.advance(hours=1)",
    ),
    (
        "alice.account.issue_token(seconds='3600')",
        InvalidSetting,
        "issue_token(seconds='3600'): a token lives for more than 0 s; to have one that has expired, move the clock: mailnet.clock.advance(hours=1)",
    ),
    ("alice.account.add_app_password(1234)", InvalidSetting, "add_app_password(1234): a password is a text"),
    (
        "mailnet.microsoft365.add_mailbox('alice@gmail.com')",
        InvalidAddress,
        "'alice@gmail.com' cannot be a mailbox of microsoft365, which has no domain of its own: mailnet.add_domain('gmail.com', on='microsoft365') puts one there",
    ),
    # waiting
    (
        "mailnet.wait_for_messages('1')",
        InvalidSetting,
        "mailnet.wait_for_messages('1'): it waits for 1 message or more; that there is none is told by mailnet.messages == []",
    ),
    (
        "mailnet.wait_for_messages(0)",
        InvalidSetting,
        "mailnet.wait_for_messages(0): it waits for 1 message or more; that there is none is told by mailnet.messages == []",
    ),
    (
        "mailnet.wait_for_messages(True)",
        InvalidSetting,
        "mailnet.wait_for_messages(True): it waits for 1 message or more; that there is none is told by mailnet.messages == []",
    ),
    (
        "mailnet.wait_for_messages(1, timeout='5')",
        InvalidSetting,
        "mailnet.wait_for_messages(timeout='5'): it takes a number of seconds, 0 or more",
    ),
    (
        "mailnet.wait_for_messages(2, timeout=0.01)",
        NothingArrived,
        "waited 0.01 s for 2 messages, and 1 message came. str(session) of each in mailnet.sessions tells what was said; wait longer with timeout=...",
    ),
]


@pytest.mark.parametrize(("written", "error", "told"), MISUSES, ids=[written for written, *_ in MISUSES])
def test_a_misuse_is_told_where_it_is_written(misuse, written, error, told):
    misuse(written, error, told)


def test_a_mailbox_can_be_emptied(held):
    [box] = held["shop"].mailboxes

    box.messages.clear()

    assert box.messages == []


ASYNC = (
    "{0}.wait_for_messages() holds up {1}, and with it what would send the messages: "
    "await {0}.wait_for_messages_async()"
)


@pytest.mark.asyncio
async def test_a_wait_that_holds_up_the_event_loop_is_told(mailnet):
    with pytest.raises(WouldHang) as raised:
        mailnet.wait_for_messages()

    assert str(raised.value) == ASYNC.format("mailnet", "the event loop")


@pytest.mark.asyncio
async def test_a_mailboxs_wait_that_holds_up_the_event_loop_names_the_mailboxs_own(mailnet):
    alice = mailnet.gmail.add_mailbox("alice")

    with pytest.raises(WouldHang) as raised:
        alice.wait_for_messages()

    assert str(raised.value) == ASYNC.format("mailbox", "the event loop")


def test_a_wait_that_holds_up_trio_is_told(mailnet):
    async def main():
        mailnet.wait_for_messages()

    with pytest.raises(WouldHang) as raised:
        trio.run(main)

    assert str(raised.value) == ASYNC.format("mailnet", "trio")
