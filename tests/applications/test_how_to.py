"""The blocks of docs/how-to that need a framework: each page's run in a folder of their own."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
BLOCK = re.compile(
    r"^```(?P<kind>python|ini) needs (?P<needed>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
SETTINGS = {
    "asyncio_default_fixture_loop_scope": "function",
    "filterwarnings": "error\nignore:\\s*Eventlet is deprecated",
}
OPTIONS = ["-p", "no:randomly", *(f"-o{name}={value}" for name, value in SETTINGS.items())]


def suites():
    """Each page's blocks that need the same library, as files by their names."""
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text("utf-8")
        found = list(BLOCK.finditer(text))
        for needed in sorted({it["needed"] for it in found}):
            files = {}
            for block in (it for it in found if it["needed"] == needed):
                module = re.match(r"# (\w+)\.py\n", block["code"])
                name = module[1] if module else f"test_line_{text[: block.start()].count(chr(10)) + 2}"
                files["pytest.ini" if block["kind"] == "ini" else f"{name}.py"] = block["code"]
            yield pytest.param(needed, files, id=f"{page.stem}-{needed}")


@pytest.mark.usefixtures("beside_others")
@pytest.mark.parametrize(("needed", "files"), list(suites()))
def test_the_blocks_of_a_page_run(pytester, needed, files):
    if not find_spec(needed):
        pytest.skip(f"{needed} is not installed; `tox -e applications` has it")
    for name, code in files.items():
        (pytester.path / name).write_text(code, "utf-8")

    result = pytester.runpytest_subprocess(*OPTIONS)

    outcomes = result.parseoutcomes()
    assert outcomes.keys() == {"passed"}
    assert outcomes["passed"] >= sum(len(re.findall(r"(?m)^def test_", code)) for code in files.values())
