"""MAIL, RCPT, DATA, BDAT and RSET: the commands of one mail (RFC 5321, 4.1.1; RFC 3030).

Each function has the signature and the arguments of `commands.CommandFunction`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_mailnet.smtp.data import Content
from pytest_mailnet.smtp.parameters import NO_PARAMETERS, check_rcpt_parameters, read_mail_parameters
from pytest_mailnet.smtp.paths import CommandError, forward_path, reverse_path, why_malformed
from pytest_mailnet.smtp.state import agreed
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.dialogue import Dialogue
    from pytest_mailnet.smtp.manners import Manners
    from pytest_mailnet.smtp.service import Answer

__all__ = ["bdat", "data", "mail", "rcpt", "rset"]

_BDAT = re.compile(r"([0-9]{1,20})( +LAST)?", re.IGNORECASE)


def mail(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Begin a mail, and name its sender."""
    step, manners = dialogue.step, dialogue.manners
    _check_hello(dialogue, "MAIL")
    if step.reverse_path is not None:
        raise CommandError("nested_mail")
    _check_path(manners, argument, "bad_sender_syntax")
    path = reverse_path(argument, lenient=not manners.checks_paths)
    size, utf8, binary = (
        read_mail_parameters(path.parameters, dialogue.agreed_on, manners)
        if path.parameters
        else NO_PARAMETERS
    )
    if not (utf8 or manners.eight_bit != "refused" or path.address.isascii()):
        raise CommandError("smtputf8_required")
    step.reverse_path, step.mail_options = path
    dialogue.naming = ""
    step.declared_size, dialogue.utf8, dialogue.binary = size, utf8, binary
    answer = dialogue.decide(Stage.MAIL)
    said = dialogue.answer(Stage.MAIL, line, answer, "ok_mail")
    if not agreed(answer):
        dialogue.reset()
    return said


def rcpt(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Name one recipient."""
    step, manners = dialogue.step, dialogue.manners
    if step.reverse_path is None:
        _check_hello(dialogue, "RCPT")
        raise CommandError("rcpt_before_mail")
    _check_path(manners, argument, "bad_recipient_syntax")
    path = forward_path(argument, lenient=not manners.checks_paths)
    if manners.restricted and re.match(manners.restricted, path.address.rpartition("@")[0]):
        raise CommandError("recipient_restricted")
    if path.parameters:
        check_rcpt_parameters(path.parameters, dialogue.agreed_on, manners)
    if not (dialogue.utf8 or manners.eight_bit != "refused" or path.address.isascii()):
        raise CommandError("smtputf8_required")
    step.recipient, step.options = path
    dialogue.naming = ""
    answer = dialogue.decide(Stage.RCPT)
    said = dialogue.answer(Stage.RCPT, line, answer, "ok_rcpt")
    step.recipient = None
    if agreed(answer):
        step.recipients.append(path.address)
        step.rcpt_options.append(path.parameters)
    else:
        dialogue.rcpt_refused = True
        dialogue.refusal = said[4:].partition(b"\r\n")[0].decode("utf-8", "replace")
    return said


def data(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Ask for the content of the mail, up to the final dot."""
    _check_hello(dialogue, "DATA")
    if argument:
        raise CommandError("data_syntax")
    _check_recipients(dialogue, "data")
    if dialogue.binary or dialogue.chunks:  # RFC 3030, 2 and 3
        raise CommandError("data_after_bdat")
    answer = dialogue.decide(Stage.DATA)
    said = dialogue.answer(Stage.DATA, line, answer, "ok_data")
    if agreed(answer):
        dialogue.reading = _Mail(dialogue)
    return said


def bdat(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Begin a chunk of the content. The reply follows when all of its octets have come."""
    if "CHUNKING" not in dialogue.offered.keywords:
        return dialogue.unknown(line, "bdat_not_offered")
    size = _BDAT.fullmatch(argument)
    if size is None:
        raise CommandError("bdat_syntax")
    dialogue.reading = _Chunk(dialogue, line, int(size[1]), last=bool(size[2]))
    return b""


def rset(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Forget the current mail."""
    _check_hello(dialogue, "RSET")
    if argument:
        raise CommandError("rset_syntax")
    yes, said = dialogue.aside(Stage.RSET, line, "ok_rset")
    if yes:
        dialogue.reset()
    return said


def _check_hello(dialogue: Dialogue, verb: str) -> None:
    if not dialogue.step.helo and verb in dialogue.manners.hello_first:
        raise CommandError("helo_required")


def _check_path(manners: Manners, argument: str, condition: str) -> None:
    written = argument.partition(":")[2].strip()
    if manners.path and written and not re.match(manners.path, written):
        raise CommandError(why_malformed(written, condition))


def _check_recipients(dialogue: Dialogue, verb: str) -> None:
    step = dialogue.step
    if not step.recipients:
        if step.reverse_path is None:
            raise CommandError(f"{verb}_before_mail")
        refused = dialogue.rcpt_refused and not step.lmtp  # RFC 2033, 4.2: in LMTP always 503
        if not refused:
            raise CommandError(f"{verb}_before_rcpt")
        raise CommandError("no_valid_recipients", reason=dialogue.refusal)


def _take(dialogue: Dialogue, content: bytes, condition: str = "ok_queued") -> bytes:
    """Decide about a complete mail, deliver it if accepted, reply, and forget it."""
    if dialogue.step.lmtp:
        from pytest_mailnet.smtp.lmtp import take_for_each  # noqa: PLC0415  # few tests speak LMTP

        return take_for_each(dialogue, content)
    dialogue.step.content = content
    hops = dialogue.manners.hops
    if hops and sum(name == "received" for name, _ in dialogue.step.header_fields) > hops:
        said = dialogue.say(content, "mail_loop", Stage.MESSAGE)
        dialogue.reset()
        return said
    answer = dialogue.decide(Stage.MESSAGE)
    if agreed(answer):
        answer = dialogue.deliver(content) or answer
        dialogue.step.messages += 1
    said = dialogue.answer(Stage.MESSAGE, content, answer, condition)
    dialogue.reset()
    return said


def _refuse(dialogue: Dialogue, stage: Stage, request: bytes, condition: str, answer: Answer = None) -> bytes:
    """Answer a mail that has come to its end and is not taken."""
    if dialogue.step.lmtp:
        from pytest_mailnet.smtp.lmtp import answer_each  # noqa: PLC0415  # as in `_take`

        return answer_each(dialogue, request, answer, condition)
    return dialogue.answer(stage, request, answer, condition)


class _Mail:
    """Reads the content between the reply to DATA and the final dot."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        manners = dialogue.manners
        self._content = Content(
            dialogue.offer.size_limit,
            manners.content_line,
            manners.bare_line_feed,
            nul_bytes=manners.nul_bytes,
        )
        self.feed = self._content.feed

    @property
    def begun(self) -> bytes:
        return self._content.begun

    def finish(self) -> bytes:
        dialogue = self._dialogue
        content, problem = self._content.taken()
        if problem is None:
            return _take(dialogue, content)
        dialogue.step.details = {"octets": str(self._content.longest_line)}
        said = _refuse(dialogue, Stage.MESSAGE, content, problem)
        if not dialogue.owed:
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
        if self._too_big:
            said = self._refuse("message_too_big")
            if not dialogue.owed:
                dialogue.reset()
            return said
        if not dialogue.chunks:
            answer = dialogue.decide(Stage.DATA)
            # 354 is for DATA alone: to a chunk a yes is 250.
            if not agreed(answer):
                return self._refuse("ok_chunk", answer)
        dialogue.chunks.append(b"".join(self._held))
        if not self._last:
            dialogue.step.details = {"octets": str(self._size)}
            return dialogue.say(self._line, "ok_chunk", Stage.DATA)
        content = b"".join(dialogue.chunks)
        # Servers that keep mails as lines give the last one its end.
        total = len(content) + (0 if content.endswith(b"\r\n") else 2)
        dialogue.step.details = {"octets": str(self._size), "total": str(total)}
        return _take(dialogue, content, "ok_queued_chunks")

    def _check(self) -> None:
        dialogue = self._dialogue
        _check_hello(dialogue, "BDAT")
        _check_recipients(dialogue, "bdat")

    def _refuse(self, condition: str, answer: Answer = None) -> bytes:
        if self._last:
            return _refuse(self._dialogue, Stage.DATA, self._line, condition, answer)
        return self._dialogue.answer(Stage.DATA, self._line, answer, condition)
