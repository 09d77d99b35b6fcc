"""Transcripts with marks for client and server: swaks, curl, msmtp, Exim, PHPMailer, "C:" with "S:"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import LineFormat
from pytest_mailnet.evidence.transcripts.client_lines import is_command
from pytest_mailnet.evidence.transcripts.client_remarks import hear
from pytest_mailnet.evidence.transcripts.overheard import Conversation
from pytest_mailnet.evidence.transcripts.prefixes import is_mail, terminal_line, unprefixed

__all__ = ["MARKED"]

_REPLY = re.compile(r"[2-5][0-9]{2}(?:[ -]|$)")
_TALKING = re.compile(r"\.{3} while talking to (\S{1,255}?)[.:]{0,2}$")
_TIME_OUT = re.compile(r"Timeout \(\d+ secs\) waiting")


class Marks(NamedTuple):
    """The marks of one program.

    Attributes:
        client: matches the mark in front of a client's line.
        server: matches the mark in front of a server's line.
    """

    client: re.Pattern[str]
    server: re.Pattern[str]


_NOTATIONS = (
    # swaks, with "~" for encrypted lines, and "*" for lines that it takes for a refusal
    Marks(re.compile(r" ?[-~]> ?(?!>)"), re.compile(r"<[-~*][ *] ")),
    Marks(re.compile(r"--> ?"), re.compile(r"<-- ?")),  # msmtp
    Marks(re.compile(r"\s*SMTP>> ?"), re.compile(r"\s*SMTP<< ?")),  # exim
    Marks(re.compile(r"CLIENT -> SERVER: ?"), re.compile(r"SERVER -> CLIENT: ?")),  # PHPMailer
    Marks(re.compile(r">>> ?"), re.compile(r"<<< ?")),  # sendmail
    Marks(re.compile(r"> ?"), re.compile(r"< ?")),  # curl
    Marks(re.compile(r"\s*(?:C|Client|CLIENT): ?"), re.compile(r"\s*(?:S|Server|SERVER): ?")),
)
_CONTINUED = re.compile(r"\s+(?=[2-5][0-9]{2}[ -])")


class _Listener:
    """Reads lines in one notation: the first in which a line is a command or a reply."""

    def __init__(self) -> None:
        self.conversation = Conversation()
        self._marks: Marks | None = None
        self._servers = False

    def hears(self, line: str) -> Iterator[Failure]:
        marks = self._marks = self._marks or _marks_of(line)
        plain = line if marks is None or _is_marked(marks, line) else unprefixed(line)
        servers, self._servers = self._servers, False
        if marks is not None and (found := marks.server.match(plain)):
            said = plain[found.end() :]
            self._servers = True
            if _TIME_OUT.match(said):
                yield from self.conversation.breaks(said)
            else:
                yield from self.conversation.server(said)
        elif marks is not None and (found := marks.client.match(plain)):
            yield from self.conversation.client(plain[found.end() :])
        elif servers and (found := _CONTINUED.match(plain)):
            self._servers = True
            yield from self.conversation.server(plain[found.end() :])
        elif found := _TALKING.search(plain):
            yield from self.conversation.connects(found[1])
        else:
            yield from hear(self.conversation, plain)


def _is_marked(marks: Marks, line: str) -> bool:
    return bool(marks.server.match(line) or marks.client.match(line))


def _marks_of(line: str) -> Marks | None:
    """The notation in which a line is a command or a reply; None if there is none."""
    for text in dict.fromkeys((line, unprefixed(line))):
        for marks in _NOTATIONS:
            server, client = marks.server.match(text), marks.client.match(text)
            if server and _REPLY.match(text, server.end()):
                return marks
            if client and is_command(text[client.end() :]):
                return marks
    return None


def _recognises(text: str) -> bool:
    if is_mail(text):
        return False
    found: dict[Marks, int] = {}
    for line in text.splitlines():
        if len(line) < 2000 and (marks := _marks_of(terminal_line(line))):
            found[marks] = found.get(marks, 0) + 1
            if found[marks] >= 2:
                return True
    return False


def _failures(lines: Iterable[str]) -> Iterator[Failure]:
    listener = _Listener()
    for line in lines:
        yield from listener.hears(terminal_line(line))
    yield from listener.conversation.end()


MARKED = LineFormat(
    name="a transcript of an SMTP session",
    missing="no reply in it refuses anything, and no session breaks off",
    recognises=_recognises,
    failures=_failures,
)
"""The output of swaks, curl, msmtp and others, and sessions in the notation of RFCs."""
