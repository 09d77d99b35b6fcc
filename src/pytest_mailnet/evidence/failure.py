"""The result of reading evidence: one mail that did not reach one recipient."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pytest_mailnet.evidence.replies import code_of, enhanced_of
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.printable import printable
from pytest_mailnet.values import Stage

__all__ = ["Failure", "NoFailure", "Outcome"]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One failed recipient; a field is None, or empty, if the evidence does not say.

    Attributes:
        recipient: the recipient's address, as it was given to the server that refused.
        original: the address that the sender wrote to, if a server has put `recipient` in its place, such as
            for an alias or a forward (RFC 3464, 2.3.1).
        sender: the reverse-path; "" for the null sender.
        host: the name of the server that refused, or did not answer.
        address: the IP address of that server.
        stage: the stage of the session at which it failed.
        stage_rule: the rule by which the stage was inferred; None if the evidence states the stage.
        reply: the SMTP reply to the letter: its lines, with their codes.
        status: the enhanced status code given beside the reply, such as a report's Status field.
        action: "failed" if the mail was given up, "delayed" if it will be tried again.
        fault: the id of one of `pytest_mailnet.FAULTS`, if no server replied.
        words: the text of the evidence, if it has no reply in it.
        file: the name of the file or mail that the evidence is in.
        read_as: what the evidence was read as, each with an article: "a Postfix bounce"; two where one
            reader's result was completed by another's.
        left_out: what of the evidence was not read on the way to it: "12 lines not quoted", "1.4 MiB of a
            long part".
    """

    recipient: str | None = None
    original: str | None = None
    sender: str | None = None
    host: str | None = None
    address: str | None = None
    stage: Stage | None = None
    stage_rule: str | None = None
    reply: tuple[str, ...] = ()
    status: str | None = None
    action: Literal["failed", "delayed"] | None = None
    fault: FaultName | None = None
    words: str = ""
    file: str = ""
    read_as: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    left_out: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    @functools.cached_property
    def code(self) -> int | None:
        """The reply code."""
        return code_of(self.reply[0]) if self.reply else None

    @functools.cached_property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 3463): the reply's own, or else `status`."""
        return enhanced_of(self.reply) or self.status

    @property
    def permanent(self) -> bool | None:
        """Whether trying again is useless: by the code, or else the enhanced one, or else `action`."""
        if self.code is not None:
            return self.code >= 500
        if self.enhanced is not None:
            return self.enhanced.startswith("5")
        return None if self.action is None else self.action == "failed"

    def completed_by(self, other: Failure) -> Failure:
        """Fill the empty fields of this failure from another, in a copy.

        A stage that the other's evidence states replaces an inferred one.
        """
        changes = {
            it.name: getattr(other, it.name)
            for it in dataclasses.fields(self)
            if it.name not in ("read_as", "left_out")
            and getattr(self, it.name) in (None, (), "")
            and getattr(other, it.name) not in (None, (), "")
        }
        if self.stage_rule is not None and other.stage is not None and other.stage_rule is None:
            changes |= {"stage": other.stage, "stage_rule": None}
        elif self.stage is not None:
            changes.pop("stage_rule", None)
        if not changes:
            return self
        also = tuple(it for it in other.read_as if it not in self.read_as)
        return dataclasses.replace(self, **changes, read_as=self.read_as + also)


@dataclass(frozen=True, slots=True)
class NoFailure:
    """A piece of evidence in which no failure was found.

    Attributes:
        file: the name of the file, or of the mail in it.
        found: what kind of evidence it seems to be.
        missing: why there is no failure in it.
        subject: the subject, if it is a mail; "" if there is none.
        unread: whether it could not be read at all.
        left_out: what of it was not read, as `Failure.left_out` has it.
    """

    file: str
    found: str
    missing: str
    subject: str = ""
    unread: bool = False
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        subject = f" with the subject {self.subject!r}" if self.subject else ""
        told = f"{self.file}: {self.found}{subject}; {self.missing}"
        return printable(f"{told}; left out: {'; '.join(self.left_out)}" if self.left_out else told)


Outcome: TypeAlias = Failure | NoFailure
"""One result of reading evidence: a failed recipient, or the statement that there is none."""
