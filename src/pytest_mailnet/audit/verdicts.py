"""What is right and wrong about what an application says of a mail, held against what servers took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["MISTAKES", "Belief", "Judgement", "Rejected", "Taken", "Verdict", "judge"]


class Belief(StrEnum):
    """What an application believes of a mail to one recipient.

    SENT, DEFERRED and FAILED are as `MailNet.account_for` has them. NOT_SENT is an exception, or an exit
    status: the caller has to try again, or to give up. UNKNOWN is no word of the mail.
    """

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    NOT_SENT = "not sent"
    UNKNOWN = "no word"


class Verdict(StrEnum):
    """What came of a case, the worst first."""

    HUNG = "hung"
    LOST = "lost"
    DUPLICATED = "duplicated"
    TOLD_WRONG = "told wrong"
    REPEATED = "repeated"
    UNDECIDED = "undecided"
    DUPLICATES_POSSIBLE = "duplicates possible"
    RIGHT = "right"


MISTAKES = (Verdict.HUNG, Verdict.LOST, Verdict.DUPLICATED, Verdict.TOLD_WRONG, Verdict.REPEATED)
"""The verdicts that are an application's mistake."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that a server took.

    Attributes:
        recipients: whom RCPT named.
        heard: whether the reply after the dot went out unharmed.
        call: in which call of the application, from 0.
    """

    recipients: tuple[str, ...]
    heard: bool
    call: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A permanent refusal that the case has given.

    Attributes:
        recipients: whose mail it was.
        call: in which call of the application, from 0.
        text: the reply, in short.
        repeated: whether the same was asked for again afterwards, at the same host and in the same call.
    """

    recipients: tuple[str, ...]
    call: int
    text: str
    repeated: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and why.

    Attributes:
        verdict: the verdict.
        why: the reason in a sentence; "" for a right one.
        mistake: the mistake in short, the same in all cases that show it.
    """

    verdict: Verdict
    why: str = ""
    mistake: str = ""


def judge(
    believed: Mapping[str, Belief], taken: Sequence[Taken], refused: Sequence[Rejected], stuck: str = ""
) -> Judgement:
    """Judge what an application says of a mail in the end.

    Args:
        believed: what it believes of each recipient.
        taken: the mails that servers took, in order.
        refused: the permanent refusals.
        stuck: why a mail that was not sent should have been; "" if there is no reason.
    """
    found = [it for to, belief in believed.items() for it in _of_one(to, belief, taken, refused, stuck)]
    return min(found, key=lambda it: list(Verdict).index(it.verdict), default=Judgement(Verdict.RIGHT))


def _of_one(
    to: str, belief: Belief, taken: Sequence[Taken], refused: Sequence[Rejected], stuck: str
) -> Iterator[Judgement]:
    own = [it for it in taken if to in it.recipients]
    no = [it for it in refused if to in it.recipients]
    heard = [it.heard for it in own]
    if True in heard[:-1]:
        yield Judgement(
            Verdict.DUPLICATED,
            f"servers took the mail to {to} {len(own)} times, though the application got a yes before",
            "sends again after a yes",
        )
    elif len(own) > 1:
        yield Judgement(
            Verdict.DUPLICATES_POSSIBLE, f"servers took the mail to {to} {len(own)} times; the yes was lost"
        )
    for it in no:
        if it.repeated:
            yield Judgement(
                Verdict.REPEATED,
                f"it asked again for {to} after {it.text}, which is permanent (RFC 5321, 4.2.1)",
                "asks again after a permanent refusal",
            )
    yield from _told(to, belief, heard, no, stuck)


def _told(
    to: str, belief: Belief, heard: Sequence[bool], no: Sequence[Rejected], stuck: str
) -> Iterator[Judgement]:
    if belief is Belief.SENT and not heard:
        why = f"it says that the mail to {to} is sent, and no server took it"
        yield Judgement(Verdict.LOST, why, "says sent of what nobody took")
    elif belief in {Belief.FAILED, Belief.NOT_SENT, Belief.DEFERRED} and True in heard:
        why = f"it says {belief} of the mail to {to}, which a server took with a yes that it got"
        yield Judgement(Verdict.TOLD_WRONG, why, f"says {belief} of what a server took")
    elif belief is not Belief.SENT and heard and True not in heard:
        why = f"a server took the mail to {to}, and its yes was lost (RFC 1047)"
        yield Judgement(Verdict.DUPLICATES_POSSIBLE, why)
    elif belief is Belief.DEFERRED and no:
        why = f"it says deferred of the mail to {to}, which was refused for good with {no[-1].text}"
        yield Judgement(Verdict.TOLD_WRONG, why, "says deferred of a permanent refusal")
    elif belief is Belief.UNKNOWN and not heard and not no:
        why = f"it has no word of the mail to {to}, and no server took it"
        yield Judgement(Verdict.LOST, why, "has no word of what nobody took")
    elif stuck and not heard and not no and belief is not Belief.FAILED:
        yield Judgement(Verdict.LOST, stuck, "does not recover")
