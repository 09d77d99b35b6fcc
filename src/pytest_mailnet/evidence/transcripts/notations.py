"""Transcripts of SMTP sessions: how programs mark the client's lines, the server's and their own remarks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.transcripts.client_lines import is_command
from pytest_mailnet.evidence.transcripts.overheard import Conversation
from pytest_mailnet.evidence.transcripts.remarks import CALL, hear
from pytest_mailnet.evidence.transcripts.shown_lines import is_mail, line_format, terminal_line, unprefixed

__all__ = ["MARKED", "TIMELINE"]

_REPLY = re.compile(r"[2-5][0-9]{2}(?:[ -]|$)")
_TIME_OUT = re.compile(r"Timeout \(\d+ secs\) waiting")
_CONTINUED = re.compile(r"\s+(?=[2-5][0-9]{2}[ -])")
_MOST_SESSIONS = 1000
_MISSING = "no reply in it refuses anything, and no session breaks off"


class _Notation(NamedTuple):
    """The marks of one program.

    Attributes:
        read_as: what a text with these marks is, with an article.
        client: matches the mark in front of a client's line.
        server: matches the mark in front of a server's line.
        remark: matches the mark in front of a remark on how a session begins or ends; None if remarks have
            no mark. In all three the group "session" is its number, where there are several.
    """

    read_as: str
    client: re.Pattern[str]
    server: re.Pattern[str]
    remark: re.Pattern[str] | None = None

    def marks(self, line: str) -> bool:
        """Whether a line has a mark of this notation."""
        marks = self.server.match(line) or self.client.match(line)
        return bool(marks or (self.remark is not None and self.remark.match(line)))


def _notation(shown_by: str, client: str, server: str) -> _Notation:
    return _Notation(f"an SMTP session as {shown_by}", re.compile(client), re.compile(server))


_NOTATIONS = (
    # "~" is for encrypted lines, and "*" for lines that swaks takes for a refusal.
    _notation("swaks shows it", r" ?[-~]> ?(?!>)", r"<[-~*][ *] "),
    _notation("msmtp shows it", "--> ?", "<-- ?"),
    _notation("Exim shows it", r"\s*SMTP>> ?", r"\s*SMTP<< ?"),
    _notation("PHPMailer shows it", "CLIENT -> SERVER: ?", "SERVER -> CLIENT: ?"),
    _notation("Sendmail shows it", ">>> ?", "<<< ?"),
    _notation("curl shows it", "> ?", "< ?"),
    _notation("RFCs write it", r"\s*(?:C|Client|CLIENT): ?", r"\s*(?:S|Server|SERVER): ?"),
)
_NUMBERED = r"(?:E\s+)?\s*\d+\.\d ms  \[(?P<session>\d{1,9})\]"
_TIMELINE = _Notation(
    "a report of pytest-mailnet",
    *(re.compile(_NUMBERED + mark) for mark in (r" C(?:  |$)", r" S(?:  |$)", "  ")),
)


class _Listener:
    """Reads lines in one notation: the first in which a line is a command, a reply or a marked remark."""

    def __init__(self, notations: tuple[_Notation, ...]) -> None:
        self.read_as: str = "an SMTP session"
        self._notations = notations
        self._notation: _Notation | None = None
        self._sessions: dict[str, Conversation] = {}
        self._server_spoke = False

    def reads(self, line: str) -> Iterator[Failure]:
        """Read the next line."""
        if len(self._sessions) > _MOST_SESSIONS:
            yield from self._sessions.pop(next(iter(self._sessions))).end()
        marks = self._notation
        if marks is None and (marks := _notation_of(line, self._notations)) is not None:
            self._notation, self.read_as = marks, marks.read_as
        plain = line if marks is None or marks.marks(line) else unprefixed(line)
        spoke, self._server_spoke = self._server_spoke, False
        if marks is not None and (found := marks.server.match(plain)):
            yield from self._server(self._session(found), plain[found.end() :])
        elif marks is not None and (found := marks.client.match(plain)):
            yield from self._session(found).client(plain[found.end() :])
        elif marks is not None and marks.remark is not None:
            if found := marks.remark.match(plain):
                yield from hear(self._session(found), plain[found.end() :], ends=True)
        elif spoke and (found := _CONTINUED.match(plain)):
            yield from self._server(self._session(), plain[found.end() :])
        elif self._notations is _NOTATIONS:
            yield from hear(self._session(), plain)

    def ends(self) -> Iterator[Failure]:
        """End all sessions."""
        for session in self._sessions.values():
            yield from session.end()

    def _server(self, session: Conversation, said: str) -> list[Failure]:
        self._server_spoke = True
        return session.breaks(said) if _TIME_OUT.match(said) else session.server(said)

    def _session(self, mark: re.Match[str] | None = None) -> Conversation:
        number = mark["session"] if mark is not None and mark.re.groups else ""
        if number not in self._sessions:
            self._sessions[number] = Conversation()
        return self._sessions[number]


def _notation_of(line: str, notations: tuple[_Notation, ...]) -> _Notation | None:
    """The notation in which a line is a command, a reply or a marked remark; None if there is none."""
    for text in dict.fromkeys((line, unprefixed(line))):
        for marks in notations:
            server, client = marks.server.match(text), marks.client.match(text)
            if server and _REPLY.match(text, server.end()):
                return marks
            if client and is_command(text[client.end() :]):
                return marks
            if marks.remark and marks.remark.match(text):
                return marks
    return None


def _recognises_marks(text: str) -> bool:
    if is_mail(text):
        return False
    found: dict[_Notation, int] = {}
    called = False
    for line in map(terminal_line, text.splitlines()):
        if len(line) < 2000 and (marks := _notation_of(line, _NOTATIONS)):
            found[marks] = found.get(marks, 0) + 1
        called = called or CALL.match(line) is not None
        if max(found.values(), default=0) + called >= 2:
            return True
    return False


MARKED = line_format(
    "a transcript of an SMTP session", _MISSING, _recognises_marks, lambda: _Listener(_NOTATIONS)
)
"""The output of swaks, curl, msmtp and others, and sessions in the notation of RFCs."""

TIMELINE = line_format(
    "a report of pytest-mailnet",
    _MISSING,
    lambda text: any(_TIMELINE.marks(terminal_line(line)) for line in text.splitlines()),
    lambda: _Listener((_TIMELINE,)),
)
"""The text below "mailnet" in the report of a failed test, with its sessions by number."""
