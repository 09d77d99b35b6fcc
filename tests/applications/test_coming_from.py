"""The tests that the pages of docs/coming-from start from, as they are written with the other tools."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "coming-from"
BLOCK = re.compile(r"^```(python[^\n]*|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDED = {
    "aiosmtpd": "aiosmtpd",
    "smtpdfix": "smtpdfix",
    "pytest-localserver": "pytest_localserver",
    "unittest-mock": "unittest",
}


def blocks(page, fence):
    """The blocks of a page that are fenced so."""
    text = (PAGES / f"{page}.md").read_text("utf-8")
    return [code for fenced, code in BLOCK.findall(text) if fenced == fence]


def run(pytester, page, tests):
    """Run tests beside the modules that the page has."""
    modules = {it[1]: code for code in blocks(page, "python") if (it := re.match(r"# (\w+)\.py\n", code))}
    pytester.makepyfile(**modules, **{f"test_{number}": code for number, code in enumerate(tests)})
    return pytester.runpytest_subprocess("-p", "no:randomly")


def number_of(tests):
    return len(re.findall(r"(?m)^def test_", "".join(tests)))


@pytest.mark.usefixtures("beside_others")
@pytest.mark.parametrize("tool", NEEDED)
def test_what_the_page_starts_from_runs_as_it_stands(pytester, tool):
    if not find_spec(NEEDED[tool]):
        pytest.skip(f"{NEEDED[tool]} is not installed")
    before = blocks(tool, "python before")

    run(pytester, tool, before).assert_outcomes(passed=number_of(before))


@pytest.mark.usefixtures("beside_others")
def test_what_a_mock_never_notices_fails_with_the_net_as_the_page_shows(pytester):
    failing = blocks("unittest-mock", "python fails")
    [shown] = blocks("unittest-mock", "text")

    result = run(pytester, "unittest-mock", failing)

    result.assert_outcomes(failed=number_of(failing))
    for line in shown.splitlines():
        result.stdout.fnmatch_lines([re.sub(r"[][]", "?", re.sub(r"E +", "E *", line))])
