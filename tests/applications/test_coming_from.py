"""The tests that docs/coming-from/index.md starts from, as they are written with the other tools."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "coming-from" / "index.md"
BEFORE = re.compile(r"^## From (.*?)\n.*?^```python before\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = dict(BEFORE.findall(PAGE.read_text("utf-8")))
NEEDED = {
    "aiosmtpd's `Controller`": "aiosmtpd",
    "smtpdfix": "smtpdfix",
    "pytest-localserver": "pytest_localserver",
}


def test_each_section_begins_with_a_test_of_the_other_tool():
    assert SECTIONS.keys() == NEEDED.keys()


@pytest.mark.usefixtures("beside_others")
@pytest.mark.parametrize("tool", NEEDED)
def test_what_the_page_starts_from_runs_as_it_stands(pytester, tool):
    if not find_spec(NEEDED[tool]):
        pytest.skip(f"{NEEDED[tool]} is not installed")
    pytester.makepyfile(test_before=SECTIONS[tool])

    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)
