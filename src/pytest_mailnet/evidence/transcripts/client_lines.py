"""Lines of SMTP clients (RFC 5321, 4.1.1): commands, their stages, and the paths in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from pytest_mailnet.values import Stage

__all__ = ["Command", "command_of", "is_command"]

_STAGES: Mapping[str, Stage | None] = MappingProxyType(
    {
        "EHLO": Stage.EHLO,
        "HELO": Stage.EHLO,
        "LHLO": Stage.EHLO,
        "STARTTLS": Stage.STARTTLS,
        "AUTH": Stage.AUTH,
        "MAIL": Stage.MAIL,
        "RCPT": Stage.RCPT,
        "DATA": Stage.DATA,
        "BDAT": Stage.MESSAGE,
        **dict.fromkeys(("RSET", "QUIT", "NOOP", "VRFY", "EXPN", "HELP", "ETRN", "XCLIENT", "XFORWARD")),
    }
)
_VERB = re.compile(r"([A-Za-z]{4,8})(?=\s|$)")
_PATH = re.compile(r"\w{4}\s+(?:FROM|TO)\s*:\s*(?:<([^<>]{0,1000})>|([^\s<>]{1,1000}))", re.IGNORECASE)
_CHUNK = re.compile(r"BDAT\s+(\d{1,12})(\s+LAST)?\s*$", re.IGNORECASE)


# "help is on its way" is prose: what is not in capitals has to be short, but for words that no prose has.
_COMMAND = re.compile(
    r"(?i:MAIL\s+FROM|RCPT\s+TO|(?:[EL]HLO|HELO)(?:\s|$)|(?:DATA|RSET|QUIT|STARTTLS)\s*$"
    r"|(?:AUTH|BDAT|NOOP|VRFY|EXPN|HELP|ETRN|XCLIENT|XFORWARD)(?:\s+\S+)?\s*$)"
    r"|(?:AUTH|BDAT|NOOP|VRFY|EXPN|HELP|ETRN|XCLIENT|XFORWARD)\s"
)


class Command(NamedTuple):
    """A command; only its verb and path are kept, since the rest may be a password.

    Attributes:
        verb: the verb in capitals; "" for the greeting, which answers no command.
        stage: the stage that the reply decides; None for a command outside of a mail.
        path: the address in MAIL and RCPT, without brackets and source route; "" for the null sender; None
            for other commands.
        chunk: the number of octets that follow BDAT.
        last: whether no more of the message follows.
    """

    verb: str
    stage: Stage | None
    path: str | None = None
    chunk: int = 0
    last: bool = True


def command_of(line: str) -> Command:
    """The command in a client's line; an unknown one has no stage."""
    found = _VERB.match(line)
    verb = found[1].upper() if found else ""
    stage = _STAGES.get(verb)
    if stage in {Stage.MAIL, Stage.RCPT}:
        path = _PATH.match(line)
        return Command(verb, stage, None if path is None else path[1] or path[2] or "")
    if chunk := _CHUNK.match(line):
        return Command(verb, stage, chunk=int(chunk[1]), last=chunk[2] is not None)
    return Command(verb if verb in _STAGES else "?", stage)


def is_command(line: str) -> bool:
    """Whether a line without a mark looks like a client's command."""
    return _COMMAND.match(line) is not None
