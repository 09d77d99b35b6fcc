"""The `mailnet` command."""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

__all__ = ["main"]

_EVIDENCE = (
    "a bounce, an mbox, a Maildir or other folder, a mail log, a transcript, a traceback, a web hook's JSON; "
    "standard input without one"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Args:
        arguments: of the command line; by default those of this process.

    Returns:
        0 for success; 1 for a story that went otherwise, or for nothing found; 2 for a mistake in the
        arguments.
    """
    parser = argparse.ArgumentParser(prog="mailnet", description="A little Internet for mail.")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo", help="play the story of Bob, Alice, Carl and a dynamic address over real sockets"
    )
    demo.set_defaults(run=_demo)
    replies = commands.add_parser(
        "replies",
        help="list what providers say, with the sources; `replies show ID` prints one",
        description="List the catalogue of replies, or print one as it goes over the wire.",
    )
    replies.add_argument("--provider", default="", help="only of this one: gmail, outlook, gmail-2009, ...")
    replies.add_argument("--stage", default="", help="only at this stage: connect, rcpt, message, ...")
    replies.add_argument("--code", default="", help="only with this beginning of a code: 55, 5.7.26")
    form = replies.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--markdown", action="store_true", help="as tables")
    replies.add_argument(
        "text", nargs="*", help="only with this text; or: show ID, as in `show gmail/user_unknown`"
    )
    replies.set_defaults(run=_replies)
    rules = commands.add_parser(
        "rules", help="list the rules by which providers decide, and when they are on"
    )
    rules.add_argument("--provider", default="", help="only of this one")
    rules.set_defaults(run=_rules)
    _add_reproduce(commands)
    given, unknown = parser.parse_known_args(arguments)
    if unknown:
        _refuse(commands.choices[given.command], unknown[0])
    return int(given.run(given))


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
        "--anonymise", action="store_true", help="replace addresses, hosts and ids, the same by the same"
    )
    reproduce.add_argument(
        "--queue-id", action="append", default=[], metavar="ID", help="of a log, only this mail; repeatable"
    )
    reproduce.set_defaults(run=_reproduce)


def _reproduce(given: argparse.Namespace) -> int:
    from pytest_mailnet.errors import MailNetError  # noqa: PLC0415
    from pytest_mailnet.reproduction.command import run  # noqa: PLC0415

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # evidence may hold what no terminal can show
    try:
        return run(
            given.evidence,
            form=given.form,
            anonymise=given.anonymise,
            queue_ids=given.queue_id,
            out=sys.stdout,
            err=sys.stderr,
        )
    except MailNetError as error:
        print(f"mailnet reproduce: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _demo(_: argparse.Namespace) -> int:
    from pytest_mailnet.demo import play  # noqa: PLC0415

    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return 0 if play(print, colour=colour) else 1


def _rules(given: argparse.Namespace) -> int:
    from pytest_mailnet.errors import MailNetError  # noqa: PLC0415
    from pytest_mailnet.listing import rules_as_markdown  # noqa: PLC0415
    from pytest_mailnet.providers import catalogue_with  # noqa: PLC0415

    try:
        lines = list(rules_as_markdown(catalogue_with(), given.provider))
    except MailNetError as error:
        print(f"mailnet rules: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines).strip())
    return 0


def _replies(given: argparse.Namespace) -> int:
    from pytest_mailnet import listing  # noqa: PLC0415
    from pytest_mailnet.errors import MailNetError  # noqa: PLC0415
    from pytest_mailnet.providers import catalogue_with  # noqa: PLC0415

    catalogue = catalogue_with()
    try:
        if given.text[:1] == ["show"] and len(given.text) == 2:
            sys.stdout.write(listing.shown(catalogue, given.text[1]).decode().replace("\r\n", "\n"))
            return 0
        found = listing.entries(
            catalogue,
            provider=given.provider,
            stage=given.stage,
            code=given.code,
            text=" ".join(given.text),
        )
    except MailNetError as error:
        print(f"mailnet replies: {error}", file=sys.stderr)
        return 2
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    lines = (
        [listing.as_json(found)]
        if given.json
        else listing.as_markdown(found)
        if given.markdown
        else listing.as_text(found, width)
    )
    try:
        for line in lines:
            print(line)
    except BrokenPipeError:  # of `| head`; what Python would still write at its end must go nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if not found:
        print("mailnet replies: nothing fits; leave out a condition, or a word", file=sys.stderr)
    return 0 if found else 1
