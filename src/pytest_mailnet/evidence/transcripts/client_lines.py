"""What clients say on the wire (RFC 5321, 4.1.1): commands, the stages they belong to, the paths in them."""

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


class Command(NamedTuple):
    """A command; what it says beside verb and path is not kept, for it may be a password.

    Attributes:
        verb: in capitals; "" for a greeting, which answers no command.
        stage: the stage that its reply decides, None where that is of no mail.
        path: the address of MAIL and RCPT without brackets and source route, "" for the null sender.
        chunk: how many octets follow BDAT.
        last: whether nothing of the message is left to come.
    """

    verb: str
    stage: Stage | None
    path: str | None = None
    chunk: int = 0
    last: bool = True


def command_of(line: str) -> Command:
    """The command in a client's line; one that is unknown belongs to no stage."""
    found = _VERB.match(line)
    verb = found[1].upper() if found else ""
    stage = _STAGES.get(verb)
    if stage in {Stage.MAIL, Stage.RCPT}:
        path = _PATH.match(line)
        return Command(verb, stage, None if path is None else _mailbox(path[1] or path[2] or ""))
    if chunk := _CHUNK.match(line):
        return Command(verb, stage, chunk=int(chunk[1]), last=chunk[2] is not None)
    return Command(verb if verb in _STAGES else "?", stage)


def is_command(line: str) -> bool:
    """Whether a line that nobody has marked looks like a client's."""
    found = _VERB.match(line)
    if found is None or found[1].upper() not in _STAGES:
        return False
    rest = line[found.end() :].strip().upper()
    match found[1].upper():
        case "MAIL":
            return rest.startswith("FROM")
        case "RCPT":
            return rest.startswith("TO")
        case "DATA" | "RSET" | "QUIT" | "STARTTLS":
            return not rest
        case verb:
            # "help is on its way" is prose: what is not written in capitals has to be short.
            return verb in {"EHLO", "HELO", "LHLO"} or found[1].isupper() or len(rest.split()) <= 1


def _mailbox(path: str) -> str:
    return path.rpartition(":")[2] if path.startswith("@") else path
