"""The commands `mailnet providers`, `replies`, `rules` and `faults`: their arguments and output."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["add_listings"]

_NARROWEST = 40  # columns, even if the terminal reports fewer


def add_listings(commands: Any) -> None:
    """Add the listing commands to the subparsers of a parser; each sets `run` to a function that prints."""
    _add_providers(commands)
    _add_replies(commands)
    _add_rules(commands)
    _add_faults(commands)


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


def _providers(given: argparse.Namespace) -> int:
    from pytest_mailnet.cli import provider_list as listing  # noqa: PLC0415
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


def _add_replies(commands: Any) -> None:
    replies = commands.add_parser(
        "replies",
        help="list what providers say, with the sources; `replies show ID` prints one",
        description="List the catalogue of replies, or print one as it goes over the wire.",
    )
    replies.add_argument("--provider", default="", help="only of this one: gmail, outlook, gmail-2009, ...")
    replies.add_argument("--stage", default="", help="only at this stage: connect, rcpt, message, ...")
    replies.add_argument("--code", default="", help="only with this beginning of a code: 55, 5.7.26")
    replies.add_argument(
        "--stale",
        type=int,
        metavar="MONTHS",
        help="only those that are older than so many months, or of no year: 36",
    )
    _add_forms(replies)
    replies.add_argument(
        "text", nargs="*", help="only with this in id or text; or: show ID, as in `show gmail/user_unknown`"
    )
    replies.set_defaults(run=_replies)


def _replies(given: argparse.Namespace) -> int:
    from datetime import UTC, datetime  # noqa: PLC0415

    from pytest_mailnet.cli import reply_list as listing  # noqa: PLC0415
    from pytest_mailnet.errors import InvalidSetting  # noqa: PLC0415
    from pytest_mailnet.providers import catalogue_with  # noqa: PLC0415

    catalogue = catalogue_with()
    if given.text[:1] == ["show"]:
        if len(given.text) != 2:
            raise InvalidSetting("show takes the ID of one reply, as in `replies show gmail/user_unknown`")
        sys.stdout.write(listing.wire_bytes(catalogue, given.text[1]).decode().replace("\r\n", "\n"))
        return 0
    found = listing.matching_replies(
        catalogue,
        provider=given.provider,
        stage=given.stage,
        code=given.code,
        text=" ".join(given.text),
        before=None if given.stale is None else listing.stale_before(datetime.now(UTC).date(), given.stale),
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


def _add_rules(commands: Any) -> None:
    rules = commands.add_parser(
        "rules", help="list the rules by which providers decide, and when they are on"
    )
    rules.add_argument("--provider", default="", help="only of this one")
    rules.set_defaults(run=_rules)


def _rules(given: argparse.Namespace) -> int:
    from pytest_mailnet.cli import rule_list as listing  # noqa: PLC0415
    from pytest_mailnet.providers import catalogue_with  # noqa: PLC0415

    print("\n".join(listing.as_markdown(catalogue_with(), given.provider)).strip())
    return 0


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


def _faults(given: argparse.Namespace) -> int:
    from pytest_mailnet.cli import fault_list as listing  # noqa: PLC0415
    from pytest_mailnet.faults import faults_of  # noqa: PLC0415
    from pytest_mailnet.faults.known import READING_FAULTS  # noqa: PLC0415

    found = faults_of(stage=given.stage, kind=given.kind)
    if given.stage is None:
        found += [it for it in READING_FAULTS.values() if given.kind in (None, it.kind)]
    return _print(
        given,
        json=lambda: [listing.as_json(found)],
        markdown=lambda: listing.as_markdown(found),
        text=lambda width: listing.as_text(found, width),
    )


def _add_forms(command: argparse.ArgumentParser) -> None:
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--markdown", action="store_true", help="as tables")


def _print(
    given: argparse.Namespace,
    *,
    json: Callable[[], Iterable[str]],
    markdown: Callable[[], Iterable[str]],
    text: Callable[[int | None], Iterable[str]],
) -> int:
    """Print a listing in the requested form; text is wrapped to the width of the terminal, if it is one."""
    if given.json:
        lines = json()
    elif given.markdown:
        lines = markdown()
    else:
        columns = max(shutil.get_terminal_size().columns, _NARROWEST)
        lines = text(columns if sys.stdout.isatty() else None)
    for line in lines:
        print(line)
    return 0
