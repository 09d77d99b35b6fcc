"""The texts of a server's delivery reports; the machine-readable facts are in other parts of a report."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from pytest_mailnet.errors import InvalidSetting, amongst
from pytest_mailnet.handles.frozen_fields import FrozenFields

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


class Wording(FrozenFields):
    """The texts of a server's delivery reports.

    Texts can hold variables: {server}, the reporting server; {sender}, the addressee of the report;
    {queue_id}, {original_subject} and {message_id} of the mail; {date}; {recipients}, a `per_recipient` text
    for each. Of one recipient in `per_recipient`, of the first elsewhere: {recipient}, {status}, {reply},
    {reason} (the reply with its server, or what happened in words), {remote_mta}, {remote_ip}, {retry_until}.

    Attributes:
        sender: the From field.
        per_recipient: the text for one recipient.
        failed_subject, failed_text: for a mail that could not be delivered.
        delayed_subject, delayed_text: for a mail that is still being tried.
        delivered_subject, delivered_text: for a mail that is in the mailbox.
        relayed_subject, relayed_text: for a mail that went to a server without delivery reports.
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

    def __post_init__(self) -> None:
        """Check the variables in the texts.

        Raises:
            InvalidSetting: with the attribute, for an unknown variable.
        """
        for field in dataclasses.fields(self):
            for variable in _VARIABLE.findall(getattr(self, field.name)):
                if variable not in _KNOWN:
                    told = f"no variable {{{variable}}}{amongst(variable, _KNOWN)}"
                    raise InvalidSetting(f"{field.name}: {told}")

    def filled(self, name: str, values: Mapping[str, str]) -> str:
        """A text with its variables filled in.

        Args:
            name: an attribute, such as "failed_text".
            values: the variables' values; "" stands for a missing one.
        """
        text: str = getattr(self, name).rstrip("\n")
        return _VARIABLE.sub(lambda found: values.get(found[1], ""), text)


STOCK = Wording()
"""The texts for servers whose own are not known, with the content that RFC 3464, 2 asks for."""
