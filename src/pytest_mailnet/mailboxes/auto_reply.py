"""Automatic replies to personal messages, as people leave them when they are away (RFC 3834)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_mailnet.mailboxes.addressing import same_address
from pytest_mailnet.mailboxes.letter import answered_fields, letter
from pytest_mailnet.smtp.headers import addresses_of, header_fields

if TYPE_CHECKING:
    from pytest_mailnet.mailboxes.mailbox import Mailbox
    from pytest_mailnet.record.session import Message

__all__ = ["automatic_reply", "why_unanswered"]

_BULK = frozenset({"bulk", "junk", "list"})  # RFC 3834, 2, of Precedence
_NAMED_IN = frozenset({"to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"})  # RFC 5230, 4.5


def why_unanswered(mailbox: Mailbox, message: Message, recipients: Iterable[str]) -> str:
    """Why a message gets no automatic reply, in words; "" if it gets one (RFC 3834, 2; RFC 5230, 4.5, 4.6).

    Args:
        mailbox: the mailbox in which the message has arrived.
        message: the message.
        recipients: the addresses of the envelope by which it came there.
    """
    local = message.sender.rpartition("@")[0].lower()
    if not message.sender:
        return "it comes from the null sender"
    if local == "mailer-daemon" or local.startswith("owner-") or local.endswith("-request"):
        return f"{message.sender} is no person's address"
    fields = header_fields(message.content)
    of_a_program = next((name for name, value in fields if _is_of_a_program(name, value)), None)
    if of_a_program:
        return f"a list or a program has sent it, by the field {of_a_program.title()}"
    named = [address for name, value in fields if name in _NAMED_IN for address in addresses_of(value)]
    own = (mailbox.address, *mailbox.account.aliases, *recipients)
    if not any(same_address(one, other) for one in named for other in own):
        return f"{mailbox.address} stands neither in To nor in Cc"
    return ""


def automatic_reply(mailbox: Mailbox, text: str, message: Message, now: datetime) -> bytes:
    """The automatic reply to a message, as a whole message.

    Nothing in it is random: the same message and time give the same reply.

    Args:
        mailbox: the mailbox that replies.
        text: what it says.
        message: the message.
        now: the time to write in Date.
    """
    values = dict(reversed(header_fields(message.content)))
    subject = f"Auto: {values.get('subject', '')}".strip()  # RFC 5230, 4.3
    fields = [*answered_fields(message), ("Auto-Submitted", "auto-replied")]
    about = repr(message.envelope).encode() + message.content
    return letter(mailbox.address, [message.sender], subject, text, now, more=fields, about=about)


def _is_of_a_program(name: str, value: str) -> bool:
    """Whether a field tells that no person has sent the message to this one."""
    word = value.partition(";")[0].strip().lower()
    if name == "auto-submitted":
        return word != "no"
    return name.startswith("list-") or (name == "precedence" and word in _BULK)
