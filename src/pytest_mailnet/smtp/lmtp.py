"""What LMTP has of its own after the final dot: a reply for each recipient (RFC 2033, 4.2)."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from pytest_mailnet.smtp.state import NO_DETAILS, agreed
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.record.session import Finding
    from pytest_mailnet.smtp.dialogue import Dialogue
    from pytest_mailnet.smtp.service import Answer
    from pytest_mailnet.values import Fate

__all__ = ["answer_each", "take_for_each"]


class _Verdict(NamedTuple):
    """What is answered for one recipient."""

    recipient: str
    options: tuple[str, ...]
    answer: Answer = None
    finding: Finding | None = None
    details: Mapping[str, str] = NO_DETAILS
    delay: float = 0.0
    fate: Fate | None = None


def take_for_each(dialogue: Dialogue, content: bytes) -> bytes:
    """Decide about a complete mail for each recipient, deliver it to those accepted, and reply to each.

    It is one message for all of them to whom the same is to happen.

    Args:
        dialogue: the conversation.
        content: the mail.

    Returns:
        The first reply; the others are owed.
    """
    step = dialogue.step
    step.content = content
    verdicts = [_decided(dialogue, to, its) for to, its in _named(dialogue)]
    yes = [number for number, it in enumerate(verdicts) if agreed(it.answer)]
    for fate in dict.fromkeys(verdicts[number].fate for number in yes):
        alike = [number for number in yes if verdicts[number].fate == fate]
        step.recipients = [verdicts[number].recipient for number in alike]
        step.rcpt_options = [verdicts[number].options for number in alike]
        all_of_them = frozenset(range(len(alike)))
        step.fate = None if fate is None else dataclasses.replace(fate, recipients=all_of_them)
        failure = dialogue.deliver(content)
        for number in alike if failure is not None else ():
            verdicts[number] = verdicts[number]._replace(answer=failure)
        if step.finding is not None:
            verdicts[alike[0]] = verdicts[alike[0]]._replace(finding=step.finding)
            step.finding = None
    step.messages += bool(yes)
    return _owe(dialogue, verdicts, content, "ok_queued")


def answer_each(dialogue: Dialogue, request: bytes, answer: Answer, condition: str) -> bytes:
    """Give each recipient the same reply to a mail that is not taken.

    Args:
        dialogue: the conversation.
        request: the content, or the command that had it.
        answer: the service's own answer; None for the usual reply.
        condition: a key of the phrasebook, for the usual reply.

    Returns:
        The first reply; the others are owed.
    """
    step = dialogue.step
    why = step.finding, step.details, step.delay
    verdicts = [_Verdict(to, its, answer, *why) for to, its in _named(dialogue)]
    return _owe(dialogue, verdicts, request, condition)


def _named(dialogue: Dialogue) -> list[tuple[str, tuple[str, ...]]]:
    return list(zip(dialogue.step.recipients, dialogue.step.rcpt_options, strict=True))


def _decided(dialogue: Dialogue, recipient: str, options: tuple[str, ...]) -> _Verdict:
    step = dialogue.step
    step.recipients, step.rcpt_options = [recipient], [options]
    answer = dialogue.decide(Stage.MESSAGE)
    verdict = _Verdict(recipient, options, answer, step.finding, step.details, step.delay, step.fate)
    step.finding, step.details, step.delay, step.fate = None, NO_DETAILS, 0.0, None
    return verdict


def _owe(dialogue: Dialogue, verdicts: list[_Verdict], request: bytes, condition: str) -> bytes:
    # The record has the content once, in the exchange of the first reply.
    dialogue.owed = [
        functools.partial(_say, dialogue, verdict, b"" if number else request, condition)
        for number, verdict in enumerate(verdicts)
    ]
    return dialogue.further()


def _say(dialogue: Dialogue, verdict: _Verdict, request: bytes, condition: str) -> bytes:
    step = dialogue.step
    step.recipients, step.rcpt_options = [verdict.recipient], [verdict.options]
    step.finding, step.details, step.delay = verdict.finding, verdict.details, verdict.delay
    said = dialogue.answer(Stage.MESSAGE, request, verdict.answer, condition)
    if not dialogue.owed:
        dialogue.reset()
    return said
