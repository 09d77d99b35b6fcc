"""An SMTP session as it is overheard, line by line: which commands failed, and for whom."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.transcripts.client_lines import Command, command_of
from pytest_mailnet.evidence.transcripts.hosts import named_host
from pytest_mailnet.evidence.transcripts.reply_lines import to_the_letter
from pytest_mailnet.evidence.transcripts.transcript_session import TranscriptSession
from pytest_mailnet.values import Stage

__all__ = ["Conversation"]

_REPLY = re.compile(r"([2-5][0-9]{2})(?:([ -])(.*))?$", re.DOTALL)
_MOST_LINES = 200
_LONGEST_WORDS = 500
_MOST_COMMANDS = 10_000
_GREETING = Command("", Stage.CONNECT)
_MESSAGE = Command("", Stage.MESSAGE)


class Conversation:
    """What both sides say, line by line; which recipients failed is what its `TranscriptSession` makes of it.

    Replies are matched with commands in order (PIPELINING, RFC 2920).
    """

    def __init__(self) -> None:
        self._session = TranscriptSession()
        self._forget()

    def _forget(self) -> None:
        self._queue: deque[Command] = deque(maxlen=_MOST_COMMANDS)
        self._lines: list[str] = []
        self._announced = self._greeted = self._closed = self._heard_client = False
        self._handshake = self._lmtp = self.in_content = self.in_login = False
        self._chunk = 0

    @property
    def waiting(self) -> bool:
        """Whether a command has been said that nothing was replied to."""
        return bool(self._queue) or self.in_content or (self._announced and not self._greeted)

    @property
    def began(self) -> bool:
        """Whether anything was said of a session."""
        return self._announced or self._heard_client or bool(self._lines)

    def connects(self, host: str | None = None, *, again: bool = False) -> list[Failure]:
        """The client calls a server.

        Args:
            host: a name or an address, as it stands in the text; with its port, or without.
            again: whether this is one more address of the same server.
        """
        # An attempt that failed counts only if the next one does not get further.
        failures = self._session.begins(again=again and self._announced and not self._greeted)
        self._forget()
        self._announced = True
        if host is not None:
            self.meets(host)
        return failures

    def meets(self, host: str) -> None:
        """Learn more of the server: its name, or its address."""
        self._session.meets(host)

    def sends(self, sender: str | None, recipients: Iterable[str] = ()) -> None:
        """Learn of whom the next mail is, and for whom, before any command has said it."""
        self._session.sends(sender, recipients)

    def secured(self) -> None:
        """The client has said STARTTLS, and shakes hands, where the text does not show how."""
        self._announced = self._greeted = self._handshake = True

    def client(self, line: str) -> list[Failure]:
        """A line of the client."""
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
        """The client has sent all of a message, with the dot."""
        self.in_content = True
        return self.client(".")

    def completes(self, failure: Failure) -> list[Failure]:
        """What is known elsewhere of the session, with what is known here: a failure for each recipient."""
        return self._session.completes(failure)

    def unsay(self) -> None:
        """The last command was not sent after all."""
        if self._queue:
            self._queue.pop()

    def server(self, line: str) -> list[Failure]:
        """A line of the server; one that is no reply's is passed over."""
        found = _REPLY.match(line)
        if found is None:
            return []
        code, separator = found[1], found[2]
        failures = self._replied() if self._lines and self._lines[0][:3] != code else []
        if len(self._lines) < _MOST_LINES or separator != "-":
            self._lines.append(to_the_letter(line))
        return failures if separator == "-" else failures + self._replied()

    def breaks(self, words: str) -> list[Failure]:
        """The connection ends before its time, or nobody answers.

        Args:
            words: how the evidence has it.
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
        # smtplib puts this in front of whatever has happened.
        said = words.rpartition("Connection unexpectedly closed: ")[2]
        trouble = trouble_in(said, stage) if stage is not None else None
        fault = trouble.fault if trouble else None
        if fault is not None and middle:
            fault = fault.replace("-after-dot", "-in-content")
        stage = trouble.stage if trouble else stage
        told = self._session.failure(stage, fault=fault, words=words)
        return failures + self._session.breaks(stage, recipients, told, greeted=self._greeted)

    def end(self) -> list[Failure]:
        """The text ends; a command without a reply is a failure of which no more is known."""
        failures = self._replied() if self._lines else []
        waits = self.waiting and not self._closed and (not self._queue or self._queue[0].stage is not None)
        stage, recipients = self._interrupted()
        self._closed = True
        if not waits or stage is None:
            return failures + self._session.finish()
        where = "amid the content" if self.in_content else f"before a reply at {stage.upper()}"
        told = self._session.failure(stage, words=f"the transcript ends {where}")
        return failures + self._session.breaks(stage, recipients, told, greeted=self._greeted)

    def _takers(self) -> list[str]:
        """Who each has a reply of their own after the dot (RFC 2033, 4.2)."""
        return [it for it in self._session.mail.accepted if it is not None] if self._lmtp else []

    def _interrupted(self) -> tuple[Stage | None, list[str | None]]:
        """Where the session stands, and the recipients that are underway but not yet accepted."""
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
        if self._closed and code == 220:
            return [*self.connects(), *self._greet(reply, code)]
        if self._closed:
            return []
        if not self._greeted and (not self._queue or code == 220) and not self.in_content:
            return self._greet(reply, code)
        if self._queue:
            command = self._queue.popleft()
            self._greeted = True  # where the greeting is not shown
        elif self.in_content:  # the client's lines are not shown
            self.in_content = False
            command = _MESSAGE
        elif code == 220 and not self._handshake:  # the next session, without a word of how it began
            return [*self.connects(), *self._greet(reply, code)]
        else:
            return self._session.unasked(reply, code, heard_client=self._heard_client)
        return self._granted(command, code) if code < 400 else self._session.refused(command, reply, code)

    def _greet(self, reply: tuple[str, ...], code: int) -> list[Failure]:
        self._announced = self._greeted = True
        if code >= 400:
            return self._session.refused(_GREETING, reply, code)
        self._session.greeted()
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
            self._session.mail.accept(command.path)
        elif stage is Stage.DATA:
            self.in_content = code == 354
        elif command.path is not None:
            self._session.mail.accepted.pop(command.path, None)
        return []
