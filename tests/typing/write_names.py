"""Writes `handles/names.py` from the data: `python tests/typing/write_names.py`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest_mailnet.handles
from pytest_mailnet.faults import FAULTS
from pytest_mailnet.faults.dns_fault import RCODES
from pytest_mailnet.faults.known import READING_FAULTS
from pytest_mailnet.providers import Catalogue
from pytest_mailnet.providers.policy import EVERYTHING
from pytest_mailnet.providers.provider_files import shipped_files
from pytest_mailnet.rules import FAMILIES, RULES

FILE = Path(pytest_mailnet.handles.__file__).with_name("names.py")

_HEAD = '''"""The names that a test writes, as types: checkers find a misspelt one, editors complete it.

Written by `python tests/typing/write_names.py` from what these names stand for.
"""

from __future__ import annotations

from typing import Literal

'''


class _Names(NamedTuple):
    alias: str
    names: Iterable[str]
    told: str


def names_text() -> str:
    """What the file has to be."""
    found = sorted(_all_names())
    exported = "".join(f'    "{it.alias}",\n' for it in found)
    return f"{_HEAD}__all__ = [\n{exported}]\n" + "".join(map(_alias, found))


def _all_names() -> Iterable[_Names]:
    faults = FAULTS.values()
    lookups = [it.id for it in faults if it.kind == "dns"]
    rules = {EVERYTHING, *RULES, *FAMILIES}
    catalogue = Catalogue(shipped_files())  # not those that other packages have installed here
    yield _Names("FaultName", [*FAULTS, *READING_FAULTS], "The ids of `pytest_mailnet.FAULTS`.")
    yield _Names("FaultKind", dict.fromkeys(it.kind for it in faults), "What is wrong in a fault.")
    yield _Names(
        "StageName",
        dict.fromkeys(str(it.stage) for it in [*faults, *READING_FAULTS.values()]),
        "Where a fault happens.",
    )
    yield _Names(
        "DnsFailure",
        [*sorted(it.upper() for it in RCODES), *lookups],
        "What `mailnet.dns.fail` takes: an rcode, or the id of a fault of look-ups.",
    )
    yield _Names("RuleName", sorted(rules), "Rules, their families, and all of them: what `enforce` takes.")
    yield _Names(
        "ProviderName", sorted([*catalogue.names, *catalogue.aliases]), "The package's own providers."
    )


def _alias(names: _Names) -> str:
    choices = "".join(f'    "{it}",\n' for it in names.names)
    return f'\n{names.alias} = Literal[\n{choices}]\n"""{names.told}"""\n'


if __name__ == "__main__":
    FILE.write_text(names_text(), "utf-8")
