"""The project's own examples, audited by the settings in their folders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.mark.parametrize("example", ["outbox", "signup"])
@pytest.mark.parametrize("case", ["miscontinued-at-quit", "421-after-dot,550-at-rcpt", "reset-after-dot"])
def test_an_example_is_right(example, case):
    audited = subprocess.run(
        [sys.executable, "-m", "pytest_mailnet", "audit", "--case", case],
        cwd=EXAMPLES / example,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert (audited.returncode, audited.stderr) == (0, "")
