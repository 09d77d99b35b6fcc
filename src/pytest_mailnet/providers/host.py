"""A host: a name with addresses, and what its mail server says and takes."""

from __future__ import annotations

import email.utils
import itertools
import string
from typing import TYPE_CHECKING

from pytest_mailnet.extensions import Extensions
from pytest_mailnet.model import Envelope, Reply, Stage

if TYPE_CHECKING:
    from random import Random

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
        now = self.provider.clock.now()
        match variable:
            case "queue_id":
                if not step.queue_id:
                    step.queue_id = _made_like(self.provider.facts.queue_id, self.provider.random)
                return step.queue_id
            case "ip":
                return step.client.ip
            case "server":
                return self.name
            case "helo":
                return step.helo
            case "sender":
                return step.reverse_path or ""
            case "recipient":
                return step.recipient or ""
            case "domain":
                return (step.recipient or "").rpartition("@")[2]
            case "epoch":
                return str(int(now.timestamp()))
            case "date":
                return email.utils.format_datetime(now)
            case "iso_date":
                return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"
            case "message_id":
                return _message_id(step) or f"{_made_like('%' * 16, self.provider.random)}@{self.name}"
            case "size":
                return str(len(step.content or b""))
            case "internal_id":
                return _made_like("#" * 14, self.provider.random)
            case "seconds":
                return "0.105"
            case "rate":
                return f"{len(step.content or b'') / 1024 / 0.105:.3f}"
            case _:  # a text of the test's own may have braces in it
                return "{" + variable + "}"

    def __repr__(self) -> str:
        return f"<Host {self.name} {' '.join(self.addresses)}>"


_KINDS = {"#": string.digits, "@": string.ascii_lowercase, "%": "0123456789abcdef"}


def _made_like(form: str, random: Random) -> str:
    made: list[str] = []
    for sign, run in itertools.groupby(form):
        length = len(list(run))
        made += random.choices(_KINDS[sign], k=length) if sign in _KINDS else sign * length
    return "".join(made)


def _message_id(step: Step) -> str | None:
    for line in (step.content or b"").partition(b"\r\n\r\n")[0].split(b"\r\n"):
        if line[:11].lower() == b"message-id:":
            return line[11:].strip(b" \t<>").decode("ascii", "replace")
    return None
