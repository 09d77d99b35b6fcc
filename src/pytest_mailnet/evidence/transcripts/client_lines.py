"""Lines of SMTP clients (RFC 5321, 4.1.1): commands, their stages, and the paths in them."""

from __future__ import annotations

import re
from typing import NamedTuple

from pytest_mailnet.values import Stage

__all__ = ["Command", "command_of", "is_command"]

_STAGES = {
    it.upper(): it for it in (Stage.EHLO, Stage.STARTTLS, Stage.AUTH, Stage.MAIL, Stage.RCPT, Stage.DATA)
}
_STAGES |= {"HELO": Stage.EHLO, "LHLO": Stage.EHLO, "BDAT": Stage.MESSAGE}
_VERB = re.compile(r"([A-Za-z]{4,8})(?=\s|$)")
_PATH = re.compile(
    r"(?:MAIL|RCPT)\s+(?:FROM|TO)\s*:\s*(?:<([^<>]{0,1000})>|([^\s<>]{1,1000}))", re.IGNORECASE
)
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
        path: the address in MAIL and RCPT, without brackets; "" for the null sender; None for other commands.
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
    found, path, chunk = _VERB.match(line), _PATH.match(line), _CHUNK.match(line)
    verb = found[1].upper() if found else ""
    command = Command(verb, _STAGES.get(verb), path and (path[1] or path[2] or ""))
    return command._replace(chunk=int(chunk[1]), last=chunk[2] is not None) if chunk else command


def is_command(line: str) -> bool:
    """Whether a line without a mark looks like a client's command."""
    return _COMMAND.match(line) is not None
