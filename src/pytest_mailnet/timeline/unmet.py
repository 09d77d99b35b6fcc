"""Answers that a test has written and nothing has met: in words, with what came instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_mailnet.record.session import Session
from pytest_mailnet.scripting.script import Script
from pytest_mailnet.scripting.scripted_answer import ScriptedAnswer
from pytest_mailnet.scripting.seen import Seen, seen_in
from pytest_mailnet.values import DELIVERY, Stage

__all__ = ["unmet_text"]

_SHOWN = 3


def unmet_text(
    scripted: ScriptedAnswer[Any],
    complaint: str,
    script: Script[Any],
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
    stage, sessions = scripted.stage, tuple(own)
    came = [
        (seen, f"session {seen.session}", _but(scripted, answered))
        for seen, answered in script.seen(scripted)
    ]
    came += [
        (seen, f"session {seen.session}, before the answer was written", "")
        for seen in _before(scripted, sessions)
    ]
    if came:
        compared = [(scripted.mismatches(seen), where, but) for seen, where, but in came]
        told = sorted(compared, key=lambda each: len(each[0]))
        lines.append(f"  what came to {scripted.owner} {_at(stage)}, nearest first:")
        lines += [
            f"  - {where}: {'; '.join(wrong) or f'it matched{but}'}" for wrong, where, but in told[:_SHOWN]
        ]
        if len(told) > _SHOWN:
            lines.append(f"  - and {len(told) - _SHOWN} more")
    else:
        instead = _beside_deliveries(stage, sessions) or _elsewhere(others)
        lines.append(f"  nothing came to {scripted.owner} {_at(stage)}{instead}")
    return "\n".join(lines)


def _but(scripted: ScriptedAnswer[Any], answered: ScriptedAnswer[Any] | None) -> str:
    """Why an answer was not given to what it matches."""
    if answered is scripted:
        return ""
    if answered is not None:
        return f", and was answered by {answered}, which was written before it at {answered.written}"
    return scripted.holds_back


def _at(stage: Stage) -> str:
    return "by any other command" if stage is Stage.OTHER else f"at {stage.upper()}"


def _beside_deliveries(stage: Stage, own: Iterable[Session]) -> str:
    """The commands that came and belong to no step of a delivery, where such a one was waited for."""
    if stage in DELIVERY:
        return ""
    seen = [(exchange, seen) for session in own for exchange, seen in seen_in(session)]
    verbs = dict.fromkeys(verb for it, seen in seen if it.stage not in DELIVERY for verb in seen.subjects)
    return f"; of the commands beside deliveries, these did: {', '.join(verbs)}" if verbs else ""


def _elsewhere(sessions: Sequence[Session]) -> str:
    if not sessions:
        return ", and nobody connected"
    hosts = dict.fromkeys(session.host for session in sessions)
    return f"; what was connected to: {', '.join(hosts)}"


def _before(scripted: ScriptedAnswer[Any], sessions: Iterable[Session]) -> Iterator[Seen]:
    """What had come at the answer's stage when it was written."""
    for session in sessions:
        for exchange, seen in seen_in(session):
            if exchange.stage is scripted.stage and exchange.at < scripted.at:
                yield seen
