"""Reads the timeline in pytest-mailnet's own reports, with its sessions by number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import LineFormat
from pytest_mailnet.evidence.transcripts.overheard import Conversation
from pytest_mailnet.evidence.transcripts.prefixes import terminal_line

__all__ = ["TIMELINE"]

_LINE = re.compile(r"(?:E\s+)?\s*\d+\.\d ms  \[(\d{1,9})\](?: ([CS])(?:  (.*))?|  (.*))$")
_CONNECTS = re.compile(r"\S+ connects to (\S+) \((\S+)\)$")
_WELL_ENDED = re.compile(r"client quit|still open|closed by the server")
_MOST_SESSIONS = 1000


def _recognises(text: str) -> bool:
    return any(_LINE.match(terminal_line(line)) for line in text.splitlines())


def _failures(lines: Iterable[str]) -> Iterator[Failure]:
    sessions: dict[str, Conversation] = {}
    for line in lines:
        found = _LINE.match(terminal_line(line))
        if found is None:
            continue
        number, side, said, event = found.groups()
        if number not in sessions:
            if len(sessions) == _MOST_SESSIONS:
                yield from sessions.pop(next(iter(sessions))).end()
            sessions[number] = Conversation()
        session = sessions[number]
        if side == "C":
            yield from session.client(said or "")
        elif side == "S":
            yield from session.server(said or "")
        elif connects := _CONNECTS.match(event or ""):
            yield from session.connects(connects[1])
            session.meets(connects[2])
        elif event and not _WELL_ENDED.match(event):
            yield from session.breaks(event)
    for session in sessions.values():
        yield from session.end()


TIMELINE = LineFormat(
    name="a report of pytest-mailnet",
    missing="no reply in it refuses anything, and no session breaks off",
    recognises=_recognises,
    failures=_failures,
)
"""The text below "mailnet" in the report of a failed test."""
