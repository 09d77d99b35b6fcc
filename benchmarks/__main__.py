"""`python -m benchmarks [group ...]`: prints the table; exit status 1 if a row misses what is promised."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping

from benchmarks import endurance, evidence, fixtures, growth, mails, names, relaying, rules, start
from benchmarks.race import Row

_GROUPS: Mapping[str, Callable[[], Iterable[Row]]] = {
    "start": start.rows,
    "fixtures": fixtures.rows,
    "mails": mails.rows,
    "names": names.rows,
    "rules": rules.rows,
    "relaying": relaying.rows,
    "growth": growth.rows,
    "evidence": evidence.rows,
    "endurance": endurance.rows,
}
_FORM = "{:<38} {:>11}   {:<18} {:>11}   {:>16}   {:>9}   {}"


def main() -> int:
    """Measure the groups that were asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of {', '.join(_GROUPS)}; default: all")
    asked = parser.parse_args().groups or list(_GROUPS)
    for name in asked:
        if name not in _GROUPS:
            parser.error(f"no group {name!r}; there are {', '.join(_GROUPS)}")
    print(_FORM.format("what", "mailnet", "beside", "", "measured", "wanted", ""))
    missed = 0
    for name in asked:
        for row in _GROUPS[name]():
            verdict = "ok" if row.passed else "MISSED"
            missed += not row.passed
            cells = (row.what, row.ours, row.against, row.theirs, row.measured, row.wanted, verdict)
            print(_FORM.format(*cells), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
