"""Sessions on a terminal, without marks for client and server: telnet, netcat, openssl s_client."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.transcripts.client_lines import is_command
from pytest_mailnet.evidence.transcripts.overheard import Conversation
from pytest_mailnet.evidence.transcripts.remarks import CALL, hear
from pytest_mailnet.evidence.transcripts.shown_lines import is_mail, line_format, terminal_line

__all__ = ["TERMINAL"]

_REPLY = re.compile(r"[2-5][0-9]{2}(?:[ -].*)?$")
_CLOSED = re.compile(r"Connection closed by (?:foreign|remote) host|closed$|(?:read|write):errno=")
_OPENSSL = re.compile(
    r"CONNECTED\([0-9A-F]{8}\)|verify (?:error:num=|return:)\d|Didn't find STARTTLS|depth=\d+ "
)
_NO_HANDSHAKE = "no peer certificate available"
_TLS_ERROR = re.compile(r"[0-9A-Fa-f]{8,20}:error:")
_NOT_REACHED = re.compile(r":error:.*(?:refused|BIO_connect|connect[^:]*$)")
_TYPED = re.compile(r"\s*(?:[$#] .{1,2000}\n)?")  # the command by which a client was called
_JAVAMAIL = "DEBUG SMTP: "


class _Terminal:
    """Separates client and server by the content of a line and by whose turn it is."""

    def __init__(self) -> None:
        self.read_as: str = "an SMTP session on a terminal"
        self._conversation = Conversation()
        self._secured = False
        self._tls_error: str | None = None
        self._no_handshake = False

    def reads(self, line: str) -> Iterator[Failure]:
        """Read the next line."""
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
            if line.startswith(_JAVAMAIL):
                self.read_as = "JavaMail's debug log"
            yield from hear(told, line)
        elif self._tls_error is not None and _NOT_REACHED.search(line[:1000]):
            if not told.waiting:
                yield from told.connects()
            yield from told.breaks(self._tls_error)

    def ends(self) -> Iterator[Failure]:
        """End the session."""
        if self._no_handshake:
            self._conversation.secured()
            yield from self._conversation.breaks(self._tls_error or _NO_HANDSHAKE)
        yield from self._conversation.end()

    def _content(self, line: str) -> list[Failure]:
        if line[:4] in {"421 ", "421-"}:
            return self._conversation.server(line)
        return self._conversation.breaks(line) if _CLOSED.match(line) else self._conversation.client(line)

    def _is_tls(self, line: str) -> bool:
        """Read a line of openssl's about the connection, and return whether it is one."""
        if _TLS_ERROR.match(line):
            self._tls_error = self._tls_error or line.partition(":error:")[2]
        elif _OPENSSL.match(line):
            self.read_as = "an SMTP session as openssl shows it"
            if not self._secured:
                self._secured = True
                self._conversation.secured()
        elif _NO_HANDSHAKE in line:
            self._no_handshake = True
        else:
            return False
        return True


def _recognises(text: str) -> bool:
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


TERMINAL = line_format(
    "a transcript of a terminal",
    "no reply in it refuses anything, and no session breaks off",
    _recognises,
    _Terminal,
)
"""The output of telnet, netcat and "openssl s_client", with the typed lines in between."""
