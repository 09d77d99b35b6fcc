"""Sessions on a terminal, without marks for client and server: telnet, netcat, openssl s_client."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import LineFormat
from pytest_mailnet.evidence.transcripts.client_lines import is_command
from pytest_mailnet.evidence.transcripts.client_remarks import hear
from pytest_mailnet.evidence.transcripts.overheard import Conversation
from pytest_mailnet.evidence.transcripts.prefixes import is_mail, terminal_line

__all__ = ["TERMINAL"]

_REPLY = re.compile(r"[2-5][0-9]{2}(?:[ -].*)?$")
_ENDS_SESSION = re.compile(r"421[ -]")
_CLOSED = re.compile(r"Connection closed by (?:foreign|remote) host|closed$|(?:read|write):errno=")
_OPENSSL = re.compile(
    r"CONNECTED\([0-9A-F]{8}\)|verify (?:error:num=|return:)\d|Didn't find STARTTLS|depth=\d+ "
)
_NO_HANDSHAKE = re.compile(r"no peer certificate available")
_TLS_ERROR = re.compile(r"[0-9A-Fa-f]{8,20}:error:")
_NOT_REACHED = re.compile(r":error:.*(?:refused|BIO_connect|connect[^:]*$)")
_CALLING = re.compile(
    r"(?:Trying \S{1,300}\.\.\.$|Connected to \S{1,255}\.$|Escape character is '|telnet: |nc: |Ncat: "
    r"|\(UNKNOWN\) |Connection to \S{1,255} \d{1,5} port |connect:errno=|DEBUG SMTP: )"
)


class _Terminal:
    """Separates client and server by the content of a line and by whose turn it is."""

    def __init__(self) -> None:
        self._conversation = Conversation()
        self._secured = False
        self._tls_error: str | None = None
        self._no_handshake = False

    def shows(self, line: str) -> Iterator[Failure]:
        told = self._conversation
        if told.in_content:
            yield from self._content(line)
        elif _REPLY.match(line):
            yield from told.server(line)
        elif is_command(line) or (told.in_login and not _CLOSED.match(line)):
            yield from told.client(line)
        elif line == "RENEGOTIATING":
            # s_client takes a line that begins with a capital R as its own command: nothing was sent.
            told.unsay()
        elif not self._is_tls(line):
            yield from hear(told, line)
        elif self._tls_error is not None and _NOT_REACHED.search(line[:1000]):
            if not told.waiting:
                yield from told.connects()
            yield from told.breaks(self._tls_error)

    def _content(self, line: str) -> list[Failure]:
        if _ENDS_SESSION.match(line):
            return self._conversation.server(line)
        return self._conversation.breaks(line) if _CLOSED.match(line) else self._conversation.client(line)

    def _is_tls(self, line: str) -> bool:
        """Read a line of openssl's about the connection, and return whether it is one."""
        if _TLS_ERROR.match(line):
            self._tls_error = self._tls_error or line.partition(":error:")[2]
        elif _OPENSSL.match(line):
            if not self._secured:
                self._secured = True
                self._conversation.secured()
        elif _NO_HANDSHAKE.search(line):
            self._no_handshake = True
        else:
            return False
        return True

    def ends(self) -> Iterator[Failure]:
        if self._no_handshake:
            self._conversation.secured()
            yield from self._conversation.breaks(self._tls_error or "no peer certificate available")
        yield from self._conversation.end()


def _recognises(text: str) -> bool:
    if is_mail(text):
        return False
    replies = commands = 0
    for line in text.splitlines():
        line = terminal_line(line)  # noqa: PLW2901
        if _CALLING.match(line) or _OPENSSL.match(line):
            return True
        replies += bool(_REPLY.match(line))
        commands += is_command(line)
        if replies and commands:
            return True
    # Other readers have rules for a single reply.
    return replies > 1 and text.lstrip().startswith(("220 ", "220-"))


def _failures(lines: Iterable[str]) -> Iterator[Failure]:
    terminal = _Terminal()
    for line in lines:
        yield from terminal.shows(terminal_line(line))
    yield from terminal.ends()


TERMINAL = LineFormat(
    name="a transcript of a terminal",
    missing="no reply in it refuses anything, and no session breaks off",
    recognises=_recognises,
    failures=_failures,
)
"""The output of telnet, netcat and "openssl s_client", with the typed lines in between."""
