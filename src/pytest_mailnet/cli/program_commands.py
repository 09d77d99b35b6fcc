"""The commands `mailnet run` and `mailnet doctor`: their arguments."""

from __future__ import annotations

import argparse
import sys
from typing import Any

__all__ = ["add_programs"]

_RUN = """\
Run a command in a net, on Linux: it finds the net's hosts at their addresses and ports, the net's name
server, and nothing else of the world. What it looked up and said is told on standard error when it has ended,
and what is left in queues. The exit status is the command's."""


def add_programs(commands: Any) -> None:
    """Add the commands to the subparsers of a parser; each sets `run` to a function that prints."""
    run = commands.add_parser(
        "run",
        help="run any command in a net, and tell what it looked up and said: `run -- swaks --to a@gmail.com`",
        description=_RUN,
    )
    run.add_argument(
        "--provider",
        action="append",
        default=[],
        metavar="NAME",
        help="a provider as of an era, gmail-2009; or a TOML file of one's own; repeatable",
    )
    run.add_argument(
        "--script",
        metavar="FILE.py",
        help="Python that is run first, with the net as `mailnet`: mailnet.gmail.add_mailbox('alice')",
    )
    run.add_argument("--shell", action="store_true", help="run a shell, to look around by dig and swaks")
    run.add_argument("command_line", nargs=argparse.REMAINDER, metavar="-- COMMAND ...")
    run.set_defaults(run=_run)
    doctor = commands.add_parser("doctor", help="tell whether this machine has namespaces for programs")
    doctor.set_defaults(run=_doctor)


def _run(given: argparse.Namespace) -> int:
    from pytest_mailnet.cli.running import run, shell  # noqa: PLC0415

    words = given.command_line[1:] if given.command_line[:1] == ["--"] else given.command_line
    words = words or (shell() if given.shell else [])
    return run(words, providers=given.provider, script=given.script, err=sys.stderr)


def _doctor(_: argparse.Namespace) -> int:
    from pytest_mailnet.cli.doctor import examine  # noqa: PLC0415

    return examine(sys.stdout)
