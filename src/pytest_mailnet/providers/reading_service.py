"""A host at work where mail is read: who may log in, what is said, and whose folders there are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_mailnet.mailboxes.account import downloaded, lacks_app_password, note_download, objection
from pytest_mailnet.mailboxes.mailbox import has_room_for, shelves_of
from pytest_mailnet.mailboxes.shelves import Shelves
from pytest_mailnet.reading.response import Response
from pytest_mailnet.record.session import Finding
from pytest_mailnet.smtp.state import HangUp, UsualYes
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from datetime import datetime

    from pytest_mailnet.certificates import Certificate
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.faults.armed import Armed
    from pytest_mailnet.mailboxes.account import Account
    from pytest_mailnet.mailboxes.mailbox import Mailbox
    from pytest_mailnet.providers.operator import Operator
    from pytest_mailnet.providers.reading_facts import ReadingServers
    from pytest_mailnet.providers.tls import HostTls
    from pytest_mailnet.smtp.sasl import Credentials
    from pytest_mailnet.smtp.state import Step

__all__ = ["ReadingService"]

_ACCOUNT = "account"
_OPENS = frozenset({"SELECT", "EXAMINE"})
_OF_CONTENT = _OPENS | {"FETCH", "RETR", "TOP"}
_NOT_OF_MAIL = frozenset({"CAPABILITY", "CAPA", "ENABLE", "ID", "LOGOUT", "NOOP", "QUIT", "UTF8"})
_LOG_INS = frozenset({"USER", "SASL"})
_ONLY_IN_THE_CLEAR = frozenset({"STARTTLS", "STLS", "LOGINDISABLED"})


class ReadingService:
    """The servers of one protocol at one host, as `server.reading_server.ReadsMail` wants them.

    Args:
        name: the host's.
        operator: who runs it.
        servers: the facts about them.
        faults: the faults of the host's connections.
        tls: how the host encrypts.
        auth_before_tls: whether a test has it take log-ins in the clear.
    """

    def __init__(
        self,
        name: str,
        operator: Operator,
        servers: ReadingServers,
        faults: Armed,
        tls: HostTls,
        *,
        auth_before_tls: bool,
    ) -> None:
        self._name, self._operator, self._servers = name, operator, servers
        self._faults, self._tls, self._auth_before_tls = faults, tls, auth_before_tls

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
        if self._auth_before_tls:
            return tuple(it for it in able if it != "LOGINDISABLED")
        if self._servers.needs_tls:
            return tuple(it for it in able if it.split(" ")[0] not in _LOG_INS)
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
        return self._bar(mailbox, by_token=credentials.by_token)

    def _bar(self, mailbox: Mailbox, *, by_token: bool) -> tuple[str, str] | None:
        """The condition by which a user with the right credentials is refused, and why."""
        account = mailbox.account
        if mailbox.disabled:
            return "account_disabled", f"{mailbox.address} is disabled"
        if account.web_login_required and not by_token:
            return "web_login_required", f"{mailbox.address}: the owner has to log in in a browser first"
        if not (self._servers.lets_disabled_in or self._enabled(account)):
            return "reading_disabled", self._why_disabled(account)
        most = self._servers.connections
        if most and self._connected(account.address) >= most:
            return "too_many_connections", f"{mailbox.address} has {most} connections already"
        return None

    def _enabled(self, account: Account) -> bool:
        return account.imap_enabled if self._servers.protocol == "IMAP" else account.pop3_enabled

    def _why_disabled(self, account: Account) -> str:
        protocol = self._servers.protocol
        setting = f"mailbox.account.{protocol.lower()}_enabled"
        return f"{account.address} has {protocol} disabled: {setting} = False"

    def refusal(self, step: Step) -> str | None:
        """The condition by which a command of a user who has logged in is refused; None where it is not."""
        if step.verb in _NOT_OF_MAIL or (found := self._refusal(step)) is None:
            return None
        step.finding = Finding(*found)
        return found[0]

    def _refusal(self, step: Step) -> tuple[str, str] | None:
        servers, of_content = self._servers, step.verb in _OF_CONTENT
        if servers.needs_id and step.verb in _OPENS and "id" not in step.known:
            return "id_missing", "the client has not given ID (RFC 2971)"
        if not (of_content or servers.lets_disabled_in) or (account := self._account(step)) is None:
            return None
        if servers.lets_disabled_in and not self._enabled(account):
            return "reading_disabled", self._why_disabled(account)
        return self._exhausted(account, step) if of_content else None

    def _exhausted(self, account: Account, step: Step) -> tuple[str, str] | None:
        """The refusal of a user who has fetched as much as a day allows."""
        limit = account.daily_download
        if limit is None and not (limit := self._servers.daily_octets):
            return None
        since, octets = downloaded(account, self._servers.protocol)
        if octets < limit:
            return None
        left = since + timedelta(days=1) - self._operator.clock.now()
        step.details = {**step.details, "milliseconds": str(left // timedelta(milliseconds=1))}
        why = f"{octets} of {limit} octets a day since {since:%Y-%m-%d %H:%M:%S} UTC"
        return "bandwidth_exceeded", f"{account.address} has fetched {why}"

    def note_download(self, step: Step, octets: int) -> None:
        """Count what is sent of mails."""
        account = self._account(step)
        if account is not None:
            note_download(account, self._servers.protocol, octets)

    def opened(self, shut_down: Callable[[], object]) -> Callable[[], object]:
        """Note that a session has begun, so that a test can shut the server down; return what forgets it."""
        return self._operator.readers(self._servers.protocol).came(shut_down)

    def _account(self, step: Step) -> Account | None:
        """The account of the user who has logged in; None for one whom a test's own answer has let in."""
        if step.authenticated_as and _ACCOUNT not in step.known:  # looked up once: it is asked at each mail
            mailbox = self._mailbox(step.authenticated_as)
            step.known[_ACCOUNT] = None if mailbox is None else mailbox.account
        found: Account | None = step.known.get(_ACCOUNT)
        return found

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
