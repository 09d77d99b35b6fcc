"""Transcripts of SMTP sessions: how programs mark the client's lines, the server's and their own remarks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.transcripts.client_lines import is_command
from pytest_mailnet.evidence.transcripts.overheard import Conversation
from pytest_mailnet.evidence.transcripts.remarks import CALL, hear
from pytest_mailnet.evidence.transcripts.shown_lines import is_mail, line_format, terminal_line, unprefixed

__all__ = ["MARKED", "TERMINAL", "TIMELINE"]

_REPLY = re.compile(r"[2-5][0-9]{2}(?:[ -]|$)")
_TIME_OUT = re.compile(r"Timeout \(\d+ secs\) waiting")
_CONTINUED = re.compile(r"\s*(?=[2-5][0-9]{2}[ -])")
_CLOSED = re.compile(r"Connection closed by (?:foreign|remote) host|closed$|(?:read|write):errno=")
_OPENSSL = re.compile(
    r"CONNECTED\([0-9A-F]{8}\)|verify (?:error:num=|return:)\d|Didn't find STARTTLS|depth=\d+ "
)
_NO_HANDSHAKE = "no peer certificate available"
_TLS_ERROR = re.compile(r"[0-9A-Fa-f]{8,20}:error:")
_NOT_REACHED = re.compile(r":error:.*(?:refused|BIO_connect|connect[^:]*$)")
_TYPED = re.compile(r"\s*(?:[$#] .{1,2000}\n)?")  # the command by which a client was called
# The id of a session, which some programs put in front of its lines: "[6ZcSyO5X]", "[DAA706AE-4EA6.6.1]".
_SESSION = re.compile(
    r"\[(?=[\w.-]*[A-Za-z])(?=[\w.-]*(?:\d|[a-z][\w.-]*[A-Z]|[A-Z][\w.-]*[a-z]))([\w.-]{6,60})\]"
)
_MOST_SESSIONS = 1000
_LONGEST = 2000


class _Notation(NamedTuple):
    """The marks of one program: in front of a client's line, a server's, and a remark if it has one.

    In each the group "session" is the session's number, where there are several.
    """

    read_as: str
    client: re.Pattern[str]
    server: re.Pattern[str]
    remark: re.Pattern[str] | None = None

    def mark_in(self, line: str) -> re.Match[str] | None:
        """The mark that a line begins with."""
        mark = self.server.match(line) or self.client.match(line)
        return mark or (None if self.remark is None else self.remark.match(line))

    def begins_in(self, line: str) -> bool:
        """Whether a line is surely in this notation: a marked command, reply or remark."""
        server, client = self.server.match(line), self.client.match(line)
        if (server and _REPLY.match(line, server.end())) or (client and is_command(line[client.end() :])):
            return True
        return self.remark is not None and self.remark.match(line) is not None


def _shown_by(program: str, client: str, server: str) -> _Notation:
    return _Notation(f"an SMTP session as {program}", re.compile(client), re.compile(server))


_NOTATIONS = (
    # "~" is for encrypted lines, and "*" for lines that swaks takes for a refusal.
    _shown_by("swaks shows it", r" ?[-~]> ?(?!>)", r"<[-~*][ *] "),
    _shown_by("msmtp shows it", "--> ?", "<-- ?"),
    _shown_by("Exim shows it", r"\s*SMTP>> ?", r"\s*SMTP<< ?"),
    _shown_by("PHPMailer shows it", "CLIENT -> SERVER: ?", "SERVER -> CLIENT: ?"),
    _shown_by("Sendmail shows it", ">>> ?", "<<< ?"),
    _shown_by("curl shows it", "> ?", "< ?"),
    _shown_by("RFCs write it", r"\s*(?:C|Client|CLIENT): ?", r"\s*(?:S|Server|SERVER): ?"),
)
_NUMBERED = r"(?:E\s+)?\s*\d+\.\d ms  \[(?P<session>\d{1,9})\]"
_OF_SESSION = re.compile(_NUMBERED + r"(?: [CS](?:  |$)|  )")
_TIMELINE = _Notation(
    "a report of pytest-mailnet",
    *(re.compile(_NUMBERED + mark) for mark in (r" C(?:  |$)", r" S(?:  |$)", "  ")),
)


def _notation_of(line: str, notations: tuple[_Notation, ...]) -> _Notation | None:
    for text in dict.fromkeys((line, unprefixed(line))):
        for notation in notations:
            if notation.begins_in(text):
                return notation
    return None


class _Marked:
    """Reads lines in one notation: the first in which a line surely is."""

    def __init__(self, *notations: _Notation) -> None:
        self.read_as: str = "an SMTP session"
        self._notations = notations
        self._notation: _Notation | None = None
        self._sessions: dict[str, Conversation] = {}
        self._last = ""  # the session of the last line that had a mark
        self._server_spoke = False

    def reads(self, line: str) -> Iterator[Failure]:
        """Read the next line."""
        if len(self._sessions) > _MOST_SESSIONS:
            yield from self._sessions.pop(next(iter(self._sessions))).end()
        marks = self._notation
        if marks is None and (marks := _notation_of(line, self._notations)) is not None:
            self._notation, self.read_as = marks, marks.read_as
        plain, found = line, None if marks is None else marks.mark_in(line)
        if marks is not None and found is None:
            plain = unprefixed(line)
            found = marks.mark_in(plain)
        spoke, self._server_spoke = self._server_spoke, False
        if marks is not None and found is not None:
            self._last = self._number(found, line[: len(line) - len(plain)])
            session, said = self._session(), plain[found.end() :]
            if found.re is marks.server:
                yield from self._server(session, said)
            else:
                yield from (
                    session.client(said) if found.re is marks.client else hear(session, said, ends=True)
                )
        elif spoke and (found := _CONTINUED.match(plain)):
            yield from self._server(self._session(), plain[found.end() :])
        elif self._notations[-1].remark is None:
            yield from hear(self._session(), plain)

    def ends(self) -> Iterator[Failure]:
        """End all sessions."""
        for session in self._sessions.values():
            yield from session.end()

    def _server(self, session: Conversation, said: str) -> list[Failure]:
        self._server_spoke = True
        return session.breaks(said) if _TIME_OUT.match(said) else session.server(said)

    def _number(self, mark: re.Match[str], before: str) -> str:
        if mark.re.groups:
            return mark["session"]
        return next(iter(_SESSION.findall(before)[-1:]), "")

    def _session(self) -> Conversation:
        if self._last not in self._sessions:
            self._sessions[self._last] = Conversation()
        return self._sessions[self._last]


class _Unmarked:
    """Separates client and server by the content of a line and by whose turn it is, as on a terminal."""

    def __init__(self) -> None:
        self.read_as: str = "an SMTP session on a terminal"
        self._conversation = Conversation()
        self._secured = self._no_handshake = False
        self._tls_error: str | None = None

    def reads(self, line: str) -> Iterator[Failure]:
        """Read the next line."""
        told = self._conversation
        if told.in_content and not line.startswith(("421 ", "421-")):
            yield from told.breaks(line) if _CLOSED.match(line) else told.client(line)
        elif _REPLY.match(line):
            yield from told.server(line)
        elif is_command(line) or (told.in_login and not _CLOSED.match(line)):
            yield from told.client(line)
        elif line == "RENEGOTIATING":
            # s_client takes a line that begins with a capital R as its own command: nothing was sent.
            told.unsay()
        elif not self._is_tls(line):
            if line.startswith("DEBUG SMTP: "):
                self.read_as = "JavaMail's debug log"
            yield from hear(told, line)
        elif self._tls_error is not None and _NOT_REACHED.search(line[:_LONGEST]):
            if not told.waiting:
                yield from told.connects()
            yield from told.breaks(self._tls_error)

    def ends(self) -> Iterator[Failure]:
        """End the session."""
        if self._no_handshake:
            self._conversation.secured()
            yield from self._conversation.breaks(self._tls_error or _NO_HANDSHAKE)
        yield from self._conversation.end()

    def _is_tls(self, line: str) -> bool:
        """Read a line of openssl's about the connection, and return whether it is one."""
        if _TLS_ERROR.match(line):
            self._tls_error = self._tls_error or line.partition(":error:")[2]
        elif _OPENSSL.match(line):
            self.read_as = "an SMTP session as openssl shows it"
            if not self._secured:
                self._conversation.secured()
            self._secured = True
        elif _NO_HANDSHAKE in line:
            self._no_handshake = True
        else:
            return False
        return True


def _shows_timeline(text: str) -> bool:
    return any(_OF_SESSION.match(terminal_line(line)) for line in text.splitlines())


def _shows_marks(text: str) -> bool:
    found: dict[_Notation, int] = {}
    called = False
    if is_mail(text):
        return False
    for line in map(terminal_line, text.splitlines()):
        if len(line) < _LONGEST and (marks := _notation_of(line, _NOTATIONS)):
            found[marks] = found.get(marks, 0) + 1
            if found[marks] + called >= 2:
                return True
        elif not called and CALL.match(line):
            called = True
            if found:
                return True
    return False


def _shows_session(text: str) -> bool:
    if is_mail(text):
        return False
    replies = commands = 0
    for line in map(terminal_line, text.splitlines()):
        if ((call := CALL.match(line)) and not call[1]) or _OPENSSL.match(line):
            return True
        replies += bool(_REPLY.match(line))
        commands += is_command(line)
        if replies and commands:
            return True
    command = _TYPED.match(text)
    if command and (call := CALL.match(text, command.end())) and "Trying" in call[0]:
        return True
    # Other readers have rules for a single reply.
    return replies > 1 and text.lstrip().startswith(("220 ", "220-"))


_MISSING = "no reply in it refuses anything, and no session breaks off"
_READERS: tuple[tuple[str, Callable[[str], bool], Callable[[], _Marked | _Unmarked]], ...] = (
    ("a report of pytest-mailnet", _shows_timeline, lambda: _Marked(_TIMELINE)),
    ("a transcript of an SMTP session", _shows_marks, lambda: _Marked(*_NOTATIONS)),
    ("a transcript of a terminal", _shows_session, _Unmarked),
)
TIMELINE, MARKED, TERMINAL = (line_format(name, _MISSING, shows, reader) for name, shows, reader in _READERS)
"""The text below "mailnet" in the report of a failed test; the output of swaks, curl, msmtp and others; that
of telnet, netcat and s_client, with the typed lines in between."""
