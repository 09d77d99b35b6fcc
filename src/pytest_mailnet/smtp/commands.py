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
    verb, _, rest = line.rstrip(b"\r\n").partition(b" ")
    verb = verb.upper()
    command = (_LMTP_COMMANDS if dialogue.step.lmtp else _COMMANDS).get(verb, _UNKNOWN)
    if dialogue.manners is not USUAL:
        if (ended := _ended(dialogue, line, verb, pipelined=pipelined)) is not None:
            return ended
        command, rest = _as_the_server_knows_it(dialogue.manners, command, verb, rest)
    if len(line) > LINE_LIMIT and _is_too_long(dialogue, line, verb):
        return dialogue.say(line[:_LINE_SHOWN], "line_too_long")
    try:
        plain = line.isascii() or "SMTPUTF8" not in dialogue.offer.keywords
        argument = rest.strip().decode("ascii" if plain else "utf-8")
    except UnicodeDecodeError:
        return dialogue.say(line, "non_ascii_command")
    dialogue.step.pipelined = pipelined
    try:
        return command.carry_out(dialogue, line, argument)
    except CommandError as error:
        condition = error.condition
        if dialogue.step.lmtp:
            condition = _IN_LMTP.get(condition, condition)
        if error.details:
            dialogue.step.details = error.details
        return dialogue.say(line, condition, command.stage)


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
    if name in manners.unknown or (manners.keyword_of_verb and follows and not follows.match(rest)):
        return _UNKNOWN, rest
    return command, b"" if name in manners.without_argument else rest


def _ended(dialogue: Dialogue, line: bytes, verb: bytes, *, pipelined: bool) -> bytes | None:
    """What ends the session before a line is looked at as a command; None for nothing."""
    manners = dialogue.manners
    if dialogue.exhausted:
        return dialogue.give_up(line)
    if manners.unwelcome and re.match(manners.unwelcome, line.decode("ascii", "replace"), re.IGNORECASE):
        return dialogue.give_up(line, "unwelcome_command")
    if pipelined and manners.unauthorised_pipelining:
        name = verb.decode("ascii", "replace")
        allowed = "PIPELINING" in dialogue.agreed_on.keywords and name not in manners.last_of_group
        if not allowed and name not in manners.pipelined_freely:
            return dialogue.give_up(line, "unauthorised_pipelining")
    return None


class OwnDialogue(Dialogue):
    """A conversation that the net holds itself."""

    def command(self, line: bytes, *, pipelined: bool = False) -> bytes:
        """Answer one command line, by the table."""
        return answer_command(self, line, pipelined=pipelined)


_FOLLOWS = {b"MAIL": re.compile(rb"FROM:", re.IGNORECASE), b"RCPT": re.compile(rb"TO:", re.IGNORECASE)}
_UNKNOWN = _Command(hello.unknown)
_COMMANDS: Mapping[bytes, _Command] = MappingProxyType(
    {
        b"EHLO": _Command(hello.ehlo, Stage.EHLO),
        b"HELO": _Command(hello.helo, Stage.EHLO),
        b"STARTTLS": _Command(security.starttls, Stage.STARTTLS),
        b"AUTH": _Command(security.auth, Stage.AUTH),
        b"MAIL": _Command(transaction.mail, Stage.MAIL),
        b"RCPT": _Command(transaction.rcpt, Stage.RCPT),
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
