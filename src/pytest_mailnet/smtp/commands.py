"""The table of SMTP commands, and how a command line becomes a reply (RFC 5321, 4.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from pytest_mailnet.smtp import hello, security, transaction
from pytest_mailnet.smtp.dialogue import Dialogue
from pytest_mailnet.smtp.manners import USUAL, Manners
from pytest_mailnet.smtp.parameters import LINE_LIMIT
from pytest_mailnet.smtp.paths import CommandError
from pytest_mailnet.values import Stage

__all__ = ["CommandFunction", "OwnDialogue", "answer_command"]

_LINE_SHOWN = 512


class CommandFunction(Protocol):
    """What carries out one command: `hello.ehlo`, `transaction.mail`."""

    def __call__(self, dialogue: Dialogue, line: bytes, argument: str, /) -> bytes:
        """Carry the command out, and return the bytes to send.

        Args:
            dialogue: the conversation.
            line: the whole command line as it came, line end included; the record keeps it.
            argument: what follows the verb, decoded and without spaces around it; "" for nothing.

        Raises:
            CommandError: with the condition of the reply, if the command is not carried out.
        """
        ...


class _Command(NamedTuple):
    carry_out: CommandFunction
    stage: Stage = Stage.OTHER
    naming: str = ""  # the variable of replies that its argument is


def answer_command(dialogue: Dialogue, line: bytes, *, pipelined: bool = False) -> bytes:
    """Answer one command line.

    Args:
        dialogue: the conversation.
        line: the line, line end included; the beginning is enough for a line over the limit.
        pipelined: whether the client has sent more before the reply to this line.

    Returns:
        The bytes to send; b"" after a BDAT whose octets are still to come.
    """
    if dialogue.response_to is not None:
        return dialogue.response_to(line)
    manners = dialogue.manners
    dialogue.read = read = line if manners is USUAL else _as_read(line, manners)
    verb, rest = _parted(read, manners)
    dialogue.argument = rest
    command = (_LMTP_COMMANDS if dialogue.step.lmtp else _COMMANDS).get(verb, _UNKNOWN)
    dialogue.naming = command.naming
    if manners is not USUAL:
        if (ended := _ended(dialogue, line, verb, pipelined=pipelined)) is not None:
            return ended
        command, rest = _as_the_server_knows_it(manners, command, verb, rest)
    if len(line) > LINE_LIMIT and _is_too_long(dialogue, line, verb):
        return dialogue.say(line[:_LINE_SHOWN], "line_too_long")
    try:
        argument = _decoded(dialogue, read, rest.strip())
    except UnicodeDecodeError:
        return dialogue.say(line, "non_ascii_command")
    dialogue.step.pipelined = pipelined
    try:
        if argument and manners.argument_refused:
            _check_argument(manners, verb.decode("ascii", "replace"))
        return command.carry_out(dialogue, line, argument)
    except CommandError as error:
        condition = error.condition
        if dialogue.step.lmtp:
            condition = _IN_LMTP.get(condition, condition)
        if error.details:
            dialogue.step.details = error.details
        return dialogue.mistaken(line, condition, command.stage)


def _as_read(line: bytes, manners: Manners) -> bytes:
    """A line without what the server does not see of it."""
    if manners.nul_in_command == "ends the line":
        line = line.partition(b"\0")[0]
    return line if line.isascii() or manners.eight_bit != "stripped" else bytes(it & 127 for it in line)


def _parted(line: bytes, manners: Manners) -> tuple[bytes, bytes]:
    """The verb of a line, in upper case, and what follows it."""
    if manners.white_space:
        verb, rest = (*line.split(maxsplit=1), b"", b"")[:2]
    else:
        verb, _, rest = line.rstrip(b"\r\n").partition(b" ")
    return verb.upper(), rest


def _check_argument(manners: Manners, verb: str) -> None:
    if verb in manners.argument_refused:
        raise CommandError(f"{verb.lower()}_syntax")


def _decoded(dialogue: Dialogue, line: bytes, rest: bytes) -> str:
    """The argument of a command; raises UnicodeDecodeError where its bytes are none that the server takes."""
    if line.isascii():
        return rest.decode("ascii")
    utf8 = "SMTPUTF8" in dialogue.offer.keywords
    if dialogue.manners.eight_bit == "refused":
        return rest.decode("utf-8" if utf8 else "ascii")
    try:
        line.decode()
    except UnicodeDecodeError:
        if utf8:
            raise
        return rest.decode("latin-1")
    return rest.decode()


def _is_too_long(dialogue: Dialogue, line: bytes, verb: bytes) -> bool:
    # What the server offers is asked for where it matters, which few lines are long enough for.
    limit = dialogue.manners.command_line
    if limit == LINE_LIMIT:
        limit = dialogue.agreed_on.line_limit(verb)
    return 0 < limit < len(line)


def _as_the_server_knows_it(
    manners: Manners, command: _Command, verb: bytes, rest: bytes
) -> tuple[_Command, bytes]:
    """A command and its argument, by what the server knows of it."""
    name = verb.decode("ascii", "replace")
    follows = _FOLLOWS.get(verb)
    if name in manners.unimplemented:
        return _UNIMPLEMENTED, rest
    if name in manners.unknown or (manners.keyword_of_verb and follows and not follows.match(rest)):
        return _UNKNOWN, rest
    return command, b"" if name in manners.without_argument else rest


def _ended(dialogue: Dialogue, line: bytes, verb: bytes, *, pipelined: bool) -> bytes | None:
    """What is said to a line before it is looked at as a command, mostly the last word; None for nothing."""
    manners = dialogue.manners
    if dialogue.exhausted:
        return dialogue.give_up(line)
    if manners.unwelcome and re.match(manners.unwelcome, line.decode("ascii", "replace"), re.IGNORECASE):
        return dialogue.give_up(line, "unwelcome_command")
    if b"\0" in line and manners.nul_in_command == "refused":
        return dialogue.mistaken(line, "nul_in_command", Stage.OTHER)
    if manners.nonmail_commands and dialogue.counts_as_nonmail(verb):
        return dialogue.give_up(line, "too_many_nonmail_commands")
    if manners.unauthorised_pipelining:
        return _too_early(dialogue, line, verb.decode("ascii", "replace"), pipelined=pipelined)
    return None


def _too_early(dialogue: Dialogue, line: bytes, verb: str, *, pipelined: bool) -> bytes | None:
    """What is said to a command that came before it may, or behind one that did; None for nothing."""
    manners = dialogue.manners
    if dialogue.rejecting and verb in {"MAIL", "RCPT", "DATA"}:
        return dialogue.say(line, "command_rejected", Stage(verb.lower()))
    last = verb in manners.last_of_group
    allowed = not last and (manners.goes_on or "PIPELINING" in dialogue.agreed_on.keywords)
    if not pipelined or allowed or verb in manners.pipelined_freely:
        return None
    dialogue.rejecting = manners.goes_on and verb in {"EHLO", "HELO"}
    if dialogue.rejecting:
        return dialogue.say(line, "unauthorised_pipelining", Stage.EHLO)
    return dialogue.give_up(line, "unauthorised_pipelining")


class OwnDialogue(Dialogue):
    """A conversation that the net holds itself."""

    def command(self, line: bytes, *, pipelined: bool = False) -> bytes:
        """Answer one command line, by the table."""
        return answer_command(self, line, pipelined=pipelined)


_FOLLOWS = {b"MAIL": re.compile(rb"FROM:", re.IGNORECASE), b"RCPT": re.compile(rb"TO:", re.IGNORECASE)}
_UNKNOWN = _Command(hello.unknown)
_UNIMPLEMENTED = _Command(hello.unimplemented)
_COMMANDS: Mapping[bytes, _Command] = MappingProxyType(
    {
        b"EHLO": _Command(hello.ehlo, Stage.EHLO),
        b"HELO": _Command(hello.helo, Stage.EHLO),
        b"STARTTLS": _Command(security.starttls, Stage.STARTTLS),
        b"AUTH": _Command(security.auth, Stage.AUTH),
        b"MAIL": _Command(transaction.mail, Stage.MAIL, "sender"),
        b"RCPT": _Command(transaction.rcpt, Stage.RCPT, "recipient"),
        b"DATA": _Command(transaction.data, Stage.DATA),
        b"BDAT": _Command(transaction.bdat, Stage.DATA),
        b"RSET": _Command(transaction.rset, Stage.RSET),
        b"NOOP": _Command(hello.noop, Stage.NOOP),
        b"QUIT": _Command(hello.quit_, Stage.QUIT),
        b"VRFY": _Command(hello.vrfy),
        b"HELP": _Command(hello.help_),
        # Commands that RFCs define have another reply than unknown ones.
        **dict.fromkeys((b"EXPN", b"ETRN", b"TURN", b"ATRN"), _Command(hello.unimplemented)),
    }
)
_LMTP_COMMANDS: Mapping[bytes, _Command] = MappingProxyType(
    {verb: it for verb, it in _COMMANDS.items() if verb not in {b"EHLO", b"HELO"}}
    | {b"LHLO": _COMMANDS[b"EHLO"]}
)
"""RFC 2033, 4.1: LHLO in place of EHLO and HELO, which must not get a positive reply."""

_IN_LMTP: Mapping[str, str] = MappingProxyType(
    {"helo_required": "lhlo_required", "helo_syntax": "lhlo_syntax"}
)
