"""What `mailnet audit` prints of the outbox in the tutorial, at its two stages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_mailnet.cli.main import main

TUTORIAL = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text("utf-8")
OUTBOXES = re.findall(r"(?ms)^```python\n# outbox\.py\n(.*?)^```$", TUTORIAL)[-2:]
AUDITS = re.findall(r"(?ms)^\$ mailnet audit\n(.*?)^```$", TUTORIAL)
[SETTINGS] = re.findall(r"(?ms)^```toml\n(.*?)^```$", TUTORIAL)


@pytest.mark.parametrize(("outbox", "shown"), [*zip(OUTBOXES, AUDITS, strict=True)], ids=["before", "after"])
def test_an_audit_of_the_outbox_prints_what_the_tutorial_shows(tmp_path, monkeypatch, capsys, outbox, shown):
    (tmp_path / "outbox.py").write_text(outbox)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)

    main(["audit"])

    printed = capsys.readouterr().out
    assert re.sub(r"[\d.]+ s$", "TIME", printed, flags=re.MULTILINE).startswith(
        re.sub(r"[\d.]+ s$", "TIME", shown.removesuffix("…\n"), flags=re.MULTILINE)
    )
