"""The blocks of docs/how-to that need a framework: each page's run in a folder of their own."""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
BLOCK = re.compile(r"^```(?P<kind>\w+) needs (?P<needed>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
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
                told = re.match(r"(?:#|//) (\w+\.\w+)\n", block["code"])
                line = text[: block.start()].count("\n") + 2
                name = "pytest.ini" if block["kind"] == "ini" else f"test_line_{line}.py"
                files[told[1] if told else name] = block["code"]
            yield pytest.param(needed, files, id=f"{page.stem}-{needed}")


@pytest.mark.usefixtures("beside_others")
@pytest.mark.parametrize(("needed", "files"), list(suites()))
def test_the_blocks_of_a_page_run(pytester, needed, files):
    if not (find_spec(needed) or shutil.which(needed)):
        pytest.skip(f"{needed} is not installed; `tox -e applications` has the libraries")
    for name, code in files.items():
        (pytester.path / name).write_text(code, "utf-8")

    result = pytester.runpytest_subprocess(*OPTIONS)

    tests = sum(len(re.findall(r"(?m)^def test_", code)) for code in files.values())
    in_namespaces = sum(len(re.findall(r"(?m)^def test_.*mailnet_process", code)) for code in files.values())
    outcomes = result.parseoutcomes()
    skipped = outcomes.pop("skipped", 0)  # where there are no namespaces
    assert outcomes.keys() <= {"passed"}
    assert skipped in {0, in_namespaces}
    assert outcomes.get("passed", 0) + skipped >= tests
