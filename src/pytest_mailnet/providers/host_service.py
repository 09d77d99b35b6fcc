"""A host at work: its extensions and ports, its faults, and its operator's decisions."""

from __future__ import annotations

import errno
import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

from pytest_mailnet.addresses import IMPLICIT_TLS_PORTS, LMTP_PORTS
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.faults import DnsFault, Fault, Manner, fault_named
from pytest_mailnet.faults.armed import Armed
from pytest_mailnet.faults.disruption import Disruption
from pytest_mailnet.faults.fault import OF_A_HANDSHAKE
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.providers.facts import Submission
from pytest_mailnet.providers.tls import HostTls
from pytest_mailnet.server.connection import Connection, Service
from pytest_mailnet.smtp.extensions import Extensions
from pytest_mailnet.system.native import Lock
from pytest_mailnet.values import OF_READING, Envelope, Reply, Stage

if TYPE_CHECKING:
    import ssl

    from pytest_mailnet.certificates import Authority, Certificate
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.providers.decisions import Decisions
    from pytest_mailnet.providers.operator import Operator
    from pytest_mailnet.providers.reading_facts import ReadingServers
    from pytest_mailnet.server.passing_service import Decider
    from pytest_mailnet.smtp.manners import Manners
    from pytest_mailnet.smtp.state import HangUp, Step

__all__ = ["HostService"]

_NEEDED = {Stage.STARTTLS: "STARTTLS", Stage.AUTH: "AUTH"}


class HostService:
    """One machine of an operator, as its mail server uses it. Tests see it through `Host`.

    Args:
        name: its host name.
        operator: the operator that runs it, and decides its replies.
        authority: signs its certificates.
        faults_lock: guards the net's faults.

    Attributes:
        decisions: the script, rules and phrasebook that it answers by.
        addresses: its IP addresses.
        ports: the ports that it listens on.
        helo_only: whether it is so old that EHLO is an unknown command to it.
        auth_before_tls: whether it takes log-ins in the clear.
        faults: the faults of its connections.
        decider: who decides its conversations in place of the net; None for the net.
        opened: called with ports that it listens on from now on.
    """

    _extensions: Extensions | None = None
    _tls: HostTls | None = None
    _tls_ports: tuple[int, ...] | None
    _lmtp_ports: tuple[int, ...] | None = None

    def __init__(self, name: str, operator: Operator, authority: Authority, faults_lock: Lock) -> None:
        submission = operator.facts.submission
        self._known = submission if submission is not None and name in submission.hosts else operator.facts
        self.name: str = name
        self.operator: Operator = operator
        self.decisions: Decisions = operator.decisions_at(name)
        self.addresses: tuple[str, ...] = ()
        self.ports: tuple[int, ...] = self._known.ports
        self._tls_ports = self._known.tls_ports
        self.helo_only: bool = False
        self.auth_before_tls: bool = self._known.auth_before_tls
        self._authority = authority
        self.faults: Armed = Armed(faults_lock)
        self.decider: Decider | None = None
        self.opened: Callable[[Iterable[int]], object] = tuple

    # Made at first use, to which few hosts come. Two threads may both make one; `setdefault` keeps the first.
    @property
    def extensions(self) -> Extensions:
        """The extensions that it offers in reply to EHLO."""
        if self._extensions is None:
            vars(self).setdefault("_extensions", Extensions(self._known.extensions))
        return cast("Extensions", self._extensions)

    @property
    def tls(self) -> HostTls:
        """How it encrypts, and what is wrong with that."""
        if self._tls is None:
            vars(self).setdefault("_tls", HostTls(self.name, self._authority))
        return cast("HostTls", self._tls)

    @property
    def tls_ports(self) -> tuple[int, ...]:
        """Those of its ports at which TLS begins with the first byte (RFC 8314, 3.3)."""
        return tuple(filter(self.begins_with_tls, self.ports))

    @tls_ports.setter
    def tls_ports(self, ports: tuple[int, ...]) -> None:
        self._tls_ports = ports

    @property
    def lmtp_ports(self) -> tuple[int, ...]:
        """Those of its ports at which it speaks LMTP (RFC 2033)."""
        return tuple(filter(self.speaks_lmtp, self.ports))

    @lmtp_ports.setter
    def lmtp_ports(self, ports: tuple[int, ...]) -> None:
        self._lmtp_ports = ports

    def begins_with_tls(self, port: int) -> bool:
        """Whether TLS begins with the first byte at one of its ports."""
        return port in (IMPLICIT_TLS_PORTS if self._tls_ports is None else self._tls_ports)

    def speaks_lmtp(self, port: int) -> bool:
        """Whether it speaks LMTP at one of its ports."""
        return port in (LMTP_PORTS if self._lmtp_ports is None else self._lmtp_ports)

    @property
    def challenges_tokens(self) -> bool:
        """Whether it explains a refused token in a challenge before the reply (RFC 7628, 3.2.2)."""
        return not isinstance(self._known, Submission) or self._known.challenges_tokens

    def service(
        self, port: int, departed: Callable[[Connection], None], drawn: Fault | None = None
    ) -> Service:
        """Make the service for one connection to one of its ports; at one of `tls_ports` it begins with TLS.

        Args:
            port: the port.
            departed: called with the connection when it is gone.
            drawn: a fault of this connection besides the host's own; None for none.
        """
        name, journal = self.operator.name, self.operator.journal
        servers = self._read_at(port)
        if servers is not None:
            from pytest_mailnet.providers.reading_service import ReadingService  # noqa: PLC0415  # few tests read mail
            from pytest_mailnet.server.reading_server import ImapService, Pop3Service  # noqa: PLC0415  # as above

            kind = ImapService if servers.protocol == "IMAP" else Pop3Service
            reads = ReadingService(
                self.name,
                self.operator,
                servers,
                self.faults,
                self.tls,
                auth_before_tls=self.auth_before_tls,
            )
            return kind(reads, name, journal, departed, drawn)
        if self.decider is None:
            from pytest_mailnet.server.smtp_server import MailService  # noqa: PLC0415  # with all of SMTP

            return MailService(self, name, journal, departed, drawn)
        from pytest_mailnet.server.passing_service import PassingService  # noqa: PLC0415  # as above

        return PassingService(self, name, journal, departed, drawn, self.decider)

    def _read_at(self, port: int) -> ReadingServers | None:
        """The servers at one of its ports where mail is read; None for a port where it is handed in."""
        return None if port in self.ports else self.operator.reading.at(self.name, port)

    @property
    def all_ports(self) -> tuple[int, ...]:
        """The ports at which it listens, those where mail is read too."""
        read = (port for it in self.operator.reading.servers if self.name in it.hosts for port in it.ports)
        return tuple(sorted({*self.ports, *read}))

    def listen_on(self, ports: tuple[int, ...]) -> None:
        """Set the ports that it listens on."""
        self.ports = ports
        self.opened(ports)

    def settle_at(self, addresses: Iterable[str]) -> None:
        """Set its addresses, which have been claimed for it already."""
        self.addresses = tuple(addresses)

    def check(self, fault: FaultName | Fault | DnsFault, seconds: float | None = None) -> Fault:
        """A fault by name, if connections to this host can meet it.

        Args:
            fault: the fault, or its id.
            seconds: how late a late reply comes; None for the usual time.

        Raises:
            UnknownName: if there is no such fault; names the near misses.
            InvalidSetting: for a fault of a domain, or if no connection to this host comes to its stage.
        """
        known = fault_named(fault, seconds)
        if isinstance(known, DnsFault):
            raise InvalidSetting(
                f"{self.name}.fail({known.id!r}): that happens to a domain, not to a host: "
                f"mailnet.fail('shop.example', {known.id!r})"
            )
        reason = self._why_not(known)
        if reason is not None:
            raise InvalidSetting(
                f"{self.name}.fail({known.id!r}): no connection comes to {known.stage.upper()}, "
                f"since {reason}"
            )
        return known

    def fail(
        self, fault: FaultName | Fault | DnsFault, times: int | None, seconds: float | None = None
    ) -> Disruption:
        """Let a fault happen on its connections; see `Host.fail`."""
        known = self.check(fault, seconds)
        self.faults.add(known, times)
        return Disruption(f"{known.id} at {self.name}", functools.partial(self.faults.end, known))

    def can_meet(self, fault: Fault, port: int) -> bool:
        """Whether a connection to a port of this host comes to the fault's stage."""
        servers = self._read_at(port)
        return self._why_not(fault) is None if servers is None else _reading_why_not(fault, servers) is None

    def _why_not(self, fault: Fault) -> str | None:
        if fault.stage in OF_READING or not self.ports:
            servers = [it for it in self.operator.reading.servers if self.name in it.hosts]
            why = [_reading_why_not(fault, it) for it in servers]
            return None if None in why else next(iter(why), "no mail is read there")
        needed = _NEEDED.get(fault.stage)
        if needed is None or (fault.manner in OF_A_HANDSHAKE and self.tls_ports):
            return None
        if self.helo_only:
            return "the host knows no EHLO; .helo_only = False teaches it"
        if needed not in self.extensions:
            return f"the host does not offer {needed}; .extensions.add(...) offers it"
        if needed == "STARTTLS" and self.tls.stripped:
            return "its STARTTLS is stripped; .tls.valid() offers it again"
        return None

    def unreachable(self, port: int, drawn: Fault | None = None) -> tuple[int, str] | None:
        """Why a connection to a port fails.

        Args:
            port: the port.
            drawn: a fault of this connection besides the host's own; None for none.

        Returns:
            The errno, and the cause in words; None if the connection succeeds.
        """
        fault = self.faults.with_drawn(drawn).dial()
        if fault is not None:
            return fault[0], f"{self.name}: {fault[1]}"
        if port not in self.ports and self._read_at(port) is None:
            listening = ", ".join(map(str, self.all_ports))
            return errno.ECONNREFUSED, f"{self.name} does not listen on port {port}, only on {listening}"
        return None

    @property
    def clock(self) -> Clock:
        """The net's clock."""
        return self.operator.clock

    @property
    def idle_seconds(self) -> int:
        """How long a client may be silent, in seconds."""
        return self.manners.idle_seconds

    @property
    def hostname(self) -> str:
        """The name that its mail server gives in replies."""
        return self.name

    @property
    def manners(self) -> Manners:
        """How it holds its conversations."""
        return self.operator.facts.manners

    def phrase(self, condition: str) -> Reply:
        """The reply for a condition."""
        return self.decisions.phrasebook[condition].reply

    def extension_lines(self, step: Step) -> tuple[str, ...] | None:
        """The lines after the first of its EHLO reply; None if it does not know EHLO."""
        if self.helo_only:
            return None
        without_starttls = step.tls or step.stripped or self.tls.stripped
        in_the_clear = self.auth_before_tls and not self.tls.required
        return self.extensions.lines_for(tls=without_starttls, auth=step.tls or in_the_clear)

    @property
    def certificate(self) -> Certificate:
        """The certificate that it shows."""
        return self.tls.certificate

    def tls_context(self, certificate: Certificate) -> ssl.SSLContext:
        """The context for handshakes that show a certificate."""
        return self.tls.context(certificate)

    def user_of(self, identity: str) -> str:
        """The address of the account that logs in by a name; the name itself without such an account."""
        account = self.operator.account_of(identity)
        return identity if account is None else account.address

    def has_mailbox(self, address: str) -> bool | None:
        """Whether the operator has a mailbox for an address; None for one of somebody else's domains."""
        full = self.operator.register.in_full(address)
        if not self.operator.is_local(full.rpartition("@")[2]):
            return None
        return self.operator.mailbox_of(full) is not None

    def decide(self, stage: Stage, step: Step) -> Reply | HangUp | None:
        """The operator's answer at a stage; None lets the session go on."""
        if stage is Stage.MAIL and not step.tls and self.tls.required:
            return self.phrase("starttls_required")
        return self.decisions.decide(stage, step, self.operator)

    def deliver(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Hand a mail to the operator; a mail that somebody else has taken is only recorded."""
        deliver = self.operator.deliver if self.decider is None else self.operator.note_taken
        deliver(step, envelope, content)

    def failed(self, error: Exception, stage: Stage | None, step: Step, told: str | None = None) -> None:
        """Record an exception of a rule, a predicate or a handler, which fails the test."""
        self.operator.failed(error, stage, step, told)

    def value_of(self, step: Step, variable: str) -> str:
        """The value of a reply's variable in this session."""
        return self.operator.value_of(step, variable)


def _reading_why_not(fault: Fault, servers: ReadingServers) -> str | None:
    """Why no connection to servers where mail is read comes to a fault's stage; None if one does."""
    if fault.manner is Manner.STRIPPED and set(servers.ports) == set(servers.tls_ports):
        return "TLS begins with the first byte there"
    if fault.manner in {Manner.EARLY, Manner.MISCONTINUED} or fault.stage not in _READING[servers.protocol]:
        return f"{servers.protocol} is spoken there"
    return None


_OF_BOTH = {Stage.CONNECT, Stage.STARTTLS, Stage.AUTH, Stage.NOOP, Stage.QUIT}
_READING = {"IMAP": {*_OF_BOTH, *OF_READING}, "POP3": {*_OF_BOTH, Stage.FETCH}}
