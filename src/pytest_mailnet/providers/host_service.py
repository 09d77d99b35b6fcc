"""A host at work: what it offers, what goes wrong on its connections, and what its operator says there."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pytest_mailnet.addresses import IMPLICIT_TLS_PORTS
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.faults import DnsFault, Fault, fault_named
from pytest_mailnet.faults.armed import Armed
from pytest_mailnet.faults.fault import OF_A_HANDSHAKE
from pytest_mailnet.providers.facts import Submission
from pytest_mailnet.providers.tls import HostTls
from pytest_mailnet.server.connection import Connection, Service
from pytest_mailnet.server.smtp_server import MailService
from pytest_mailnet.smtp.extensions import Extensions
from pytest_mailnet.system.native import Lock
from pytest_mailnet.values import Envelope, Reply, Stage

if TYPE_CHECKING:
    import ssl

    from pytest_mailnet.certificates import Authority, Certificate
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.providers.operator import Operator
    from pytest_mailnet.server.handler_service import Handling
    from pytest_mailnet.smtp.state import HangUp, Step

__all__ = ["HostService"]

_NEEDED = {Stage.STARTTLS: "STARTTLS", Stage.AUTH: "AUTH"}


class HostService:
    """One machine of an operator, as mail servers ask it; a test holds the `Host` in front of it.

    Args:
        name: its host name.
        operator: whose machine it is. What it says and decides is the operator's.
        authority: signs its certificates.
        faults_lock: of the net's faults.

    Attributes:
        decisions: what it answers by.
        addresses: its IP addresses.
        ports: what it listens on; 465 is for TLS from the first byte on (RFC 8314, 3.3).
        helo_only: whether it is so old that EHLO is an unknown command to it.
        extensions: what it offers in reply to EHLO.
        tls: how it encrypts, and what is wrong with it.
        faults: what goes wrong on its connections.
        handling: who serves it in place of the net; None for the net.
    """

    def __init__(self, name: str, operator: Operator, authority: Authority, faults_lock: Lock) -> None:
        submission = operator.facts.submission
        self._known = submission if submission is not None and name in submission.hosts else operator.facts
        self.name, self.operator = name, operator
        self.decisions = operator.decisions_at(name)
        self.addresses: tuple[str, ...] = ()
        self.ports = self._known.ports
        self.helo_only = False
        self.extensions = Extensions(self._known.extensions)
        self.tls = HostTls(name, authority)
        self.faults = Armed(faults_lock)
        self.handling: Handling | None = None

    @property
    def challenges_tokens(self) -> bool:
        """Whether it tells in a challenge, before the reply, what is wrong with a token (RFC 7628, 3.2.2)."""
        return not isinstance(self._known, Submission) or self._known.challenges_tokens

    def service(self, departed: Callable[[Connection], None], drawn: Fault | None = None) -> Service:
        """What serves one connection to one of its ports; 465 begins with TLS.

        Args:
            departed: told of the connection when it is gone.
            drawn: what the connection meets besides the host's own faults.
        """
        name, journal = self.operator.name, self.operator.journal
        if self.handling is None:
            return MailService(self, name, journal, departed, drawn)
        from pytest_mailnet.server.handler_service import HandlerService  # noqa: PLC0415  # with aiosmtpd

        return HandlerService(self, name, journal, departed, drawn, self.handling)

    def settle_at(self, addresses: Iterable[str]) -> None:
        """Give it its addresses, which have been claimed for it."""
        self.addresses = tuple(addresses)

    def check(self, fault: Fault | DnsFault | str) -> Fault:
        """A fault by name, if connections to this host can meet it.

        Raises:
            UnknownName: if there is no such fault; names the near misses.
            InvalidSetting: if it happens to a domain, or no connection to this host comes to its stage.
        """
        known = fault_named(fault)
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

    def fail(self, fault: Fault | DnsFault | str, times: int | None) -> None:
        """Let something go wrong on its connections, as `Host.fail` tells."""
        self.faults.add(self.check(fault), times)

    def can_meet(self, fault: Fault) -> bool:
        """Whether a connection to this host comes to the fault's stage."""
        return self._why_not(fault) is None

    def _why_not(self, fault: Fault) -> str | None:
        needed = _NEEDED.get(fault.stage)
        if needed is None or (fault.manner in OF_A_HANDSHAKE and IMPLICIT_TLS_PORTS.intersection(self.ports)):
            return None
        if self.helo_only:
            return "the host knows no EHLO; .helo_only = False teaches it"
        if needed not in self.extensions:
            return f"the host does not offer {needed}; .extensions.add(...) offers it"
        if needed == "STARTTLS" and self.tls.stripped:
            return "its STARTTLS is stripped; .tls.valid() offers it again"
        return None

    def unreachable(self, port: int, drawn: Fault | None = None) -> tuple[int, str] | None:
        """With which error a connection to a port fails, and why; None if there is somebody to answer.

        Args:
            port: which.
            drawn: what this connection meets besides the host's own faults.
        """
        fault = self.faults.with_drawn(drawn).dial()
        if fault is not None:
            return fault[0], f"{self.name}: {fault[1]}"
        if port not in self.ports:
            listening = ", ".join(map(str, self.ports))
            return errno.ECONNREFUSED, f"{self.name} does not listen on port {port}, only on {listening}"
        return None

    @property
    def clock(self) -> Clock:
        """The net's."""
        return self.operator.clock

    @property
    def hostname(self) -> str:
        """The name that its mail server goes by."""
        return self.name

    def phrase(self, condition: str) -> Reply:
        """The reply for a condition."""
        return self.decisions.phrase(condition)

    def extension_lines(self, step: Step) -> tuple[str, ...] | None:
        """What follows the first line of its EHLO reply; None where it does not know EHLO."""
        if self.helo_only:
            return None
        without_starttls = step.tls or step.stripped or self.tls.stripped
        in_the_clear = self._known.auth_before_tls and not self.tls.required
        return self.extensions.lines_for(tls=without_starttls, auth=step.tls or in_the_clear)

    @property
    def certificate(self) -> Certificate:
        """What it shows to who wants to encrypt."""
        return self.tls.certificate

    def tls_context(self, certificate: Certificate) -> ssl.SSLContext:
        """What it shakes hands with to show a certificate."""
        return self.tls.context(certificate)

    def user_of(self, identity: str) -> str:
        """The address of the account that logs in by a name; the name itself where there is none."""
        account = self.operator.account_of(identity)
        return identity if account is None else account.address

    def decide(self, stage: Stage, step: Step) -> Reply | HangUp | None:
        """The operator's answer at a stage; None lets the session go on."""
        if self.tls.required and not step.tls and stage is Stage.MAIL:
            return self.phrase("starttls_required")
        return self.decisions.decide(stage, step, self.operator)

    def deliver(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Hand a mail to the operator; one that a handler has taken is only recorded."""
        deliver = self.operator.deliver if self.handling is None else self.operator.note_taken
        deliver(step, envelope, content)

    def failed(self, error: Exception, stage: Stage | None, step: Step, told: str | None = None) -> None:
        """Tell the test of an exception in a rule, in its own predicate or in a handler."""
        self.operator.failed(error, stage, step, told)

    def value_of(self, step: Step, variable: str) -> str:
        """What stands for a variable of a reply in this session."""
        return self.operator.value_of(step, variable)
