"""A host at work where mail is read: who may log in, what is said, and whose folders there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_mailnet.mailboxes.account import lacks_app_password, objection
from pytest_mailnet.mailboxes.mailbox import has_room_for, shelves_of
from pytest_mailnet.mailboxes.shelves import Shelves
from pytest_mailnet.reading.response import Response
from pytest_mailnet.record.session import Finding
from pytest_mailnet.smtp.state import HangUp, UsualYes
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    import ssl
    from datetime import datetime

    from pytest_mailnet.certificates import Certificate
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.faults.armed import Armed
    from pytest_mailnet.mailboxes.mailbox import Mailbox
    from pytest_mailnet.providers.operator import Operator
    from pytest_mailnet.providers.reading_facts import ReadingServers
    from pytest_mailnet.providers.tls import HostTls
    from pytest_mailnet.smtp.sasl import Credentials
    from pytest_mailnet.smtp.state import Step

__all__ = ["ReadingService"]

_ONLY_IN_THE_CLEAR = frozenset({"STARTTLS", "STLS", "LOGINDISABLED"})


class ReadingService:
    """The servers of one protocol at one host, as `server.reading_server.ReadsMail` wants them.

    Args:
        name: the host's.
        operator: who runs it.
        servers: the facts about them.
        faults: the faults of the host's connections.
        tls: how the host encrypts.
    """

    def __init__(
        self,
        name: str,
        operator: Operator,
        servers: ReadingServers,
        faults: Armed,
        tls: HostTls,
    ) -> None:
        self._name, self._operator, self._servers = name, operator, servers
        self._faults, self._tls = faults, tls

    # What its server on the wire asks.

    @property
    def hostname(self) -> str:
        """Its host name."""
        return self._name

    @property
    def faults(self) -> Armed:
        """The faults of its connections."""
        return self._faults

    @property
    def clock(self) -> Clock:
        """The net's clock."""
        return self._operator.clock

    @property
    def idle_seconds(self) -> int:
        """How long a client may be silent, in seconds; 0 for as long as it likes."""
        return self._servers.idle_seconds

    def begins_with_tls(self, port: int) -> bool:
        """Whether TLS begins with the first byte at one of its ports."""
        return port in self._servers.tls_ports

    @property
    def certificate(self) -> Certificate:
        """The certificate that it shows, unless a fault has it show another."""
        return self._tls.certificate

    def tls_context(self, certificate: Certificate) -> ssl.SSLContext:
        """The context for handshakes that show this certificate."""
        return self._tls.context(certificate)

    # What its conversations ask.

    def capabilities(self, step: Step) -> tuple[str, ...]:
        """What it can do, in the session's present state."""
        if step.authenticated_as is not None:
            return self._servers.capabilities_after_login
        able = self._servers.capabilities
        if step.tls or step.stripped or self._tls.stripped:
            return tuple(it for it in able if it not in _ONLY_IN_THE_CLEAR)
        return able

    def mechanisms(self, step: Step) -> tuple[str, ...]:
        """The SASL mechanisms by which one can log in now."""
        able = self.capabilities(step)
        found = [it.removeprefix("AUTH=") for it in able if it.startswith("AUTH=")]
        sasl = next((it for it in able if it.startswith("SASL ")), "SASL").split()[1:]
        return (*found, *sasl)

    def words(self, condition: str) -> Response:
        """What it says for a condition."""
        return Response.parse(self._servers.words[condition].text, pop3=self._servers.protocol == "POP3")

    def line(self, name: str) -> str:
        """A line of its own that is no status response; "" if it has none."""
        said = self._servers.lines.get(name)
        return "" if said is None else said.text

    def decide(self, stage: Stage, step: Step) -> Response | HangUp | None:
        """The test's own answer; None for the usual one."""
        answers = (it.decide(stage, step) for it in self._operator.scripts_at(self._servers))
        answer = next((it for it in answers if it is not None), None)
        if answer is None or isinstance(answer, UsualYes):
            return None
        step.finding = Finding("your own answer", "")
        return answer

    def objection(self, credentials: Credentials, step: Step) -> str | None:
        """The condition by which a log-in is refused; None where it succeeds."""
        found = self._objection(credentials)
        if found is None:
            return None
        condition, why = found
        step.finding = Finding(condition, why)
        return condition

    def _objection(self, credentials: Credentials) -> tuple[str, str] | None:
        if self._servers.passwords == "never" and not credentials.by_token:
            return "passwords_refused", f"{self._operator.facts.title} takes tokens only"
        mailbox = self._mailbox(credentials.identity)
        if mailbox is None:
            return "authentication_failed", f"there is no mailbox {credentials.identity!r}"
        return self._objection_to(mailbox, credentials)

    def _objection_to(self, mailbox: Mailbox, credentials: Credentials) -> tuple[str, str] | None:
        account = mailbox.account
        if lacks_app_password(account, credentials) or (
            self._servers.passwords == "app"
            and not credentials.by_token
            and account.password is not None
            and credentials.proves((account.password,))
        ):
            why = "it takes an app password, mailbox.account.add_app_password(), not the owner's"
            return "app_password_required", why
        if (why_not := objection(account, credentials)) is not None:
            return "authentication_failed", why_not
        if mailbox.disabled:
            return "account_disabled", f"{mailbox.address} is disabled"
        most = self._servers.connections
        if most and self._connected(account.address) >= most:
            return "too_many_connections", f"{mailbox.address} has {most} connections already"
        return None

    def _mailbox(self, identity: str) -> Mailbox | None:
        return self._operator.mailbox_named(identity, self._servers.also)

    def _connected(self, user: str) -> int:
        """How many connections of a user are open."""
        sessions = self._operator.sessions_of(self._servers.protocol)
        return sum(it.open and it.user == user for it in sessions)

    def shelves_of(self, identity: str) -> Shelves:
        """The folders of a user who has logged in."""
        mailbox = self._mailbox(identity)
        if mailbox is None:  # whom a test's own answer has let in
            return Shelves(self._operator.reading.layout, [], [])
        return shelves_of(mailbox)

    def has_room(self, identity: str, size: int) -> bool:
        """Whether so many bytes more fit into a user's mailbox."""
        mailbox = self._mailbox(identity)
        return mailbox is None or has_room_for(mailbox, size)

    def user_of(self, identity: str) -> str:
        """The user that logs in by a name."""
        mailbox = self._mailbox(identity)
        return identity if mailbox is None else mailbox.account.address

    def now(self) -> datetime:
        """The net's time."""
        return self._operator.clock.now()

    def value_of(self, step: Step, variable: str) -> str:
        """The value of a variable in a response."""
        if variable in step.details:
            return step.details[variable]
        if variable == "user":
            return step.authenticated_as or (step.credentials.identity if step.credentials else "")
        if variable == "capabilities":
            return " ".join(self.capabilities(step))
        if variable == "session":
            variable = "queue_id"
        return self._operator.value_of(step, variable)

    def failed(self, error: Exception, stage: Stage | None, step: Step, told: str | None = None) -> None:
        """Note an exception in the test's own code, which fails the test."""
        self._operator.failed(error, stage, step, told)
