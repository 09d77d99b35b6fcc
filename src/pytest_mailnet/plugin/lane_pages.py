"""`--mailnet-html`: a page for each failing test that has a net, with its timeline as lanes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from pytest_mailnet.net.mailnet import MailNet, life_of
from pytest_mailnet.timeline.lane_page import NetRecord, lane_page

__all__ = ["page_name", "write_page"]

_LONGEST = 120


def write_page(folder: Path, nodeid: str, nets: Sequence[MailNet], failure: str) -> str:
    """Write the page of a test, which only the user can read; return its path, or why there is none.

    Args:
        folder: where it is written; made if it is missing.
        nodeid: the test's, as in `tests/test_shop.py::test_order[gmail]`.
        nets: its nets.
        failure: the error that it failed with, in words.
    """
    path = folder / page_name(nodeid)
    text = lane_page(nodeid, failure, [_record(net) for net in nets])
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # of a run before this one
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(text, "utf-8")
    except OSError as error:
        return f"no page: {error}"
    return str(path)


def page_name(nodeid: str) -> str:
    """The name of a test's page; the same in each run, and no other test's.

    Args:
        nodeid: the test's, as in `tests/test_shop.py::test_order[gmail]`.
    """
    plain = nodeid.replace("::", "-").replace("/", "-")
    name = re.sub(r"[^\w.-]+", "_", plain, flags=re.ASCII)[:_LONGEST]
    if name != plain:
        name += f"-{hashlib.sha256(nodeid.encode('utf-8', 'backslashreplace')).hexdigest()[:8]}"
    return f"{name}.html"


def _record(net: MailNet) -> NetRecord:
    life = life_of(net)
    sources = life.internet.senders.sources
    return NetRecord(
        life.journal,
        life.notes,
        tuple(net.queue),
        tuple(life.unmet),
        {ip: source.helo for source in sources for ip in (source.ip, source.ipv6) if ip},
    )
