"""Answers that a test has written and nothing has met: in words, with what came instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_mailnet.record.session import Session
from pytest_mailnet.scripting.script import Script
from pytest_mailnet.scripting.scripted_answer import ScriptedAnswer
from pytest_mailnet.scripting.seen import Seen, seen_in

__all__ = ["unmet_text"]

_SHOWN = 3


def unmet_text(
    scripted: ScriptedAnswer,
    complaint: str,
    script: Script,
    own: Iterable[Session],
    others: Sequence[Session],
) -> str:
    """Tell of an answer that was not given, or not often enough.

    Args:
        scripted: the answer.
        complaint: what is missing, the first line.
        script: that it stands in.
        own: the sessions that the script answers.
        others: all sessions of the net, to tell where the mail went instead.
    """
    lines = [complaint, f"  written at {scripted.written}"]
    if not scripted.complete:
        return "\n".join(lines)
    stage = scripted.stage
    came = [
        (seen, f"session {seen.session}", _but(scripted, answered))
        for seen, answered in script.seen(scripted)
    ]
    came += [
        (seen, f"session {seen.session}, before the answer was written", "")
        for seen in _before(scripted, own)
    ]
    if came:
        compared = [(scripted.mismatches(seen), where, but) for seen, where, but in came]
        told = sorted(compared, key=lambda each: len(each[0]))
        lines.append(f"  what came to {scripted.owner} at {stage.upper()}, nearest first:")
        lines += [
            f"  - {where}: {'; '.join(wrong) or f'it matched{but}'}" for wrong, where, but in told[:_SHOWN]
        ]
        if len(told) > _SHOWN:
            lines.append(f"  - and {len(told) - _SHOWN} more")
    else:
        lines.append(f"  nothing came to {scripted.owner} at {stage.upper()}{_elsewhere(others)}")
    return "\n".join(lines)


def _but(scripted: ScriptedAnswer, answered: ScriptedAnswer | None) -> str:
    """Why an answer was not given to what it matches."""
    if answered is scripted:
        return ""
    if answered is not None:
        return f", and was answered by {answered}, which was written before it at {answered.written}"
    return scripted.holds_back


def _elsewhere(sessions: Sequence[Session]) -> str:
    if not sessions:
        return ", and nobody connected"
    hosts = dict.fromkeys(session.host for session in sessions)
    return f"; what was connected to: {', '.join(hosts)}"


def _before(scripted: ScriptedAnswer, sessions: Iterable[Session]) -> Iterator[Seen]:
    """What had come at the answer's stage when it was written."""
    for session in sessions:
        for exchange, seen in seen_in(session):
            if exchange.stage is scripted.stage and exchange.at < scripted.at:
                yield seen
