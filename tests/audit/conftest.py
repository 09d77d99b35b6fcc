"""The command `mailnet audit` in a folder of its own, as somebody types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SENDING = """
import smtplib
import dns.resolver

def deliver(sender, recipient, message):
    mx = min(dns.resolver.resolve(recipient.rpartition("@")[2], "MX"), key=lambda it: it.preference)
    with smtplib.SMTP(mx.exchange.to_text(omit_final_dot=True), 25, timeout=60) as client:
        client.sendmail(sender, [recipient], message)
"""


class Audited(NamedTuple):
    """What an audit has said."""

    status: int
    out: str
    err: str
    found: dict[str, Any]

    def case(self, name):
        [found] = [it for it in self.found["cases"] if it["case"] == name]
        return found


@pytest.fixture
def audit(tmp_path, check_json):
    """Audit an application, given its text and the table of settings; returns what came of it."""

    def run(text, *options, settings="", app="app.py:deliver", **env):
        (tmp_path / "app.py").write_text(text, "utf-8")
        (tmp_path / "pyproject.toml").write_text(f"[tool.mailnet.audit]\n{settings}", "utf-8")
        words = ([app] if app else []) + list(map(str, options))
        if not any(it in words for it in ("--case", "--examples")):
            words += ["--examples", "0"]
        at = words.index("--") if "--" in words else len(words)
        words[at:at] = ["--json", "found.json"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest_mailnet", "audit", *words],
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "", **env},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        path = tmp_path / "found.json"
        found = json.loads(path.read_text("utf-8")) if path.exists() else {}
        if found:
            check_json("audit", found)
        return Audited(done.returncode, done.stdout, done.stderr, found)

    return run


@pytest.fixture(scope="session")
def right():
    """The text of an application that is right."""
    return (Path(__file__).parent / "applications" / "right.py").read_text("utf-8")


@pytest.fixture
def sending():
    """The text of an application of a few lines, which takes an error of QUIT for one of the mail."""
    return SENDING
