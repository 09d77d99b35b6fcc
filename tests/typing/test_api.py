"""`api.py` as type checkers see it: right but for the lines that are marked."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import pytest_mailnet

_ROOT = Path(__file__).parent.parent.parent
_API = Path(__file__).with_name("api.py")
_MARK = re.compile(r"  # type: ignore\[[\w-]+\]$")


def _run(*command):
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=100, check=False)


def test_every_public_name_is_used():
    imported = {
        alias.name
        for node in ast.walk(ast.parse(_API.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "pytest_mailnet"
        for alias in node.names
    }

    assert imported - {"Mesage"} == set(pytest_mailnet.__all__)


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_mypy_finds_the_marked_lines_and_no_others():
    # An ignore that ignores nothing is an error too: `strict` has warn_unused_ignores.
    checked = _run(sys.executable, "-m", "mypy", str(_API))

    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout + checked.stderr


# Of pyright, `tox -e typing` runs the command: it takes long, and finds out by itself what is marked.


def test_ty_finds_the_marked_lines_and_no_others():
    ty = shutil.which("ty", path=sysconfig.get_path("scripts"))
    if ty is None:
        pytest.skip("ty is not installed")
    lines = _API.read_text("utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, start=1) if _MARK.search(line)}

    # It knows nothing of mypy's codes, and so heeds none of the marks.
    checked = _run(ty, "check", "--python", sys.prefix, "--output-format", "concise", str(_API))

    found = {int(it[1]) for it in re.finditer(r"(?m)^\S*api\.py:(\d+):", checked.stdout)}
    assert found == marked, checked.stdout + checked.stderr
