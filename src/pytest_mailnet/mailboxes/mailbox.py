"""Mailboxes: each has the mail of one address at a provider."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.attributes import Flag, Setting, flag, steady
from pytest_mailnet.mailboxes.account import Account, most_of
from pytest_mailnet.mailboxes.addressing import checked_address, same_address
from pytest_mailnet.record.session import Message
from pytest_mailnet.smtp.headers import addresses_of, header_fields

if TYPE_CHECKING:
    from pytest_mailnet.mailboxes.folder import Folders
    from pytest_mailnet.mailboxes.shelf import FolderLayout
    from pytest_mailnet.mailboxes.shelves import Shelves

__all__ = [
    "Forward",
    "Mailbox",
    "Outgoing",
    "answered_lately",
    "forwards_of",
    "has_room_for",
    "is_busy",
    "note_sent",
    "shelves_of",
    "told_of_change",
]

_HOUR = timedelta(hours=1)
_DAYS_BETWEEN_REPLIES = timedelta(days=7)  # RFC 5230, 4.1; RFC 3834, 2 leaves it at "several days"
_MESSAGES = "its .messages are what has been delivered"
_OF_A_MAILBOX: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("inbox", "mail", "mails", "emails", "outbox"), _MESSAGES),
        **dict.fromkeys(("spam", "junk_folder"), "its .junk are the messages filed as junk"),
        **dict.fromkeys(("forward", "forwards", "redirect"), ".forward_to('bob@shop.example')"),
        **dict.fromkeys(("vacation", "autoreply", "out_of_office"), ".auto_reply = 'I am away.'"),
        "messages": "mailbox.messages.clear() empties it",
        "junk": "mailbox.junk.clear() empties it; .on_message(...).junk() files mail there",
        "account": "account.password, .two_step and .aliases can be set",
        "address": "further addresses are aliases, .add_mailbox(address, aliases=...)",
        "password": "mailbox.account.password is what its owner logs in with",
        "aliases": "mailbox.account.aliases are its further addresses; .add_mailbox(address, aliases=...)",
        "reply": ".reply_to(message, 'Thank you.') answers a message",
        **{
            name: f"mailbox.account.{name}"
            for name in ("daily_download", "imap_enabled", "pop3_enabled", "two_step", "web_login_required")
        },
        "enabled": "mailbox.disabled = True is for one that its owner has lost",
    }
)


def _text(given: object, what: str) -> str | None:
    if given is None or (isinstance(given, str) and given.strip()):
        return given
    raise InvalidSetting(f"{what}: {given!r} is no text; it takes one as in 'I am away.', or None for none")


class Outgoing(Protocol):
    """What a mailbox asks of the provider that it is at."""

    def complain(self, message: Message, to: str) -> None:
        """Send a feedback report on a message to an address."""
        ...

    def send(
        self,
        author: str,
        to: tuple[str, ...],
        subject: str,
        text: str,
        *,
        content: bytes | None = None,
        answered: Message | None = None,
    ) -> None:
        """Send a mail of an author's; of `content` as it is, or one with a subject and a text."""
        ...

    def delivery_fields(self, mailbox: Mailbox, message: Message) -> bytes:
        """The header fields that are put before a message where it has come to its end (RFC 5321, 4.4)."""
        ...

    def arrived(self, messages: Sequence[Message], count: int, timeout: float) -> list[Message]:
        """Wait until there are so many messages in a list, and return them."""
        ...

    async def arrived_async(
        self,
        messages: Sequence[Message],
        count: int,
        timeout: float,  # noqa: ASYNC109
    ) -> list[Message]:
        """Do the same in a task."""
        ...


class Forward(NamedTuple):
    """Where a mailbox forwards its messages.

    Attributes:
        to: the address.
        keep: whether the mailbox keeps a copy.
    """

    to: str
    keep: bool


@steady("a mailbox", _OF_A_MAILBOX)
class Mailbox:
    """The mail of one address at a provider.

    Args:
        address: in full.
        account: see the property.
        outgoing: takes what it sends.
        moved: called when `catch_all` is set.
        layout: returns which folders there are; None for those of a server of one's own.

    Attributes:
        auto_reply: the text that answers each message by itself (RFC 3834); None for none. A sender gets it
            once in seven days, and never for a bounce, a mail of a list, one that a program has sent, or one
            that does not name the mailbox in To or Cc. Setting it begins anew.
        catch_all: whether it takes mail for addresses of its domain that have no mailbox.
        disabled: whether its owner has lost it: suspended, or not used for years.
        quota: how many bytes fit in; None for no limit, 0 for a mailbox that is full already.
        hourly_limit: how many messages it takes within an hour of the net's clock; None for no limit.

    Raises:
        InvalidSetting: when an attribute is set to an invalid value.
    """

    auto_reply: Setting[str | None] = Setting(None, _text, operator.methodcaller("_forget_replies"))
    catch_all: Flag = Flag(operator.methodcaller("_moved"))
    disabled: Flag = Flag()
    quota: Setting[int | None] = Setting(None, most_of("bytes"))
    hourly_limit: Setting[int | None] = Setting(None, most_of("messages"))

    def __init__(
        self,
        address: str,
        account: Account,
        outgoing: Outgoing,
        moved: Callable[[], object] = bool,
        layout: Callable[[], FolderLayout] | None = None,
    ) -> None:
        self._address = address
        self._account = account
        self._outgoing, self._moved = outgoing, moved
        self._messages: list[Message] = []
        self._junk: list[Message] = []
        # Replaced as a whole: the servers read while the test writes.
        self._forwards: tuple[Forward, ...] = ()
        self._replied: dict[str, datetime] = {}
        self._layout = layout
        self._sent: list[Message] = []
        self._shelves: Shelves | None = None

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
        """The messages in the inbox, oldest first; a test can take messages out of the list."""
        return self._messages

    @property
    def junk(self) -> list[Message]:
        """The messages that the provider has filed as junk, oldest first: by DMARC, or as the test asked."""
        return self._junk

    @property
    def folders(self) -> Folders:
        """The folders that a mail program sees, by name; INBOX has `messages`, the one for junk `junk`."""
        from pytest_mailnet.mailboxes.folder import Folders  # noqa: PLC0415  # most tests read no mail

        return Folders(shelves_of(self))

    def wait_for_messages(self, count: int = 1, *, timeout: float = 5.0) -> list[Message]:
        """Block until there are so many messages in the inbox; return them all.

        Args:
            count: how many messages, 1 or more.
            timeout: how long to wait, in real seconds.

        Raises:
            NothingArrived: if they are not there by then.
            WouldHang: in a coroutine, whose loop it would block: `await alice.wait_for_messages_async()`.
            InvalidSetting: for another count or time-out.
        """
        __tracebackhide__ = True
        return self._outgoing.arrived(self._messages, count, timeout)

    async def wait_for_messages_async(self, count: int = 1, *, timeout: float = 5.0) -> list[Message]:  # noqa: ASYNC109
        """Do what `wait_for_messages` does, in a task of asyncio or trio.

        Args:
            count: how many messages, 1 or more.
            timeout: how long to wait, in real seconds.

        Raises:
            NothingArrived: if they are not there by then.
            InvalidSetting: for another count or time-out.
        """
        return await self._outgoing.arrived_async(self._messages, count, timeout)

    def forward_to(self, address: str, *, keep: bool = True) -> None:
        """Forward each message that arrives from now on, with its reverse-path as it was.

        The provider's servers send it on with the next `mailnet.deliver_all()`. So SPF fails at the next hop,
        as it does in life where nobody rewrites the sender (RFC 7208, 11.4). Junk is not forwarded.

        Args:
            address: to whom.
            keep: whether a copy stays in the mailbox.

        Raises:
            InvalidAddress: for an invalid address.
            InvalidSetting: for the mailbox's own address.
        """
        checked_address(address)
        if same_address(address, self.address):
            raise InvalidSetting(f"forward_to({address!r}): that is the mailbox itself")
        self._forwards += (Forward(address, flag(keep, "forward_to(keep=...)")),)

    def send(
        self, *, to: str | Iterable[str], subject: str = "", text: str = "", content: bytes | None = None
    ) -> None:
        """Write a mail, as the owner of the mailbox does in a browser.

        It waits in the provider's queue until `mailnet.deliver_all()`, which takes it to the servers of its
        recipients from an address of the provider's, so that SPF passes there. With the extra `auth` it is
        signed with a key that the provider publishes in the net.

        Args:
            to: the recipient or recipients.
            subject: the subject.
            text: what it says, in plain text.
            content: a whole message in place of subject and text, sent as it is.

        Raises:
            InvalidAddress: for an invalid recipient.
            InvalidSetting: for a content that is no bytes, or that comes with a subject or text.
        """
        if content is not None and (subject or text or not isinstance(content, bytes)):
            raise InvalidSetting(
                "mailbox.send(content=...) takes a whole message as bytes, and no subject or text beside it"
            )
        recipients = tuple(map(checked_address, (to,) if isinstance(to, str) else to))
        if not recipients:
            raise InvalidSetting("mailbox.send(to=...) takes the address of at least one recipient")
        self._outgoing.send(self.address, recipients, subject, text, content=content)

    def reply_to(self, message: Message, text: str) -> None:
        """Answer a message, to its Reply-To, or else to whom it is from (RFC 5322, 3.6.2); see `send`.

        Args:
            message: the message, in this mailbox or not.
            text: what the answer says, in plain text.

        Raises:
            InvalidSetting: if that is no message, or there is no address in it to which to answer.
        """
        if not isinstance(message, Message):
            raise InvalidSetting(f"reply_to({message!r}, ...) takes a message, as in mailbox.messages[0]")
        fields = dict(reversed(header_fields(message.content)))
        to = tuple(addresses_of(fields.get("reply-to") or fields.get("from", "")))
        if not to:
            raise InvalidSetting(f"reply_to({message!r}): it has no address in From or Reply-To to answer to")
        subject = fields.get("subject", "")
        subject = subject if subject[:3].lower() == "re:" else f"Re: {subject}".strip()
        self._outgoing.send(self.address, tuple(map(checked_address, to)), subject, text, answered=message)

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
        if message not in self.messages and message not in self.junk:
            raise InvalidSetting(f"report_spam({message!r}): that is no message of {self.address}")
        domain = message.envelope.mail_from.rpartition("@")[2]
        if not (to or domain):
            raise InvalidSetting(
                f"report_spam({message!r}): it came from the null sender; say to whom the report goes, "
                "as in to='fbl@shop.example'"
            )
        self._outgoing.complain(message, to or f"abuse@{domain}")

    def __repr__(self) -> str:
        junk = f", {len(self.junk)} in junk" if self.junk else ""
        return (
            f"<Mailbox {self.address}, {len(self.messages)} message{'s' * (len(self.messages) != 1)}{junk}>"
        )

    def _forget_replies(self) -> None:
        self._replied = {}


def shelves_of(mailbox: Mailbox) -> Shelves:
    """What is in a mailbox's folders; made when somebody first reads there."""
    shelves = mailbox._shelves  # noqa: SLF001  # out of a test's sight
    if shelves is None:
        from pytest_mailnet.mailboxes.shelf import PLAIN  # noqa: PLC0415  # as in `folders`
        from pytest_mailnet.mailboxes.shelves import Shelves  # noqa: PLC0415  # as in `folders`

        layout = PLAIN if mailbox._layout is None else mailbox._layout()  # noqa: SLF001
        # Two threads may both make one; `setdefault` keeps the first.
        fields = functools.partial(mailbox._outgoing.delivery_fields, mailbox)  # noqa: SLF001
        made = Shelves(layout, mailbox.messages, mailbox.junk, mailbox._sent, fields)  # noqa: SLF001
        vars(mailbox).setdefault("_made_shelves", made)
        mailbox._shelves = shelves = vars(mailbox)["_made_shelves"]  # noqa: SLF001
    return shelves


def note_sent(mailbox: Mailbox, message: Message) -> None:
    """Keep what the owner of a mailbox has sent, for where the provider has it in a folder."""
    mailbox._sent.append(message)  # noqa: SLF001
    told_of_change(mailbox)


def told_of_change(mailbox: Mailbox) -> None:
    """Tell those who read in a mailbox that something has come."""
    shelves = mailbox._shelves  # noqa: SLF001
    if shelves is not None:
        shelves.changed()


def has_room_for(mailbox: Mailbox, size: int) -> bool:
    """Whether a message fits into a mailbox that is not full already.

    Args:
        mailbox: the mailbox.
        size: of the message, in bytes.
    """
    if mailbox.quota is None:
        return True
    used = sum(len(message.content) for message in (*mailbox.messages, *mailbox.junk))
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
    if mailbox.junk:
        both = sorted((*mailbox.messages, *mailbox.junk), key=lambda it: it.received)
        late = both[-limit:] if limit else []
    return len(late) == limit and all(now - it.received < _HOUR for it in late[:1])


def forwards_of(mailbox: Mailbox) -> tuple[Forward, ...]:
    """Where a mailbox forwards its messages, in the order in which the test said so."""
    return mailbox._forwards  # noqa: SLF001  # out of a test's sight


def answered_lately(mailbox: Mailbox, sender: str, now: datetime) -> bool:
    """Whether a sender has had the automatic reply in the last days; notes that they get it now if not.

    Args:
        mailbox: the mailbox.
        sender: the reverse-path of the message.
        now: the net's time.
    """
    replied = mailbox._replied  # noqa: SLF001  # as above
    key = sender.lower()
    if key in replied and now - replied[key] < _DAYS_BETWEEN_REPLIES:
        return True
    replied[key] = now
    return False
