"""The command `mailnet audit`: its arguments, and where its findings are written."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["add_audit"]


def add_audit(commands: Any) -> None:
    """Add the command to the subparsers of a parser."""
    audit = commands.add_parser(
        "audit",
        usage="mailnet audit [-h] [--case NAME] [--seed N] [--examples N] [--html FILE] [--json FILE] "
        "[APP | -- COMMAND ...]",
        help="send a mail by an application in everything that can go wrong, and tell what it gets wrong",
        description="Call an application's function, or run its command, once with each thing that can "
        "happen to a mail, and hold what it says of the mail against what servers took. [tool.mailnet.audit] "
        "in pyproject.toml has further settings. Exit status: 0 if all is right, 1 for mistakes, 2 if it "
        "could not be run.",
    )
    audit.add_argument(
        "app",
        nargs="?",
        metavar="APP",
        help="a file or module and its function, app.py:deliver, called as deliver(sender, recipient, "
        "message): returning is sent, raising is not sent; or behind -- a command, which gets the mail as "
        "its standard input",
    )
    audit.add_argument("--case", metavar="NAME", help="only this case, as a mistake names it")
    audit.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the search over schedules (default: 0)"
    )
    audit.add_argument(
        "--examples",
        type=_count,
        default=60,
        metavar="N",
        help="how many schedules the search draws (default: 60); 0 for none",
    )
    audit.add_argument("--html", type=Path, metavar="FILE", help="write a page that stands alone")
    audit.add_argument("--json", type=Path, metavar="FILE", help="write all cases for programs")
    audit.set_defaults(run=_audit, words=())


def _audit(given: argparse.Namespace) -> int:
    from pytest_mailnet.audit.campaign import Campaign  # noqa: PLC0415
    from pytest_mailnet.audit.html_page import in_html  # noqa: PLC0415
    from pytest_mailnet.audit.json_page import in_json  # noqa: PLC0415
    from pytest_mailnet.audit.settings import settings_in  # noqa: PLC0415
    from pytest_mailnet.audit.terminal_page import on_terminal  # noqa: PLC0415

    settings = settings_in(Path.cwd())
    if given.words:
        settings = settings.but(app="", command=tuple(given.words))
    elif given.app:
        settings = settings.but(app=given.app, command=())
    one = given.case
    with Campaign(settings) as campaign:
        audit = campaign.one(one) if one else campaign.run(seed=given.seed, examples=given.examples)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    sys.stdout.writelines(f"{line}\n" for line in on_terminal(audit, colour=colour))
    # Last: a file that cannot be written takes nothing away.
    if given.html:
        given.html.write_text(in_html(audit), "utf-8")
    if given.json:
        given.json.write_text(in_json(audit), "utf-8")
    return 1 if audit.mistakes else 0


def _count(given: str) -> int:
    if not given.isdecimal():
        raise argparse.ArgumentTypeError(f"{given!r} is no number of schedules, which is 0 or more")
    return int(given)
