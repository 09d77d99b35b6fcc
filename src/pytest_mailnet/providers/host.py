"""A host: a name with addresses, and what its mail server says and takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_mailnet.extensions import Extensions
from pytest_mailnet.model import Envelope, Reply, Stage
from pytest_mailnet.providers.variables import VARIABLES, Circumstances

if TYPE_CHECKING:
    from pytest_mailnet.providers.provider import Provider
    from pytest_mailnet.step import HangUp, Step

__all__ = ["Host"]


class Host:
    """One machine of a provider. What it says and decides is the provider's; what it offers is its own.

    Attributes:
        name: its host name.
        addresses: its IP addresses.
        ports: what it listens on.
        extensions: what it offers in reply to EHLO; take one away with `discard`.
        helo_only: whether it is so old that EHLO is an unknown command to it.
        refusing: whether connections to it are refused.
    """

    __slots__ = ("addresses", "extensions", "helo_only", "name", "ports", "provider", "refusing")

    def __init__(self, name: str, provider: Provider, ports: tuple[int, ...]) -> None:
        self.name = name
        self.provider = provider
        self.addresses: tuple[str, ...] = ()
        self.ports = ports
        self.extensions = Extensions(provider.facts.extensions)
        self.helo_only = False
        self.refusing = False

    def refuse_connections(self) -> None:
        """Let every connection fail as where nothing listens (ECONNREFUSED)."""
        self.refusing = True

    def accept_connections(self) -> None:
        """Take connections again."""
        self.refusing = False

    @property
    def hostname(self) -> str:
        """The name that its mail server goes by."""
        return self.name

    def phrase(self, condition: str) -> Reply:
        """The provider's reply for a condition."""
        return self.provider.phrase(condition)

    def extension_lines(self) -> tuple[str, ...] | None:
        """What follows the first line of its EHLO reply; None where it does not know EHLO."""
        return None if self.helo_only else self.extensions.lines

    def decide(self, stage: Stage, step: Step) -> Reply | HangUp | None:
        """The provider's answer at a stage; None lets the session go on."""
        return self.provider.decide(stage, step)

    def deliver(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Hand a mail to the provider."""
        self.provider.deliver(step, envelope, content)

    def failed(self, error: Exception, stage: Stage, step: Step) -> None:
        """Tell the test of an exception in a rule or in its own predicate."""
        self.provider.failed(error, stage, step)

    def value_of(self, step: Step, variable: str) -> str:
        """What stands for a variable of a reply in this session."""
        made = VARIABLES.get(variable)
        if made is None:  # a text of the test's own may have braces in it
            return "{" + variable + "}"
        provider = self.provider
        return made(Circumstances(step, provider.facts.queue_id, provider.random, provider.clock))

    def __repr__(self) -> str:
        return f"<Host {self.name} {' '.join(self.addresses)}>"
