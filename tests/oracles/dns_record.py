"""The record of the last comparison with BIND: `python -m tests.oracles.dns_record` makes it, and writes its page."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .dns_bind import ZONES, Bind, missing
from .dns_comparison import KNOWN, NET, Difference, differences, net, of_name, of_packet
from .dns_questions import NAMES, TYPES, WAYS, packets

__all__ = ["PAGE", "compare", "section"]

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "oracles-dns.md"


def section(version: str) -> str:
    """The page: what was asked, and what stays different.

    Args:
        version: BIND's, as in "BIND 9.18.49".
    """
    asked = len(NAMES) * len(TYPES) * len(WAYS)
    odd = len(packets())
    by_reason: dict[str, list[str]] = {}
    for it, reason in KNOWN.items():
        by_reason.setdefault(reason, []).append(f"`{it}`" if it not in packets() else it)
    rows = "\n".join(f"| {'; '.join(asked_for)} | {reason} |" for reason, asked_for in by_reason.items())
    return f"""\
# BIND beside the net's name server

What `python -m tests.oracles.dns_record` writes. {version} and a net have the same {len(list(ZONES.iterdir()))} zones
(`tests/oracles/dns_zones`), one of them signed. BIND is asked as a resolver that validates. Both are asked the same, and
`tests/oracles/test_dns.py` holds that they answer alike.

| asked | how many |
| --- | --- |
| names, there and not: wildcards, aliases, DNAME, delegations, escapes | {len(NAMES)} |
| types | {len(TYPES)} |
| ways: {"; ".join(WAYS)} | {len(WAYS)} |
| questions in all | {asked} |
| odd packets, over UDP and TCP each: flags, opcodes, EDNS, what cannot be read | {odd} |

Compared are the rcode, all flags, the question, the OPT record, answer and authority section, and times to live: those of BIND
may have run for a while. The additional section is not compared, since BIND fills it from its cache. RRSIG and NSEC records,
which the net does not make, are left out.

These differ, and stay so:

| question or packet | why |
| --- | --- |
{rows}
"""


def compare(bind: Bind) -> list[Difference]:
    """All differences, known or not."""
    theirs = {name: of_name(bind.address, name) for name in NAMES}
    theirs |= {name: of_packet(bind.address, name, packet) for name, packet in packets().items()}
    with net():
        ours = {name: of_name(NET, name) for name in NAMES}
        ours |= {name: of_packet(NET, name, packet) for name, packet in packets().items()}
    return [it for name in theirs for it in differences(theirs[name], ours[name])]


def _main() -> str | None:
    if reason := missing():
        return reason
    with tempfile.TemporaryDirectory() as folder, Bind.started(Path(folder)) as bind:
        unknown = [str(it) for it in compare(bind) if it.asked not in KNOWN]
    if unknown:
        return "\n".join(unknown)
    PAGE.write_text(section(bind.version), "utf-8")
    return None


if __name__ == "__main__":
    sys.exit(_main())
