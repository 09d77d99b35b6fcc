"""The header fields that a server adds to a mail or changes in it (RFC 5321, 4.4; RFC 6409, 8)."""

from __future__ import annotations

import email.utils
import re
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_mailnet.mailboxes.account import owns
from pytest_mailnet.smtp.headers import addresses_of, mailboxes_of

if TYPE_CHECKING:
    from pytest_mailnet.mailboxes.account import Account
    from pytest_mailnet.smtp.state import Step

__all__ = ["completed", "received_field", "with_own_author"]

_FROM = re.compile(rb"^From:((?:[^\r\n]|\r\n[ \t])*)\r\n", re.IGNORECASE | re.MULTILINE)


def received_field(step: Step, reverse_name: str | None, now: datetime) -> bytes:
    """The Received field of a session's mail, line end included.

    Args:
        step: the session; its queue id must be made already.
        reverse_name: the name that the client's address resolves back to; None or "" for none.
        now: the time to write.
    """
    protocol = "LMTP" if step.lmtp else "ESMTP" if step.extended else "SMTP"
    if step.extended and "SMTPUTF8" in map(str.upper, step.mail_options):
        protocol = "UTF8LMTP" if step.lmtp else "UTF8SMTP"
    if step.extended:  # RFC 3848; RFC 6531, 4.3
        protocol += "S" * step.tls + "A" * (step.authenticated_as is not None)
    ip = f"IPv6:{step.client.ip}" if ":" in step.client.ip else step.client.ip
    written = (
        f"Received: from {_clean(step.helo)} ({reverse_name or 'unknown'} [{ip}])\r\n"
        f"\tby {step.host} with {protocol} id {step.queue_id}"
    )
    if len(step.recipients) == 1:  # several must not learn of each other
        written += f"\r\n\tfor <{_clean(step.recipients[0])}>"
    return f"{written}; {email.utils.format_datetime(now)}\r\n".encode()


def completed(step: Step, now: datetime) -> bytes:
    """The fields Message-ID and Date for a submitted mail that lacks them (RFC 6409, 8.2 and 8.3).

    Args:
        step: the session of the mail.
        now: the time to write in Date.

    Returns:
        The missing fields, with line ends; b"" if the mail has both.
    """
    names = {name for name, _ in step.header_fields}
    fields = ""
    if "message-id" not in names:
        fields += f"Message-ID: <{step.queue_id}@{step.host}>\r\n"
    if "date" not in names:
        fields += f"Date: {email.utils.format_datetime(now)}\r\n"
    return fields.encode()


def with_own_author(content: bytes, account: Account, original_from: str) -> bytes:
    """The content with the account's own address in From, if another's stands there.

    Args:
        content: the mail's bytes.
        account: the account that submits it.
        original_from: the name of the field that keeps the original From.
    """
    head, gap, body = content.partition(b"\r\n\r\n")
    found = _FROM.search(head + b"\r\n")
    if found is None:
        return content
    value = found[1].decode("utf-8", "replace")
    named = addresses_of(value)
    if not named or all(owns(account, it) for it in named):
        return content
    shown, _ = mailboxes_of(value)[0]
    own = email.utils.formataddr((shown, account.address)) if shown.isascii() else account.address
    kept = f"{original_from}:".encode() + found[1]
    head = (
        (head + b"\r\n")[: found.start()]
        + b"From: "
        + own.encode()
        + b"\r\n"
        + kept
        + b"\r\n"
        + (head + b"\r\n")[found.end() :]
    )
    return head.removesuffix(b"\r\n") + gap + body


def _clean(text: str) -> str:
    return "".join(it if it.isprintable() and it not in "()<>\\" else "?" for it in text)
