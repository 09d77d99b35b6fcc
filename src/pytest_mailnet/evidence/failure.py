"""What evidence tells: one mail that did not get to one recipient."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pytest_mailnet.evidence.replies import code_of, enhanced_of
from pytest_mailnet.printable import printable
from pytest_mailnet.values import Stage

__all__ = ["Failure", "NoFailure", "Outcome"]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One failed recipient; None, or empty, is what the evidence does not tell.

    Attributes:
        recipient: whom the mail was for: the address that the failing server was given.
        sender: its reverse-path; "" for the null sender.
        host: the server that said no, or did not answer, by name.
        address: its IP address.
        stage: where in the session.
        stage_rule: by which rule the stage was inferred; None where the evidence tells it.
        reply: the SMTP reply to the letter, a line each, with their codes.
        status: the enhanced status code that stands beside the reply: a report's Status field, say.
        action: whether the mail was given up or waits for another try, where the evidence says so.
        fault: the id of one of `pytest_mailnet.faults.FAULTS`, where no server has replied.
        words: what the evidence says, where there is no reply in it.
        file: where it stands.
    """

    recipient: str | None = None
    sender: str | None = None
    host: str | None = None
    address: str | None = None
    stage: Stage | None = None
    stage_rule: str | None = None
    reply: tuple[str, ...] = ()
    status: str | None = None
    action: Literal["failed", "delayed"] | None = None
    fault: str | None = None
    words: str = ""
    file: str = ""

    @functools.cached_property
    def code(self) -> int | None:
        """The reply code."""
        return code_of(self.reply[0]) if self.reply else None

    @functools.cached_property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 3463): the reply's own, or the one that stands beside it."""
        return enhanced_of(self.reply) or self.status

    @property
    def permanent(self) -> bool | None:
        """Whether it makes no sense to try again: by the code, the enhanced one, or what was done."""
        if self.code is not None:
            return self.code >= 500
        if self.enhanced is not None:
            return self.enhanced.startswith("5")
        return None if self.action is None else self.action == "failed"

    def completed_by(self, other: Failure) -> Failure:
        """The same, with what only the other knows; a stage that is told goes before one that is inferred."""
        changes = {
            it.name: getattr(other, it.name)
            for it in dataclasses.fields(self)
            if getattr(self, it.name) in (None, (), "") and getattr(other, it.name) not in (None, (), "")
        }
        if self.stage_rule is not None and other.stage is not None and other.stage_rule is None:
            changes |= {"stage": other.stage, "stage_rule": None}
        elif self.stage is not None:
            changes.pop("stage_rule", None)
        return dataclasses.replace(self, **changes) if changes else self


@dataclass(frozen=True, slots=True)
class NoFailure:
    """A piece of evidence in which no failure was found.

    Attributes:
        file: where it stands.
        found: what it seems to be.
        missing: what would have told a failure.
        subject: of a mail; "" where it has none.
        unread: whether it could not be read at all.
    """

    file: str
    found: str
    missing: str
    subject: str = ""
    unread: bool = False

    def __str__(self) -> str:
        subject = f" with the subject {self.subject!r}" if self.subject else ""
        return printable(f"{self.file}: {self.found}{subject}; {self.missing}")


Outcome: TypeAlias = Failure | NoFailure
"""What comes of a piece of evidence: failed recipients, or one word that there are none."""
