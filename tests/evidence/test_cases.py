"""What people paste, file by file; skipped where the files are missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.sources import sources_at
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.reproduce import Recogniser

CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "evidence"
EXPECTED = CASES / "expected.json"
pytestmark = pytest.mark.skipif(not EXPECTED.is_file(), reason="the set of evidence is not there")

NOT_YET_RIGHT: dict[str, str] = {}
"""The files that are refused, or read in part; a file that comes to be read right is taken off this list.

None may be wrong: another recipient, or a reply that nobody gave, is worse than nothing.
"""


def verdict(found: list[Failure], wanted: dict[str, object]) -> str:
    """How a file is read: "right", "refused", "partly: stage is None", "wrong: recipient is bob@b.example"."""
    if not found:
        return "refused"
    first = found[0]
    codes = str(wanted["enhanced"]).split("|") if wanted["enhanced"] else [None]
    facts = {
        "recipient": (first.recipient, [wanted["recipient"]]),
        "code": (first.code, [wanted["code"]]),
        "enhanced": (first.enhanced, codes),
        "stage": (first.stage, [wanted["stage"] or first.stage]),
        "fault": (first.fault is not None, [wanted["fault"]]),
        "failures": (len(found), [wanted["failures"]]),
    }
    off = {name: value for name, (value, right) in facts.items() if value not in right}
    # What is missing is no error, and one failure told twice is less of one than a false address.
    wrong = any(off.get(name) for name in ("recipient", "code", "enhanced"))
    said = ", ".join(f"{name} is {value}" for name, value in off.items())
    return f"{'wrong' if wrong else 'partly'}: {said}" if off else "right"


def test_all_but_those_that_are_known_are_read_right_and_none_wrong():
    recogniser = Recogniser(catalogue_with())
    told = {}
    for name, wanted in json.loads(EXPECTED.read_text("utf-8")).items():
        outcomes = [it for source in sources_at([CASES / name]) for it in outcomes_of(source)]
        found = [recogniser.recognise(it).failure for it in outcomes if isinstance(it, Failure)]
        told[name] = verdict(found, wanted)

    assert {name: how for name, how in told.items() if how != "right"} == NOT_YET_RIGHT
    assert not [how for how in told.values() if how.startswith("wrong")]
