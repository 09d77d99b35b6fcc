"""The `mailnet` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0 for success, 1 for a story that went otherwise.

    Args:
        arguments: of the command line; by default those of this process.
    """
    parser = argparse.ArgumentParser(prog="mailnet", description="A little Internet for mail.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo", help="play the story of Bob, Alice, Carl and a dynamic address over real sockets"
    )
    demo.set_defaults(run=_demo)
    return int(parser.parse_args(arguments).run())


def _demo() -> int:
    from pytest_mailnet.demo import play  # noqa: PLC0415

    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return 0 if play(print, colour=colour) else 1
