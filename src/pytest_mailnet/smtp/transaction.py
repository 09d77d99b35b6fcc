"""MAIL, RCPT, DATA, BDAT and RSET: the commands of one mail (RFC 5321, 4.1.1; RFC 3030).

Each function has the signature and the arguments of `commands.CommandFunction`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_mailnet.smtp.data import Content
from pytest_mailnet.smtp.parameters import NO_PARAMETERS, check_rcpt_parameters, read_mail_parameters
from pytest_mailnet.smtp.paths import CommandError, forward_path, reverse_path
from pytest_mailnet.smtp.state import agreed
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.dialogue import Dialogue

__all__ = ["bdat", "data", "mail", "rcpt", "rset"]

_BDAT = re.compile(r"([0-9]{1,20})( +LAST)?", re.IGNORECASE)


def mail(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Begin a mail, and name its sender."""
    step = dialogue.step
    _check_hello(dialogue)
    if step.reverse_path is not None:
        raise CommandError("nested_mail")
    path = reverse_path(argument, lenient=not dialogue.manners.checks_paths)
    size, utf8, binary = (
        read_mail_parameters(path.parameters, dialogue.agreed_on) if path.parameters else NO_PARAMETERS
    )
    if not (utf8 or path.address.isascii()):
        raise CommandError("smtputf8_required")
    step.reverse_path, step.mail_options = path
    step.declared_size, dialogue.utf8, dialogue.binary = size, utf8, binary
    answer = dialogue.decide(Stage.MAIL)
    said = dialogue.answer(Stage.MAIL, line, answer, "ok_mail")
    if not agreed(answer):
        dialogue.reset()
    return said


def rcpt(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Name one recipient."""
    step = dialogue.step
    if step.reverse_path is None:
        _check_hello(dialogue)
        raise CommandError("rcpt_before_mail")
    path = forward_path(argument, lenient=not dialogue.manners.checks_paths)
    if path.parameters:
        check_rcpt_parameters(path.parameters, dialogue.agreed_on)
    if not (dialogue.utf8 or path.address.isascii()):
        raise CommandError("smtputf8_required")
    step.recipient, step.options = path
    answer = dialogue.decide(Stage.RCPT)
    said = dialogue.answer(Stage.RCPT, line, answer, "ok_rcpt")
    step.recipient = None
    if agreed(answer):
        step.recipients.append(path.address)
        step.rcpt_options.append(path.parameters)
    else:
        dialogue.rcpt_refused = True
    return said


def data(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Ask for the content of the mail, up to the final dot."""
    _check_hello(dialogue)
    if argument:
        raise CommandError("data_syntax")
    _check_recipients(dialogue)
    if dialogue.binary or dialogue.chunks:  # RFC 3030, 2 and 3
        raise CommandError("data_after_bdat")
    answer = dialogue.decide(Stage.DATA)
    said = dialogue.answer(Stage.DATA, line, answer, "ok_data")
    if agreed(answer):
        dialogue.reading = _Mail(dialogue)
    return said


def bdat(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Begin a chunk of the content. The reply follows when all of its octets have come."""
    if "CHUNKING" not in dialogue.offer.keywords:
        return dialogue.unknown(line, "bdat_not_offered")
    size = _BDAT.fullmatch(argument)
    if size is None:
        raise CommandError("bdat_syntax")
    dialogue.reading = _Chunk(dialogue, line, int(size[1]), last=bool(size[2]))
    return b""


def rset(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Forget the current mail."""
    if argument:
        raise CommandError("rset_syntax")
    yes, said = dialogue.aside(Stage.RSET, line, "ok_rset")
    if yes:
        dialogue.reset()
    return said


def _check_hello(dialogue: Dialogue) -> None:
    if dialogue.manners.hello_required and not dialogue.step.helo:
        raise CommandError("helo_required")


def _check_recipients(dialogue: Dialogue) -> None:
    if not dialogue.step.recipients:
        raise CommandError("no_valid_recipients" if dialogue.rcpt_refused else "data_before_rcpt")


def _take(dialogue: Dialogue, content: bytes) -> bytes:
    """Decide about a complete mail, deliver it if accepted, and reply."""
    dialogue.step.content = content
    answer = dialogue.decide(Stage.MESSAGE)
    if agreed(answer):
        answer = dialogue.deliver(content) or answer
        dialogue.step.messages += 1
    return dialogue.answer(Stage.MESSAGE, content, answer, "ok_queued")


class _Mail:
    """Reads the content between the reply to DATA and the final dot."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        manners = dialogue.manners
        self._content = Content(dialogue.offer.size_limit, manners.content_line, manners.bare_line_feed)
        self.feed = self._content.feed

    @property
    def begun(self) -> bytes:
        return self._content.begun

    def finish(self) -> bytes:
        dialogue = self._dialogue
        content, problem = self._content.taken()
        if problem is None:
            said = _take(dialogue, content)
        else:
            dialogue.step.details = {"octets": str(self._content.longest_line)}
            said = dialogue.say(content, problem, Stage.MESSAGE)
        dialogue.reset()
        return said


class _Chunk:
    """Reads the octets after a BDAT command. They come even if the command is refused."""

    def __init__(self, dialogue: Dialogue, line: bytes, size: int, *, last: bool) -> None:
        self._dialogue = dialogue
        self._line = line
        self._missing = size
        self._last = last
        self._held: list[bytes] = []
        limit = dialogue.offer.size_limit
        begun = sum(map(len, dialogue.chunks))
        self._size = size
        self._too_big = limit is not None and begun + size > limit

    @property
    def begun(self) -> bytes:
        return self._line + b"".join(self._held)

    def feed(self, data: bytes) -> bytes | None:
        own, behind = data[: self._missing], data[self._missing :]
        self._missing -= len(own)
        if not self._too_big:
            self._held.append(own)
        return None if self._missing else behind

    def finish(self) -> bytes:
        dialogue = self._dialogue
        try:
            self._check()
        except CommandError as error:
            return dialogue.say(self._line, error.condition, Stage.DATA)
        if not dialogue.chunks:
            answer = dialogue.decide(Stage.DATA)
            # 354 is for DATA alone: to a chunk a yes is 250.
            if not agreed(answer):
                return dialogue.answer(Stage.DATA, self._line, answer, "ok_chunk")
        dialogue.chunks.append(b"".join(self._held))
        if not self._last:
            dialogue.step.details = {"octets": str(self._size)}
            return dialogue.say(self._line, "ok_chunk", Stage.DATA)
        said = _take(dialogue, b"".join(dialogue.chunks))
        dialogue.reset()
        return said

    def _check(self) -> None:
        dialogue = self._dialogue
        _check_hello(dialogue)
        _check_recipients(dialogue)
        if self._too_big:
            dialogue.reset()
            raise CommandError("message_too_big")
