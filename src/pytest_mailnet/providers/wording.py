"""The words in which a server tells of a mail's fate; the facts are in the other parts of its report."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_mailnet.errors import amongst

__all__ = ["STOCK", "Wording"]

_VARIABLE = re.compile(r"\{(\w+)\}")
_KNOWN = (
    "date",
    "message_id",
    "original_subject",
    "queue_id",
    "reason",
    "recipient",
    "recipients",
    "remote_ip",
    "remote_mta",
    "reply",
    "retry_until",
    "sender",
    "server",
    "status",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a server writes its delivery reports.

    Texts can hold variables: {server}, who writes; {sender}, to whom; {queue_id}, {original_subject} and
    {message_id} of the mail; {date}; {recipients}, a `per_recipient` text for each. In that, or of the first:
    {recipient}, {status}, {reply}, {reason} (the reply with its server, or what happened in words),
    {remote_mta}, {remote_ip}, {retry_until}.

    Attributes:
        sender: the From field.
        per_recipient: a recipient and what happened.
        failed_subject, failed_text: of a report that the mail was not delivered.
        delayed_subject, delayed_text: that it is still being tried.
        delivered_subject, delivered_text: that it lies in the mailbox.
        relayed_subject, relayed_text: that it went to a server which will not report.
    """

    sender: str = "Mail Delivery System <MAILER-DAEMON@{server}>"
    per_recipient: str = "<{recipient}>: {reason}"
    failed_subject: str = "Undelivered mail returned to sender"
    failed_text: str = (
        "This is the mail system at {server}.\n\n"
        "Your message could not be delivered to:\n\n{recipients}\n\nIt is not tried again."
    )
    delayed_subject: str = "Delayed mail, still being tried"
    delayed_text: str = (
        "This is the mail system at {server}.\n\n"
        "Your message has not been delivered yet to:\n\n{recipients}\n\n"
        "It will be tried until {retry_until}. There is no need to send it again."
    )
    delivered_subject: str = "Delivered"
    delivered_text: str = (
        "This is the mail system at {server}.\n\nYour message has been delivered to:\n\n{recipients}"
    )
    relayed_subject: str = "Relayed"
    relayed_text: str = (
        "This is the mail system at {server}.\n\n"
        "Your message has been handed to a server that does not report deliveries, for:\n\n{recipients}"
    )

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> Wording:
        """Read what a provider's file has; what it leaves out is as in `STOCK`.

        Raises:
            ValueError: with the key, for one that there is not, or a text with an unknown variable.
        """
        known = [it.name for it in dataclasses.fields(cls)]
        for key, text in table.items():
            if key not in known:
                raise ValueError(f"{key}: unknown key{amongst(key, known)}")
            if not isinstance(text, str):
                raise ValueError(f"{key}: {text!r} is not a text")  # noqa: TRY004  # of a file, not of a call
            for variable in _VARIABLE.findall(text):
                if variable not in _KNOWN:
                    raise ValueError(f"{key}: no variable {{{variable}}}{amongst(variable, _KNOWN)}")
        return cls(**{key: str(text).rstrip("\n") for key, text in table.items()})

    def filled(self, name: str, values: Mapping[str, str]) -> str:
        """A text with its variables filled in, "" for those that are not known."""
        text: str = getattr(self, name)
        return _VARIABLE.sub(lambda found: values.get(found[1], ""), text)


STOCK = Wording()
"""For servers whose own words are not known; what has to stand there is of RFC 3464, 2."""
