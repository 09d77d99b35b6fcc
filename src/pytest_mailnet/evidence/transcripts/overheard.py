"""Follows an SMTP session line by line, and finds the commands that failed and their recipients."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import cast

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.transcripts.client_lines import Command, command_of
from pytest_mailnet.evidence.transcripts.server_lines import named_host, to_the_letter
from pytest_mailnet.evidence.transcripts.transcript_session import TranscriptSession
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.values import Stage

__all__ = ["Conversation"]

_REPLY = re.compile(r"([2-5][0-9]{2})(?:([ -])(.*))?$", re.DOTALL)
_MOST_LINES = 200
_LONGEST_WORDS = 500
_MOST_COMMANDS = 10_000
_GREETING = Command("", Stage.CONNECT)
_MESSAGE = Command("", Stage.MESSAGE)


class Conversation:
    """An SMTP conversation, read line by line; its `TranscriptSession` works out the failed recipients.

    Replies are matched with commands in order (PIPELINING, RFC 2920). Most methods return the failures that
    are certain by then.

    Attributes:
        in_content: whether the client is sending the content of a message.
        in_login: whether the next line of the client belongs to a log-in (code 334).
    """

    def __init__(self) -> None:
        self._session = TranscriptSession()
        self._forget()

    def _forget(self) -> None:
        self._queue: deque[Command] = deque(maxlen=_MOST_COMMANDS)
        self._lines: list[str] = []
        self._announced = self._greeted = self._closed = self._heard_client = False
        self._handshake = self._lmtp = False
        self.in_content: bool = False
        self.in_login: bool = False
        self._chunk = 0

    @property
    def waiting(self) -> bool:
        """Whether a reply is due: to a command, to the content, or the greeting."""
        return bool(self._queue) or self.in_content or (self._announced and not self._greeted)

    @property
    def began(self) -> bool:
        """Whether any line of a session was read."""
        return self._announced or self._heard_client or bool(self._lines)

    def connects(self, host: str | None = None, *, again: bool = False) -> list[Failure]:
        """Note that the client connects to a server; return the failures of the session before.

        Args:
            host: the name or address in the text, with or without a port; None if unknown.
            again: whether this is one more address of the same server.
        """
        # A failed attempt counts only if the next address fails too.
        failures = self._session.begins(again=again and self._announced and not self._greeted)
        self._forget()
        self._announced = True
        if host is not None:
            self.meets(host)
        return failures

    def meets(self, host: str) -> None:
        """Note the server's name or its address."""
        self._session.meets(host)

    def sends(self, sender: str | None, recipients: Iterable[str] = ()) -> None:
        """Note the sender, or None, and the recipients of the next mail, before its commands."""
        self._session.hints = sender, tuple(recipients)

    def secured(self) -> None:
        """Note that the client has sent STARTTLS and shakes hands; for texts that do not show the command."""
        self._announced = self._greeted = self._handshake = True

    def client(self, line: str) -> list[Failure]:
        """Read a line of the client."""
        failures = self._replied() if self._lines else []
        if self._closed:
            if command_of(line).verb == "QUIT":
                return failures
            failures += self.connects()
        self._heard_client = True
        if not self._announced:
            self._greeted = True  # an excerpt that begins after the greeting
        if self.in_content:
            if line == ".":
                self.in_content = False
                self._queue += [Command("", Stage.MESSAGE, it) for it in self._takers()] or [_MESSAGE]
        elif self._chunk > 0:
            self._chunk -= len(line.encode("utf-8", "replace")) + 2
        elif self.in_login:
            self.in_login = False
            self._queue.append(Command("AUTH", Stage.AUTH))
        else:
            command = command_of(line)
            self._lmtp = self._lmtp or command.verb == "LHLO"
            self._chunk = command.chunk
            self._handshake = False
            self._queue.append(command)
        return failures

    def sends_content(self) -> list[Failure]:
        """Note that the client has sent a whole message, with the dot."""
        self.in_content = True
        return self.client(".")

    def completes(self, failure: Failure) -> list[Failure]:
        """Complete a failure from elsewhere by what is known of the session; one for each recipient."""
        return self._session.completes(failure)

    def unsay(self) -> None:
        """Forget the last command, which was not sent after all."""
        if self._queue:
            self._queue.pop()

    def server(self, line: str) -> list[Failure]:
        """Read a line of the server; a line that is not part of a reply is ignored."""
        found = _REPLY.match(line)
        if found is None:
            return []
        code, separator = found[1], found[2]
        failures = self._replied() if self._lines and self._lines[0][:3] != code else []
        if len(self._lines) < _MOST_LINES or separator != "-":
            self._lines.append(to_the_letter(line))
        return failures if separator == "-" else failures + self._replied()

    def breaks(self, words: str) -> list[Failure]:
        """Note that the connection broke off, or could not be made.

        Args:
            words: the text of the evidence about it.
        """
        words = words.strip()[:_LONGEST_WORDS]
        failures = self._replied() if self._lines else []
        if self._closed:
            return failures
        stage, recipients = self._interrupted()
        middle = self.in_content
        quitting = bool(self._queue) and self._queue[0].verb == "QUIT"
        self._closed = True
        self._queue.clear()
        self.in_content = self.in_login = False
        if quitting or (stage is None and not self._session.mail.accepted):
            return failures + self._session.finish()
        # smtplib puts this in front of any error.
        said = words.rpartition("Connection unexpectedly closed: ")[2]
        trouble = trouble_in(said, stage) if stage is not None else None
        fault = trouble.fault if trouble else None
        if fault is not None and middle:
            fault = cast("FaultName", fault.replace("-after-dot", "-in-content"))
        told = self._session.failure(trouble.stage if trouble else stage, fault=fault, words=words)
        return failures + self._session.breaks(recipients, told, greeted=self._greeted)

    def end(self) -> list[Failure]:
        """Note that the text ends; a command without a reply is a failure of unknown reason."""
        failures = self._replied() if self._lines else []
        waits = self.waiting and not self._closed and (not self._queue or self._queue[0].stage is not None)
        stage, recipients = self._interrupted()
        self._closed = True
        if not waits or stage is None:
            return failures + self._session.finish()
        where = "amid the content" if self.in_content else f"before a reply at {stage.upper()}"
        told = self._session.failure(stage, words=f"the transcript ends {where}")
        return failures + self._session.breaks(recipients, told, greeted=self._greeted)

    def _takers(self) -> list[str]:
        """The recipients that each get a reply after the dot, in LMTP (RFC 2033, 4.2)."""
        return [it for it in self._session.mail.accepted if it is not None] if self._lmtp else []

    def _interrupted(self) -> tuple[Stage | None, list[str | None]]:
        """The stage of the session, and the recipients that were sent but have no reply yet."""
        pending = [it.path for it in self._queue if it.stage is Stage.RCPT]
        if self._handshake:
            return Stage.STARTTLS, []
        if self._queue:
            return self._queue[0].stage, pending
        if self.in_content:
            return Stage.MESSAGE, []
        return (None if self._greeted or not self._announced else Stage.CONNECT), []

    def _replied(self) -> list[Failure]:
        reply, self._lines = tuple(self._lines), []
        code = int(reply[0][:3])
        if self._closed:
            return [*self.connects(), *self._greet(reply, code)] if code == 220 else []
        if not self._greeted and (not self._queue or code == 220) and not self.in_content:
            return self._greet(reply, code)
        if self._queue:
            command = self._queue.popleft()
            self._greeted = True  # where the greeting is not shown
        elif self.in_content:  # the client's lines are not shown
            self.in_content = False
            command = _MESSAGE
        elif code == 220 and not self._handshake:  # the next session; its connection is not shown
            return [*self.connects(), *self._greet(reply, code)]
        else:
            return self._session.unasked(reply, code, heard_client=self._heard_client)
        return self._granted(command, code) if code < 400 else self._session.refused(command, reply, code)

    def _greet(self, reply: tuple[str, ...], code: int) -> list[Failure]:
        self._announced = self._greeted = True
        if code >= 400:
            return self._session.refused(_GREETING, reply, code)
        self._session.obstacle = None
        if code == 220:
            self._session.host = self._session.host or named_host(reply[0][4:])
        return []

    def _granted(self, command: Command, code: int) -> list[Failure]:
        stage = command.stage
        self.in_login = code == 334
        if not self.in_login:
            self._session.gets_to(stage)
        if command.verb == "QUIT":
            self._closed = True
            return self._session.finish()
        if stage is Stage.MAIL:
            return self._session.next_mail(command.path)
        if command.verb == "RSET" or (stage is Stage.MESSAGE and command.path is None and command.last):
            return self._session.next_mail(None)
        if stage is Stage.STARTTLS:
            self._handshake = True
        elif stage is Stage.RCPT:
            self._session.accepted(command.path)
        elif stage is Stage.DATA:
            self.in_content = code == 354
        elif command.path is not None:
            self._session.mail.accepted.pop(command.path, None)
        return []
