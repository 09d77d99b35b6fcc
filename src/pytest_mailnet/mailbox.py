"""Mailboxes and the messages in them, and waiting for a message without polling."""

from __future__ import annotations

import contextlib
import email
import email.policy
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from types import MappingProxyType

from pytest_mailnet.accounts import Account
from pytest_mailnet.attributes import Flag, Setting, is_number, is_whole, steady
from pytest_mailnet.errors import InvalidAddress, InvalidSetting, NothingArrived, WouldHang
from pytest_mailnet.journal import Session
from pytest_mailnet.model import Envelope
from pytest_mailnet.native import lock

__all__ = ["Arrivals", "Mailbox", "Message", "parsed", "split_address"]

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
_PARSED = "message.parsed is the mail as the email package reads it, as in message.parsed"
_OF_A_MESSAGE: Mapping[str, str] = MappingProxyType(
    {
        "subject": f"{_PARSED}['Subject']",
        "headers": f"{_PARSED}['Subject']",
        "body": f"{_PARSED}.get_body().get_content()",
        "text": f"{_PARSED}.get_body().get_content()",
        "html": f"{_PARSED}.get_body(('html',)).get_content()",
        "attachments": f"{_PARSED}.iter_attachments()",
        "raw": "message.content has the bytes as sent",
        "sender": "message.envelope.mail_from is what MAIL said",
        "mail_from": "message.envelope.mail_from is what MAIL said",
        "to": "message.envelope.rcpt_tos are whom RCPT named",
        "recipients": "message.envelope.rcpt_tos are whom RCPT named",
        "rcpt_tos": "message.envelope.rcpt_tos are whom RCPT named",
    }
)


def _count(given: object, what: str, *, unit: str) -> int | None:
    if given is None or (is_whole(given) and given >= 0):
        return given
    raise InvalidSetting(f"{what}: {given!r} is not a number of {unit}, 0 or more, or None for no limit")


@steady("a message", _OF_A_MESSAGE)
@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """A mail that a server took.

    Attributes:
        envelope: whom it is from and for; kept apart from the headers.
        content: the bytes exactly as sent, after dot-unstuffing (RFC 5321, 4.5.2).
        session: the session in which it came.
        received: the net's time at which it came.
        provider: the name of the provider or server that took it.
        trace: the fields that the server put before it, with their line ends: Authentication-Results, where
            a rule has looked at who sent it.
    """

    envelope: Envelope
    content: bytes
    session: Session = field(repr=False)
    received: datetime
    provider: str
    trace: bytes = b""

    @property
    def parsed(self) -> EmailMessage:
        """The message, trace fields first, as the email package reads it; parsed anew at every call."""
        return parsed(self.trace + self.content)


@steady("a mailbox", _OF_A_MAILBOX)
class Mailbox:
    """Where a provider lays the mail of one address.

    Args:
        address: in full.
        account: see the attribute.
        complain: sends a feedback report on a message, to an address.

    Attributes:
        disabled: whether its owner has lost it: suspended, or not used for years.
        quota: how many bytes fit in; None for no end of them, 0 for a mailbox that is full already.
        hourly_limit: how many messages it takes within an hour of the net's clock; None for any number.

    Raises:
        InvalidSetting: when one of them is set to what it does not take.
    """

    disabled = Flag()
    quota = Setting[int | None](None, functools.partial(_count, unit="bytes"))
    hourly_limit = Setting[int | None](None, functools.partial(_count, unit="messages"))

    def __init__(self, address: str, account: Account, complain: Callable[[Message, str], None]) -> None:
        self._address = address
        self._account = account
        self._complain = complain
        self._messages: list[Message] = []

    @property
    def address(self) -> str:
        """Its address in full, as it was added."""
        return self._address

    @property
    def account(self) -> Account:
        """How its owner logs in."""
        return self._account

    @property
    def messages(self) -> list[Message]:
        """What has been delivered, oldest first; a test can take messages out."""
        return self._messages

    def report_spam(self, message: Message, *, to: str | None = None) -> None:
        """Press the button "this is spam": a feedback report goes to who sent the message (ARF, RFC 5965).

        It lies in the provider's queue until `mailnet.deliver_all()`.

        Args:
            message: one of this mailbox.
            to: where the sender has such reports sent; by default abuse@ the envelope sender's domain
                (RFC 2142, 4).

        Raises:
            InvalidSetting: if the message is not in this mailbox, or there is nobody to report to.
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

    def has_room_for(self, size: int) -> bool:
        """Whether so many bytes fit in, and it is not full already."""
        if self.quota is None:
            return True
        used = sum(len(message.content) for message in self.messages)
        return used < self.quota and used + size <= self.quota

    def busy(self, now: datetime) -> bool:
        """Whether it has had as many messages within the last hour as it takes."""
        limit = self.hourly_limit
        if limit is None:
            return False
        # The newest come last: the one that would be too old, if there is any, is found at once.
        late = self.messages[-limit:] if limit else []
        return len(late) == limit and all(now - it.received < _HOUR for it in late[:1])

    def __repr__(self) -> str:
        return f"<Mailbox {self.address}, {_counted(len(self.messages))}>"


class Arrivals:
    """The messages that a net's servers took, and those who wait for them.

    The engine's thread appends; tests wait in other threads, and are woken. One lock guards the waiters.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._lock = lock()
        self._waiters: list[Callable[[], None]] = []

    def append(self, message: Message) -> None:
        """Keep a message and wake who waits."""
        with self._lock:
            self.messages.append(message)
            waiters = tuple(self._waiters)
        for wake in waiters:
            wake()

    def wait(self, count: int, timeout: float) -> list[Message]:
        """Block until so many messages have come since the net began; return them all.

        Raises:
            NothingArrived: if they have not come after `timeout` real seconds.
            WouldHang: if an event loop runs in this thread.
            InvalidSetting: for another count or time-out.
        """
        # Imported where it is used, as below.
        from pytest_mailnet.waiting import bell, loop_here  # noqa: PLC0415

        __tracebackhide__ = True
        _check_wait("wait_for_messages", count, timeout)
        if loop := loop_here():
            raise WouldHang(
                f"mailnet.wait_for_messages() holds up {loop}, and with it what would send the messages: "
                "await mailnet.wait_for_messages_async()"
            )
        rung = bell()
        with self._waiting(rung.ring):
            rung.wait_until(lambda: len(self.messages) >= count, timeout)
        return self._enough(count, timeout)

    async def wait_async(self, count: int, timeout: float) -> list[Message]:  # noqa: ASYNC109
        """Do what `wait` does, in a task of asyncio (uvloop too) or trio.

        Raises:
            NothingArrived: if they have not come after `timeout` real seconds.
            InvalidSetting: for another count or time-out.
        """
        # trio's users have trio; asyncio's need not.
        from pytest_mailnet.waiting import alarm  # noqa: PLC0415

        _check_wait("wait_for_messages_async", count, timeout)
        rung = alarm()
        with self._waiting(rung.ring):
            await rung.wait_until(lambda: len(self.messages) >= count, timeout)
        return self._enough(count, timeout)

    @contextlib.contextmanager
    def _waiting(self, wake: Callable[[], None]) -> Iterator[None]:
        with self._lock:
            self._waiters.append(wake)
        try:
            yield
        finally:
            with self._lock:
                self._waiters.remove(wake)

    def _enough(self, count: int, timeout: float) -> list[Message]:
        found = list(self.messages)
        if len(found) < count:
            raise NothingArrived(self._too_few(count, timeout))
        return found

    def _too_few(self, count: int, timeout: float) -> str:
        return (
            f"waited {timeout:g} s for {_counted(count)}, and {_counted(len(self.messages))} came. "
            "str(session) of each in mailnet.sessions tells what was said; wait longer with timeout=..."
        )


def _check_wait(call: str, count: object, timeout: object) -> None:
    if not (is_whole(count) and count >= 1):
        raise InvalidSetting(
            f"mailnet.{call}({count!r}): it waits for 1 message or more; that there is none is told by "
            "mailnet.messages == []"
        )
    if not is_number(timeout) or timeout < 0:
        raise InvalidSetting(f"mailnet.{call}(timeout={timeout!r}): it takes a number of seconds, 0 or more")


def parsed(content: bytes) -> EmailMessage:
    """Read a message's bytes with the email package's modern policy."""
    return email.message_from_bytes(content, policy=email.policy.default)


def split_address(address: str) -> tuple[str, str]:
    """Split "Alice@Gmail.COM" into its local part and its lower-cased domain.

    Raises:
        InvalidAddress: if one of the two is missing.
    """
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or " " in domain:
        raise InvalidAddress(
            f"{address!r} is no mail address: it takes a local part, '@', and a domain, as in "
            "'alice@gmail.com'"
        )
    return local, domain.lower()


def _counted(count: int) -> str:
    return f"{count} message" if count == 1 else f"{count} messages"
