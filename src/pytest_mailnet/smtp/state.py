"""One SMTP session as rules and a test's predicates see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pytest_mailnet.record.session import Finding, Session, parsed
from pytest_mailnet.smtp.headers import addresses_of, domain_of, header_fields
from pytest_mailnet.values import Endpoint, Fate, Reply

if TYPE_CHECKING:
    from email.message import EmailMessage

    from pytest_mailnet.smtp.sasl import Credentials

__all__ = ["HANG_UP", "NO_DETAILS", "USUAL_YES", "HangUp", "Step", "UsualYes", "agreed"]

NO_DETAILS: Final[Mapping[str, str]] = MappingProxyType({})
"""The details of a reply without variables that only a rule can fill in."""


class HangUp(Enum):
    """The type of `HANG_UP`."""

    HANG_UP = "hang up"


HANG_UP: Final = HangUp.HANG_UP
"""An answer in place of a reply: close the connection without a word."""


class UsualYes(Enum):
    """The type of `USUAL_YES`."""

    USUAL_YES = "usual yes"


USUAL_YES: Final = UsualYes.USUAL_YES
"""A test's answer in place of a reply: yes, in the server's own words."""


def agreed(answer: object) -> bool:
    """Whether an answer is positive; None, the usual answer, is."""
    return answer is None or (isinstance(answer, Reply) and answer.positive)


@dataclass(slots=True, eq=False)
class Step:
    """The state of a session, as rules see it. One object per session, which only its dialogue changes.

    Attributes:
        session: the record of the session.
        client: the sender's address and port.
        server: the address and port that the client connected to.
        host: the server's name.
        helo: the name that the client gave in EHLO or HELO.
        extended: whether the client said EHLO, or LHLO.
        lmtp: whether the session is one of LMTP (RFC 2033), with a reply for each recipient after the dot.
        tls: whether the connection is encrypted.
        stripped: whether STARTTLS is hidden from this client.
        pipelined: whether the client has sent more before the reply to this command.
        delay: how late the reply to this command comes, in seconds.
        verb: the verb of the last command that belongs to no step of a delivery, in upper case: "NOOP".
        credentials: the last credentials that the client sent; None for none.
        authenticated_as: the user who has logged in, as a full address; None for nobody.
        reverse_path: the address in MAIL; None before MAIL, "" for the null sender.
        mail_options: the parameters of MAIL, as written.
        declared_size: the message's size by SIZE= in MAIL, in bytes; None if not given.
        recipient: the address in RCPT; None at other stages.
        options: the parameters of that RCPT, as written.
        recipients: the accepted recipients.
        rcpt_options: the parameters of RCPT, for each accepted recipient.
        content: the message, after the final dot; None before.
        queue_id: the id of the session in the provider's replies; made at its first use.
        messages: how many messages were accepted in this session.
        errors: how many replies of the session were permanent refusals (5yz).
        details: values for the variables of a reply that a rule has chosen.
        finding: which rule has decided the stage, and why; None if no rule has.
        fate: what a test has decided to become of the mail; None where it goes to its recipients.
        results: findings about the mail that rules share; emptied when the mail ends.
        known: findings about the client that rules share; kept for the whole session.
    """

    session: Session
    client: Endpoint
    server: Endpoint
    host: str
    helo: str = ""
    extended: bool = False
    lmtp: bool = False
    tls: bool = False
    stripped: bool = False
    pipelined: bool = False
    verb: str = ""
    delay: float = 0.0
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
    fate: Fate | None = None
    results: dict[Any, Any] = field(default_factory=dict)
    known: dict[Any, Any] = field(default_factory=dict)

    @property
    def named_recipients(self) -> tuple[str, ...]:
        """The recipient in RCPT; at later stages, the accepted recipients."""
        return tuple(self.recipients) if self.recipient is None else (self.recipient,)

    @property
    def header_fields(self) -> tuple[tuple[str, str], ...]:
        """The fields of the content, as `headers.header_fields` reads them; read once for each mail."""
        found: tuple[tuple[str, str], ...] | None = self.results.get("header_fields")
        if found is None:
            found = self.results["header_fields"] = header_fields(self.content or b"")
        return found

    @property
    def author_domains(self) -> set[str]:
        """The domains of the addresses in the From field."""
        values = (value for name, value in self.header_fields if name == "from")
        return {domain_of(address) for value in values for address in addresses_of(value)}

    @property
    def message(self) -> EmailMessage:
        """The content, parsed by the email package; an empty message before the final dot."""
        return parsed(self.content or b"")

    def reset(self) -> None:
        """Forget the mail transaction (RFC 5321, 4.1.1.5)."""
        self.reverse_path = self.declared_size = self.recipient = self.content = self.fate = None
        self.mail_options = ()
        self.recipients = []
        self.rcpt_options = []
        self.results = {}
