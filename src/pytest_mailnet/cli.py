"""The `mailnet` command."""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

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
        arguments: of the command line; by default those of this process.

    Returns:
        0 for success; 1 for a story that went otherwise, or for nothing found; 2 for a mistake in the
        arguments, or for a file that could not be read or written; 130 where it was interrupted.
    """
    _prepare_streams()
    name = "mailnet"
    try:
        try:
            given = _given(arguments)
            name = f"mailnet {given.command}"
            return _run(given, name)
        finally:
            sys.stdout.flush()  # what nobody reads is told here, and not at the interpreter's end
    except BrokenPipeError:  # of `| head`
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
            stream.reconfigure(errors="replace")  # there may be what no terminal can show


def _write_no_more() -> None:
    """Let go nowhere what Python would still write at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _given(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mailnet", description="A little Internet for mail.")
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    demo = commands.add_parser(
        "demo", help="play the story of Bob, Alice, Carl and a dynamic address over real sockets"
    )
    demo.set_defaults(run=_demo)
    _add_providers(commands)
    _add_replies(commands)
    rules = commands.add_parser(
        "rules", help="list the rules by which providers decide, and when they are on"
    )
    rules.add_argument("--provider", default="", help="only of this one")
    rules.set_defaults(run=_rules)
    _add_faults(commands)
    _add_reproduce(commands)
    given, unknown = parser.parse_known_args(arguments)
    if unknown:
        _refuse(commands.choices.get(given.command, parser), unknown[0])
    if given.command is None:
        parser.print_help(sys.stderr)
        parser.exit(_MISTAKEN)
    return given


class _Version(argparse.Action):
    """Prints the version, which is looked for only then."""

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


def _add_forms(command: argparse.ArgumentParser) -> None:
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--markdown", action="store_true", help="as tables")


def _add_providers(commands: Any) -> None:
    providers = commands.add_parser(
        "providers",
        help="list the providers: domains, hosts, ports, the rules that are on; `providers NAME` tells more",
        description="List the providers that there are, or tell what is known of one.",
    )
    _add_forms(providers)
    providers.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="gmail, outlook, gmail-2009, ..."
    )
    providers.set_defaults(run=_providers)


def _add_replies(commands: Any) -> None:
    replies = commands.add_parser(
        "replies",
        help="list what providers say, with the sources; `replies show ID` prints one",
        description="List the catalogue of replies, or print one as it goes over the wire.",
    )
    replies.add_argument("--provider", default="", help="only of this one: gmail, outlook, gmail-2009, ...")
    replies.add_argument("--stage", default="", help="only at this stage: connect, rcpt, message, ...")
    replies.add_argument("--code", default="", help="only with this beginning of a code: 55, 5.7.26")
    _add_forms(replies)
    replies.add_argument(
        "text", nargs="*", help="only with this text; or: show ID, as in `show gmail/user_unknown`"
    )
    replies.set_defaults(run=_replies)


def _add_faults(commands: Any) -> None:
    faults = commands.add_parser(
        "faults",
        help="list what can go wrong, by the names that `mailnet.fail` and the mark take",
        description="List the faults of DNS, connections, replies and TLS.",
    )
    faults.add_argument("--stage", help="only at this stage: lookup, connect, rcpt, message, ...")
    faults.add_argument("--kind", help="only of this kind: dns, connection, reply, tls")
    _add_forms(faults)
    faults.set_defaults(run=_faults)


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
        "--queue-id", action="append", default=[], metavar="ID", help="of a log, only this mail; repeatable"
    )
    reproduce.set_defaults(run=_reproduce)


def _reproduce(given: argparse.Namespace) -> int:
    from pytest_mailnet.reproduction.command import run  # noqa: PLC0415

    return run(
        given.evidence,
        form=given.form,
        anonymise=given.anonymise,
        queue_ids=given.queue_id,
        out=sys.stdout,
        err=sys.stderr,
    )


def _demo(_: argparse.Namespace) -> int:
    from pytest_mailnet.demo import play  # noqa: PLC0415

    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return 0 if play(print, colour=colour) else 1


def _providers(given: argparse.Namespace) -> int:
    from pytest_mailnet.listing import providers as listing  # noqa: PLC0415
    from pytest_mailnet.providers import catalogue_with  # noqa: PLC0415

    catalogue = catalogue_with()
    stems = [catalogue.stem(given.name)] if given.name else catalogue.stems
    return _print(
        given,
        json=lambda: [listing.as_json(catalogue, stems)],
        markdown=lambda: listing.as_markdown(catalogue, stems),
        text=lambda width: (
            listing.in_detail(catalogue, stems[0]) if given.name else listing.as_text(catalogue, stems, width)
        ),
    )


def _rules(given: argparse.Namespace) -> int:
    from pytest_mailnet.listing import rules as listing  # noqa: PLC0415
    from pytest_mailnet.providers import catalogue_with  # noqa: PLC0415

    print("\n".join(listing.as_markdown(catalogue_with(), given.provider)).strip())
    return 0


def _faults(given: argparse.Namespace) -> int:
    from pytest_mailnet.faults import faults_of  # noqa: PLC0415
    from pytest_mailnet.listing import faults as listing  # noqa: PLC0415

    found = faults_of(stage=given.stage, kind=given.kind)
    return _print(
        given,
        json=lambda: [listing.as_json(found)],
        markdown=lambda: listing.as_markdown(found),
        text=lambda width: listing.as_text(found, width),
    )


def _replies(given: argparse.Namespace) -> int:
    from pytest_mailnet.listing import replies as listing  # noqa: PLC0415
    from pytest_mailnet.providers import catalogue_with  # noqa: PLC0415

    catalogue = catalogue_with()
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
    _print(
        given,
        json=lambda: [listing.as_json(found)],
        markdown=lambda: listing.as_markdown(found),
        text=lambda width: listing.as_text(found, width),
    )
    if not found:
        print("mailnet replies: nothing fits; leave out a condition, or a word", file=sys.stderr)
    return 0 if found else 1


def _print(
    given: argparse.Namespace,
    *,
    json: Callable[[], Iterable[str]],
    markdown: Callable[[], Iterable[str]],
    text: Callable[[int | None], Iterable[str]],
) -> int:
    """Print a listing in the form that is asked for; as text it keeps to the width of a terminal."""
    if given.json:
        lines = json()
    elif given.markdown:
        lines = markdown()
    else:
        lines = text(shutil.get_terminal_size().columns if sys.stdout.isatty() else None)
    for line in lines:
        print(line)
    return 0
