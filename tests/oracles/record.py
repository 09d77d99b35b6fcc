"""The page of the docs about the last comparison."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .comparison import Difference, Heards, Listed

__all__ = ["Compared", "row", "shown", "write"]

_TITLES = {"postfix": "Postfix", "exim": "Exim", "opensmtpd": "OpenSMTPD", "sendmail": "Sendmail"}


@dataclass(frozen=True)
class Compared:
    """One server and the net's.

    Attributes:
        server: as in `mailnet.add_domain(..., on=server)`.
        version: of Debian's package.
        real: what the real server said.
        ours: what the net's said.
        differences: what differs.
        failure: what failed in the net besides; "" for nothing.
    """

    server: str
    version: str
    real: Heards
    ours: Heards
    differences: tuple[Difference, ...]
    failure: str


_HEAD = """\
# Real servers beside the net's

`tox -e oracles` holds the same sessions with Postfix, Exim, OpenSMTPD and Sendmail and with the net's servers of these
names. It installs Debian's packages, each in a small system of its own in `.tox/servers`, and starts them on loopback
with the configuration of their packages. Code, enhanced code, text, and whether the connection is closed are compared;
ids, times, addresses and versions are not. The run writes this page, with `MAILNET_ORACLES_RECORD=1`.

These settings of the packages are changed: the port, the domain `shop.example` with one mailbox, 127.0.0.1 alone as a
trusted client (the sessions come from 127.0.0.2), and the limit for idle clients. OpenSMTPD has no setting for the last
one, so no session waits for it there.

"""


def write(page: Path, compared: Iterable[Compared], listed: tuple[Listed, ...]) -> None:
    """Write the page anew."""
    compared = list(compared)
    lines = [
        "| server | version of the package | sessions | that agree to the letter | that differ as listed | that differ |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for it in compared:
        differing = {found.session for found in it.differences}
        unlisted = {
            found.session for found in it.differences if not any(known.covers(found) for known in listed)
        }
        total, alike = len(it.real), len(it.real) - len(differing)
        known = len(differing) - len(unlisted)
        lines.append(
            f"| {_TITLES[it.server]} | {it.version} | {total} | {alike} | {known} | {len(unlisted)} |"
        )
    for it in compared:
        lines += ["", f"## What differs from {_TITLES[it.server]}", ""]
        own = [known for known in listed if any(map(known.covers, it.differences))]
        if not own:
            lines.append("Nothing.")
            continue
        lines += [
            "| what | sessions | for example after | it says | the net says | why |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for known in own:
            found = [difference for difference in it.differences if known.covers(difference)]
            one = found[0]
            told = (shown(one.sent or "an empty line"), shown(one.real), shown(one.ours))
            cells = (known.kind, str(len({each.session for each in found})), *told, known.reason)
            lines.append(row(cells))
    page.write_text(_HEAD + "\n".join(lines) + "\n", "utf-8")


def row(cells: Iterable[str]) -> str:
    """A row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def shown(text: str) -> str:
    """A command or an answer in a cell, on one line and not too long."""
    line = "".join(it if it.isprintable() or it == "\n" else repr(it)[1:-1] for it in text)
    line = line.replace("\n", " ⏎ ")
    line = line if len(line) <= 120 else f"{line[:100]} …"
    return f"`` {line} ``" if "`" in line else f"`{line}`"
