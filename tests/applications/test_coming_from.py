"""The tests that the pages of docs/coming-from start from, as they are written with the other tools."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "coming-from"
BEFORE = re.compile(r"^```python before\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDED = {"aiosmtpd": "aiosmtpd", "smtpdfix": "smtpdfix", "pytest-localserver": "pytest_localserver"}


@pytest.mark.usefixtures("beside_others")
@pytest.mark.parametrize("tool", NEEDED)
def test_what_the_page_starts_from_runs_as_it_stands(pytester, tool):
    if not find_spec(NEEDED[tool]):
        pytest.skip(f"{NEEDED[tool]} is not installed")
    [test] = BEFORE.findall((PAGES / f"{tool}.md").read_text("utf-8"))
    pytester.makepyfile(test_before=test)

    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)
