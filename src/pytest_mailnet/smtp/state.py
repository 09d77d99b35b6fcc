"""One SMTP session as rules and a test's predicates see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import Enum
from types import MappingProxyType
from typing import Any, Final

from pytest_mailnet.record.session import Finding, Session, parsed
from pytest_mailnet.smtp.headers import addresses_of, domain_of, header_fields
from pytest_mailnet.smtp.sasl import Credentials
from pytest_mailnet.values import Endpoint, Reply

__all__ = ["HANG_UP", "NO_DETAILS", "HangUp", "Step", "agreed"]

NO_DETAILS: Final[Mapping[str, str]] = MappingProxyType({})
"""Of a reply with no variables that only a rule knows."""


class HangUp(Enum):
    """The type of `HANG_UP`."""

    HANG_UP = "hang up"


HANG_UP: Final = HangUp.HANG_UP
"""In place of a reply: say nothing and close the connection."""


def agreed(answer: Reply | HangUp | None) -> bool:
    """Whether an answer is a yes; None, the usual answer, is one."""
    return answer is None or (isinstance(answer, Reply) and answer.positive)


@dataclass(slots=True, eq=False)
class Step:
    """What is known at one stage of a session. Made once a session; only its dialogue changes it.

    Attributes:
        session: its record.
        client: the sender's address and port.
        server: the address and port that it connected to.
        host: the server's name.
        helo: the name that the client gave in EHLO or HELO.
        extended: whether it was EHLO.
        tls: whether the connection is encrypted.
        stripped: whether STARTTLS is kept from this client.
        pipelined: whether more had come behind the command before it was answered.
        credentials: what the client last wanted to log in with.
        authenticated_as: who has logged in, in full; None for nobody.
        reverse_path: of MAIL; None before it, "" for the null sender.
        mail_options: the parameters of MAIL, as written.
        declared_size: what SIZE= said at MAIL, in bytes.
        recipient: the one that RCPT names; None at other stages.
        options: its parameters, as written.
        recipients: those that were accepted.
        rcpt_options: for each of them, the parameters of its RCPT.
        content: the message after the dot; None before.
        queue_id: what the provider calls the session in its replies; made at first use.
        messages: how many were accepted in this session.
        errors: how many replies in it said no for good (5yz).
        details: what stands for variables of the reply that a rule has chosen.
        finding: which rule has decided the stage, and why; None for none.
        results: what rules have found out about the mail and share; empty at its beginning.
        known: likewise about the client; as long as the session.
    """

    session: Session
    client: Endpoint
    server: Endpoint
    host: str
    helo: str = ""
    extended: bool = False
    tls: bool = False
    stripped: bool = False
    pipelined: bool = False
    credentials: Credentials | None = None
    authenticated_as: str | None = None
    reverse_path: str | None = None
    mail_options: tuple[str, ...] = ()
    declared_size: int | None = None
    recipient: str | None = None
    options: tuple[str, ...] = ()
    recipients: list[str] = field(default_factory=list)
    rcpt_options: list[tuple[str, ...]] = field(default_factory=list)
    content: bytes | None = None
    queue_id: str = ""
    messages: int = 0
    errors: int = 0
    details: Mapping[str, str] = field(default_factory=lambda: NO_DETAILS)
    finding: Finding | None = None
    results: dict[Any, Any] = field(default_factory=dict)
    known: dict[Any, Any] = field(default_factory=dict)

    @property
    def named_recipients(self) -> tuple[str, ...]:
        """The one that RCPT names; at later stages those that were accepted."""
        return tuple(self.recipients) if self.recipient is None else (self.recipient,)

    @property
    def header_fields(self) -> tuple[tuple[str, str], ...]:
        """The fields of the content as `headers.header_fields` reads them, once a mail."""
        found: tuple[tuple[str, str], ...] | None = self.results.get("header_fields")
        if found is None:
            found = self.results["header_fields"] = header_fields(self.content or b"")
        return found

    @property
    def author_domains(self) -> set[str]:
        """The domains of the addresses in From."""
        values = (value for name, value in self.header_fields if name == "from")
        return {domain_of(address) for value in values for address in addresses_of(value)}

    @property
    def message(self) -> EmailMessage:
        """The content as the email package reads it; empty before the dot."""
        return parsed(self.content or b"")

    def reset(self) -> None:
        """Forget the mail transaction (RFC 5321, 4.1.1.5)."""
        self.reverse_path = self.declared_size = self.recipient = self.content = None
        self.mail_options = ()
        self.recipients = []
        self.rcpt_options = []
        self.results = {}
