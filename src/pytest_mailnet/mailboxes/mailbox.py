"""Mailboxes: each has the mail of one address at a provider."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from pytest_mailnet.errors import InvalidAddress, InvalidSetting
from pytest_mailnet.handles.attributes import Flag, Setting, is_whole, steady
from pytest_mailnet.mailboxes.account import Account
from pytest_mailnet.record.session import Message

__all__ = ["Mailbox", "has_room_for", "is_busy", "split_address"]

_HOUR = timedelta(hours=1)
_MESSAGES = "its .messages are what has been delivered"
_OF_A_MAILBOX: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("inbox", "mail", "mails", "emails", "outbox"), _MESSAGES),
        "messages": "mailbox.messages.clear() empties it",
        "account": "account.password, .two_step and .aliases can be set",
        "address": "further addresses are aliases, .add_mailbox(address, aliases=...)",
        "password": "mailbox.account.password is what its owner logs in with",
        "aliases": "mailbox.account.aliases are as which it may send; .add_mailbox(address, aliases=...)",
        "enabled": "mailbox.disabled = True is for one that its owner has lost",
    }
)


def _count(given: object, what: str, *, unit: str) -> int | None:
    if given is None or (is_whole(given) and given >= 0):
        return given
    raise InvalidSetting(f"{what}: {given!r} is not a number of {unit}, 0 or more, or None for no limit")


@steady("a mailbox", _OF_A_MAILBOX)
class Mailbox:
    """The mail of one address at a provider.

    Args:
        address: in full.
        account: see the property.
        complain: sends a feedback report on a message, to an address.

    Attributes:
        disabled: whether its owner has lost it: suspended, or not used for years.
        quota: how many bytes fit in; None for no limit, 0 for a mailbox that is full already.
        hourly_limit: how many messages it takes within an hour of the net's clock; None for no limit.

    Raises:
        InvalidSetting: when an attribute is set to an invalid value.
    """

    disabled: Flag = Flag()
    quota: Setting[int | None] = Setting(None, functools.partial(_count, unit="bytes"))
    hourly_limit: Setting[int | None] = Setting(None, functools.partial(_count, unit="messages"))

    def __init__(self, address: str, account: Account, complain: Callable[[Message, str], None]) -> None:
        self._address = address
        self._account = account
        self._complain = complain
        self._messages: list[Message] = []

    @property
    def address(self) -> str:
        """The address in full, as it was added."""
        return self._address

    @property
    def account(self) -> Account:
        """The account by which its owner logs in."""
        return self._account

    @property
    def messages(self) -> list[Message]:
        """The delivered messages, oldest first; a test can take messages out of the list."""
        return self._messages

    def report_spam(self, message: Message, *, to: str | None = None) -> None:
        """Press the button "this is spam": the sender gets a feedback report (ARF, RFC 5965).

        The report waits in the provider's queue until `mailnet.deliver_all()`.

        Args:
            message: a message in this mailbox.
            to: the sender's address for such reports; None for abuse@ the domain of the reverse-path
                (RFC 2142, 4).

        Raises:
            InvalidSetting: if the message is not in this mailbox, or comes from the null sender and `to` is
                None.
        """
        if message not in self.messages:
            raise InvalidSetting(f"report_spam({message!r}): that is no message of {self.address}")
        domain = message.envelope.mail_from.rpartition("@")[2]
        if not (to or domain):
            raise InvalidSetting(
                f"report_spam({message!r}): it came from the null sender; say to whom the report goes, "
                "as in to='fbl@shop.example'"
            )
        self._complain(message, to or f"abuse@{domain}")

    def __repr__(self) -> str:
        return f"<Mailbox {self.address}, {len(self.messages)} message{'s' * (len(self.messages) != 1)}>"


def has_room_for(mailbox: Mailbox, size: int) -> bool:
    """Whether a message fits into a mailbox that is not full already.

    Args:
        mailbox: the mailbox.
        size: of the message, in bytes.
    """
    if mailbox.quota is None:
        return True
    used = sum(len(message.content) for message in mailbox.messages)
    return used < mailbox.quota and used + size <= mailbox.quota


def is_busy(mailbox: Mailbox, now: datetime) -> bool:
    """Whether the messages of the last hour have used up a mailbox's `hourly_limit`.

    Args:
        mailbox: the mailbox.
        now: the net's time.
    """
    limit = mailbox.hourly_limit
    if limit is None:
        return False
    # The newest come last: the oldest that counts is the first of the last `limit`.
    late = mailbox.messages[-limit:] if limit else []
    return len(late) == limit and all(now - it.received < _HOUR for it in late[:1])


def split_address(address: str) -> tuple[str, str]:
    """Split "Alice@Gmail.COM" into its local part and its lower-cased domain.

    Raises:
        InvalidAddress: if one of the two is missing, or the domain has a space.
    """
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or " " in domain:
        raise InvalidAddress(
            f"{address!r} is no mail address: it takes a local part, '@', and a domain, as in "
            "'alice@gmail.com'"
        )
    return local, domain.lower()
