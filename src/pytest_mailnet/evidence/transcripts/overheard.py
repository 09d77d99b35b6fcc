"""Follows an SMTP session line by line, and finds the commands that failed and their recipients."""

from __future__ import annotations

import dataclasses
import re
from collections import deque
from collections.abc import Iterable
from typing import cast

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.transcripts.client_lines import Command, command_of
from pytest_mailnet.evidence.transcripts.one_mail import Transaction, of_each
from pytest_mailnet.evidence.transcripts.server_lines import named_host, split_host, to_the_letter
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.values import Stage

__all__ = ["Conversation"]

_REPLY = re.compile(r"([2-5][0-9]{2})(?:([ -])(.*))?$", re.DOTALL)
_ORDER = (Stage.CONNECT, Stage.EHLO, Stage.STARTTLS, Stage.AUTH, Stage.MAIL)
_OF_SYNTAX = frozenset({500, 501, 502, 503, 504})
_MOST_LINES = 200
_LONGEST_WORDS = 500
_MOST_COMMANDS = 10_000
_GREETING = Command("", Stage.CONNECT)
_MESSAGE = Command("", Stage.MESSAGE)


class Conversation:
    """An SMTP conversation, read line by line, or several, one after the other.

    Replies are matched with commands in order (PIPELINING, RFC 2920). Most methods return the failures that
    are certain by then. A failure of the whole session or mail is certain at its end, when all recipients are
    known.

    Attributes:
        in_content: whether the client is sending the content of a message.
        in_login: whether the next line of the client belongs to a log-in (code 334).
    """

    def __init__(self) -> None:
        self._host: str | None = None
        self._address: str | None = None
        self._hints: tuple[str | None, tuple[str, ...]] = (None, ())  # whom the next mail is from and for
        self._mail = Transaction()
        self._obstacle: Failure | None = None  # the failure of the session, until a later attempt succeeds
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
        failures = []
        # A failed attempt counts only if the next address fails too.
        if not (again and self._announced and not self._greeted):
            failures, self._host = self._finish(), None
        self._forget()
        self._announced, self._address = True, None
        if host is not None:
            self.meets(host)
        return failures

    def meets(self, host: str) -> None:
        """Note the server's name or its address."""
        name, address = split_host(host)
        self._host, self._address = name or self._host, address or self._address

    def sends(self, sender: str | None, recipients: Iterable[str] = ()) -> None:
        """Note the sender, or None, and the recipients of the next mail, before its commands."""
        self._hints = sender, tuple(recipients)

    def secured(self) -> None:
        """Note that the client has sent STARTTLS and shakes hands; for texts that do not show the command."""
        self._announced = self._greeted = self._handshake = True

    def client(self, line: str) -> list[Failure]:
        """Read a line of the client."""
        failures = self._replied()
        if self._closed:
            failures += self.connects()
        self._heard_client = True
        if not self._announced:
            self._greeted = True  # an excerpt that begins after the greeting
        if self.in_content:
            if line == ".":
                self.in_content = False
                # In LMTP each recipient gets a reply (RFC 2033, 4.2).
                takers = [it for it in self._mail.accepted if it is not None] if self._lmtp else []
                self._queue += [_MESSAGE._replace(path=it) for it in takers] or [_MESSAGE]
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
        failure = failure.completed_by(self._failure(None))
        return [failure] if failure.recipient else of_each(failure, self._mail.named or self._hints[1])

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
        """Note that the connection broke off, or could not be made, by the words of the evidence about it."""
        words = words.strip()[:_LONGEST_WORDS]
        failures = self._replied()
        if self._closed:
            return failures
        stage = self._stage()
        quitting = bool(self._queue) and self._queue[0].verb == "QUIT"
        if quitting or (stage is None and not self._mail.accepted):
            return failures + self._stops(None)
        # smtplib puts this in front of any error.
        said = words.rpartition("Connection unexpectedly closed: ")[2]
        failure = self._failure(stage, words=words)
        if stage is not None and (trouble := trouble_in(said, stage)):
            fault = trouble.fault
            if self.in_content:
                fault = cast("FaultName", fault.replace("-after-dot", "-in-content"))
            failure = dataclasses.replace(failure, stage=trouble.stage, fault=fault)
        return failures + self._stops(failure)

    def end(self) -> list[Failure]:
        """Note that the text ends; a command without a reply is a failure of unknown reason."""
        failures = self._replied()
        stage = self._stage()
        if not self.waiting or self._closed or stage is None:
            return failures + self._stops(None)
        where = "amid the content" if self.in_content else f"before a reply at {stage.upper()}"
        return failures + self._stops(self._failure(stage, words=f"the transcript ends {where}"))

    def _stage(self) -> Stage | None:
        """The stage of the session if it breaks off now."""
        if self._handshake:
            return Stage.STARTTLS
        if self._queue:
            return self._queue[0].stage
        if self.in_content:
            return Stage.MESSAGE
        return None if self._greeted or not self._announced else Stage.CONNECT

    def _stops(self, failure: Failure | None) -> list[Failure]:
        """End the session, by a failure or without one."""
        pending = [it.path for it in self._queue if it.stage is Stage.RCPT] if not self._handshake else []
        self._closed = True
        self._queue.clear()
        self.in_content = self.in_login = False
        if failure is None:
            return self._finish()
        mail, stage = self._mail, failure.stage
        for it in pending:
            mail.name(it)
        if stage is Stage.MAIL:
            mail.refusal = mail.refusal or failure
        elif stage in _ORDER or (stage is None and not self._greeted):
            self._obstacle = failure if self._obstacle is None or self._obstacle.fault else self._obstacle
        elif self._obstacle is None and mail.refusal is None:
            for it in pending:
                mail.accept(it)
            return mail.decide(failure) + self._finish()
        return self._finish() if self._greeted else []

    def _replied(self) -> list[Failure]:
        """Read the reply that is complete, if there is one."""
        if not self._lines:
            return []
        reply, self._lines = tuple(self._lines), []
        code = int(reply[0][:3])
        if self._closed and code != 220:
            return []
        mute = not self._queue and not self.in_content
        if not self._closed and not self._greeted and (mute or (code == 220 and not self.in_content)):
            return self._greet(reply, code)
        if self._closed or (mute and code == 220 and not self._handshake):
            return [*self.connects(), *self._greet(reply, code)]  # the next session
        if mute:
            return self._unasked(reply, code)
        self._greeted = self._greeted or bool(self._queue)  # where the greeting is not shown
        command = self._queue.popleft() if self._queue else _MESSAGE
        if command is _MESSAGE:
            self.in_content = False  # where the client's lines are not shown
        return self._granted(command, code) if code < 400 else self._refused(command, reply, code)

    def _greet(self, reply: tuple[str, ...], code: int) -> list[Failure]:
        self._announced = self._greeted = True
        if code >= 400:
            return self._refused(_GREETING, reply, code)
        self._obstacle = None
        if code == 220:
            self._host = self._host or named_host(reply[0][4:])
        return []

    def _granted(self, command: Command, code: int) -> list[Failure]:
        stage, failed = command.stage, None if self._obstacle is None else self._obstacle.stage
        self.in_login = code == 334
        passed = stage in _ORDER and failed in _ORDER and _ORDER.index(failed) <= _ORDER.index(stage)
        if passed and not self.in_login:
            self._obstacle = None
        if command.verb == "QUIT":
            self._closed = True
            return self._finish()
        if stage is Stage.MAIL:
            return self._next_mail(command.path)
        if command.verb == "RSET" or (stage is Stage.MESSAGE and command.path is None and command.last):
            return self._next_mail(None)
        if stage is Stage.STARTTLS:
            self._handshake = True
        elif stage is Stage.RCPT:
            self._mail.accept(command.path)
        elif stage is Stage.DATA:
            self.in_content = code == 354
        elif command.path is not None:
            self._mail.accepted.pop(command.path, None)
        return []

    def _refused(self, command: Command, reply: tuple[str, ...], code: int) -> list[Failure]:
        stage, recipient = command.stage, command.path
        followed = self._obstacle is not None and code in {503, 530}  # a consequence of the failure before
        if stage is Stage.MAIL:
            failures = self._next_mail(None)
            self._mail.sender = command.path
            if not followed:
                self._obstacle, self._mail.refusal = None, self._failure(stage, reply=reply)
            return failures
        mail, failure = self._mail, self._failure(stage, reply=reply)
        if stage is Stage.RCPT:
            return mail.refuse(recipient, failure, followed=followed)
        if stage in _ORDER:
            if self._obstacle is None or self._obstacle.fault or code not in _OF_SYNTAX:
                self._obstacle = failure
            return []
        if followed or (stage is None and not (code == 421 and mail.accepted)):
            return []
        if recipient is None:
            return mail.decide(failure)
        mail.accepted.pop(recipient, None)  # LMTP
        return of_each(failure, [recipient])

    def _unasked(self, reply: tuple[str, ...], code: int) -> list[Failure]:
        """Read a reply to no command: an idle session ends, or the client's lines are not shown."""
        taken = self._mail.accepted
        if code < 400 or (not taken and (self._heard_client or code in _OF_SYNTAX)):
            return []
        failure = self._failure(None, reply=reply)
        return self._mail.decide(failure) if taken else [failure]

    def _failure(self, stage: Stage | None, reply: tuple[str, ...] = (), words: str = "") -> Failure:
        """A failure of the mail that is under way, without a recipient."""
        sender = self._hints[0] if self._mail.sender is None else self._mail.sender
        host, address = self._host, self._address
        return Failure(sender=sender, host=host, address=address, stage=stage, reply=reply, words=words)

    def _next_mail(self, sender: str | None) -> list[Failure]:
        """End the transaction, return its failures, and begin another."""
        mail, self._mail = self._mail, Transaction(sender)
        if sender is not None and mail.refusal is not None and mail.refusal.code in _OF_SYNTAX:
            mail.refusal = None  # a typing error: the command was repeated
        return mail.end(self._hints[1])

    def _finish(self) -> list[Failure]:
        """End the session and return its remaining failures."""
        obstacle, self._obstacle = self._obstacle, None
        mail, self._mail = self._mail, Transaction()
        (sender, hinted), self._hints = self._hints, (None, ())
        failures = mail.end(hinted)
        if obstacle is None or failures:
            return failures
        sender = sender if mail.sender is None else mail.sender
        return of_each(dataclasses.replace(obstacle, sender=sender), mail.named or hinted)
