"""The `mailnet` command."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from pytest_mailnet.cli.auditing import add_audit
from pytest_mailnet.cli.list_commands import add_listings
from pytest_mailnet.cli.program_commands import add_programs

__all__ = ["main"]

_EVIDENCE = (
    "a bounce, an mbox, a Maildir or other folder, a mail log, a transcript, a traceback, a web hook's JSON; "
    "standard input without one"
)
_MISTAKEN = 2
_INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Args:
        arguments: the arguments of the command line; None for those of this process.

    Returns:
    add_programs(commands)
        0 for success; 1 if the demo's replies differ, if nothing was found, or for the mistakes that an audit
        has found; 2 for a mistake in the arguments, or if a file could not be read or written; 130 if it was
        interrupted.
    """
    _prepare_streams()
    name = "mailnet"
    try:
        try:
            given = _given(arguments)
            name = f"mailnet {given.command}"
            return _run(given, name)
        finally:
            sys.stdout.flush()  # so that a closed pipe is noticed here, not at the interpreter's end
    except BrokenPipeError:  # such as by `| head`
        _write_no_more()
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        _write_no_more()
        print(f"{name}: {error}", file=sys.stderr)
        return _MISTAKEN


def _run(given: argparse.Namespace, name: str) -> int:
    from pytest_mailnet.errors import MailNetError  # noqa: PLC0415

    try:
        return int(given.run(given))
    except MailNetError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return _MISTAKEN


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed, by `>&-`
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # some text may not be encodable for the terminal


def _write_no_more() -> None:
    """Discard the output that Python would still write at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _given(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mailnet", description="A little Internet for mail.")
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    demo = commands.add_parser(
        "demo", help="play the story of Bob, Alice, Carl and a dynamic address over real sockets"
    )
    demo.set_defaults(run=_demo)
    add_listings(commands)
    _add_reproduce(commands)
    add_programs(commands)
    add_audit(commands)
    typed = list(sys.argv[1:] if arguments is None else arguments)
    words: list[str] = []
    if typed[:1] == ["audit"] and "--" in typed:  # behind it stands the command of somebody else
        at = typed.index("--")
        typed, words = typed[:at], typed[at + 1 :]
    given, unknown = parser.parse_known_args(typed)
    given.words = words
    if unknown:
        _refuse(commands.choices.get(given.command, parser), unknown[0])
    if given.command is None:
        parser.print_help(sys.stderr)
        parser.exit(_MISTAKEN)
    return given


class _Version(argparse.Action):
    """Prints the version, which is looked up only on request."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib import metadata  # noqa: PLC0415

        try:
            version = metadata.version("pytest-mailnet")
        except metadata.PackageNotFoundError:
            version = "(not installed)"
        print(f"pytest-mailnet {version}")
        parser.exit()


def _refuse(parser: argparse.ArgumentParser, argument: str) -> NoReturn:
    from pytest_mailnet.errors import amongst  # noqa: PLC0415

    options = re.findall(r"--[a-z-]+", parser.format_usage())
    parser.error(f"it does not take {argument!r}{amongst(argument, options) if options else ''}")


def _add_reproduce(commands: Any) -> None:
    reproduce = commands.add_parser(
        "reproduce",
        help="tell what production said: bounces, logs, transcripts, web hooks; as text, JSON, or tests",
        description="Read evidence of failed mail, and tell for each failed recipient who said what, where.",
    )
    reproduce.add_argument("evidence", nargs="*", default=["-"], metavar="FILE", help=_EVIDENCE)
    reproduce.add_argument(
        "--as",
        dest="form",
        choices=("text", "test", "toml", "json"),
        default="text",
        help="text for people (the default); pytest tests; entries of a phrasebook; JSON",
    )
    reproduce.add_argument(
        "--anonymise",
        action="store_true",
        help="replace addresses, hosts, ids and names of files, the same by the same",
    )
    reproduce.add_argument(
        "--queue-id", action="append", default=[], metavar="ID", help="only this mail, of logs; repeatable"
    )
    reproduce.add_argument(
        "--explain",
        action="store_true",
        help="tell for each value in which line of the file it stands, or by which rule it was inferred",
    )
    reproduce.set_defaults(run=_reproduce)


def _reproduce(given: argparse.Namespace) -> int:
    from pytest_mailnet.cli.reproduction import run  # noqa: PLC0415

    return run(
        given.evidence,
        form=given.form,
        anonymise=given.anonymise,
        explain=given.explain,
        queue_ids=given.queue_id,
        out=sys.stdout,
        err=sys.stderr,
    )


def _demo(_: argparse.Namespace) -> int:
    from pytest_mailnet.cli.demo import play  # noqa: PLC0415

    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return 0 if play(print, colour=colour) else 1
