"""EHLO and HELO, and the commands that belong to no mail (RFC 5321, 4.1.1).

Each function has the signature and the arguments of `commands.CommandFunction`.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from pytest_mailnet.smtp.paths import CommandError
from pytest_mailnet.smtp.state import agreed
from pytest_mailnet.values import Reply, Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.dialogue import Dialogue

__all__ = ["ehlo", "helo", "help_", "noop", "quit_", "unimplemented", "unknown", "vrfy"]

_UNIMPLEMENTED = {"ATRN": "command_unimplemented"}
_WITH_ARGUMENT = ("ETRN", "EXPN")


def ehlo(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Greet the client, and list the extensions."""
    extensions = dialogue.service.extension_lines(dialogue.step)
    if extensions is None:
        return dialogue.unknown(line)
    return _hello(dialogue, line, argument, "ok_ehlo", extensions)


def helo(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Greet a client that uses no extensions."""
    return _hello(dialogue, line, argument, "ok_helo", ())


def _hello(
    dialogue: Dialogue, line: bytes, argument: str, condition: str, extensions: tuple[str, ...]
) -> bytes:
    step, manners = dialogue.step, dialogue.manners
    if step.helo and manners.hello_once:
        raise CommandError("helo_repeated")
    if not _named(manners.hello_name).fullmatch(argument):
        verb = line.split(maxsplit=1)[0].decode("ascii", "replace").upper()
        raise CommandError("helo_invalid" if argument else "helo_syntax", command=verb)
    before = step.helo, step.extended
    step.helo, step.extended = argument, condition == "ok_ehlo"
    answer = dialogue.decide(Stage.EHLO)
    if answer is None:
        answer = _with_extensions(dialogue.service.phrase(condition), extensions)
    if agreed(answer):
        dialogue.reset()
    else:  # RFC 5321, 4.1.4: all stays as it was
        step.helo, step.extended = before
    return dialogue.answer(Stage.EHLO, line, answer, condition)


@functools.lru_cache(maxsize=64)
def _named(form: str) -> re.Pattern[str]:
    return re.compile(form)


@functools.lru_cache(maxsize=256)
def _with_extensions(usual: Reply, extensions: tuple[str, ...]) -> Reply:
    return Reply(usual.code, (*usual.lines, *extensions), usual.enhanced) if extensions else usual


def noop(dialogue: Dialogue, line: bytes, argument: str) -> bytes:  # noqa: ARG001  # RFC 5321, 4.1.1.9: ignored
    """Do nothing."""
    return dialogue.aside(Stage.NOOP, line, "ok_noop")[1]


def vrfy(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Answer VRFY without telling whether the mailbox exists."""
    manners = dialogue.manners
    if not dialogue.step.helo and "VRFY" in manners.hello_first:
        raise CommandError("vrfy_before_ehlo")
    if not argument:
        return dialogue.aside(Stage.OTHER, line, "vrfy_syntax")[1]
    if manners.verifies:
        address = argument.strip("<>")
        known = dialogue.service.has_mailbox(address)
        dialogue.step.details = {"user": address.partition("@")[0], "recipient": address}
        condition = "vrfy_foreign" if known is None else "vrfy_user_known" if known else "vrfy_user_unknown"
        return dialogue.aside(Stage.OTHER, line, condition)[1]
    return dialogue.aside(Stage.OTHER, line, "vrfy" if "@" in argument else "vrfy_without_domain")[1]


def help_(dialogue: Dialogue, line: bytes, argument: str) -> bytes:  # noqa: ARG001
    """Answer HELP with the provider's usual text."""
    return dialogue.aside(Stage.OTHER, line, "help")[1]


def quit_(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """End the session."""
    if argument:
        raise CommandError("quit_syntax")
    yes, said = dialogue.aside(Stage.QUIT, line, "ok_quit")
    if yes:
        dialogue.close("client quit")
    return said


def unimplemented(dialogue: Dialogue, line: bytes, argument: str) -> bytes:
    """Refuse a command that RFCs define and this server does not implement."""
    verb = dialogue.read.split(maxsplit=1)[0].decode("ascii", "replace").upper()
    condition = "turn" if verb in dialogue.manners.unimplemented else _UNIMPLEMENTED.get(verb, verb.lower())
    if verb in _WITH_ARGUMENT and not argument:
        condition = f"{condition}_syntax"
    dialogue.step.details = {"command": line.strip().decode("utf-8", "backslashreplace")}
    return dialogue.aside(Stage.OTHER, line, condition)[1]


def unknown(dialogue: Dialogue, line: bytes, argument: str) -> bytes:  # noqa: ARG001
    """Refuse a command that the server does not know."""
    return dialogue.unknown(line)
