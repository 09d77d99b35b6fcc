"""What `mailnet audit` finds in applications of others, as docs/explanation/audits.md tells it; see CONTRIBUTING."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("post_office") is None:  # which nothing else here uses
    pytest.skip("the applications are not installed; `tox -e applications` has them", allow_module_level=True)

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "explanation" / "audits.md"
VERDICTS = (
    "lost",
    "duplicated",
    "told wrong",
    "repeated",
    "hung",
    "undecided",
    "duplicates possible",
    "right",
)
MISTAKES = VERDICTS[:5]

pytestmark = pytest.mark.timeout(400)  # Mailman's is the longest, as its cases share a database


@dataclass(frozen=True)
class Audited:
    """An application, and what is wrong about it.

    Attributes:
        title: as the page has it.
        folder: where its pyproject.toml is.
        package: whose version is told; "" for the project's own.
        module: which may not be installed.
        function: what is called, where pyproject.toml does not say.
        wrong: the mistakes: verdict, and the smallest case.
    """

    title: str
    folder: Path
    package: str = ""
    module: str = "pytest_mailnet"
    function: str = ""
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def version(self):
        return version(self.package) if self.package else "-"


LOST = {"lost": "one-of-two-450-at-rcpt"}
REPEATED = {"repeated": "550-at-rcpt"}
HUNG = {"hung": "stalled-at-connect"}
QUIT = {"duplicated": "overlong-at-quit"}
OTHERS = {
    "Django": ("django", "Django", "django", LOST | QUIT | HUNG),
    "Flask-Mail": ("flask_mail", "Flask-Mail", "flask_mail", LOST | {"duplicated": "closed-at-quit"} | HUNG),
    "fastapi-mail": ("fastapi_mail", "fastapi-mail", "fastapi_mail", LOST | {"duplicated": "closed-at-quit"}),
    "yagmail": ("yagmail", "yagmail", "yagmail", QUIT | HUNG),
    "Celery": ("celery", "celery", "celery", LOST | {"duplicated": "miscontinued-at-quit"} | REPEATED),
    "django-mailer": ("django_mailer", "django-mailer", "mailer", LOST | QUIT | REPEATED),
    "django-post_office": ("post_office", "django-post_office", "post_office", LOST | REPEATED),
    "Mailman": ("mailman", "mailman", "mailman", HUNG),
}
APPLICATIONS = [Audited(f"examples/{it}", ROOT / "examples" / it) for it in ("outbox", "signup")] + [
    Audited(*it)
    for title, (name, package, module, wrong) in OTHERS.items()
    for where, file in [(HERE / "audits" / name, "lists.py" if name == "mailman" else "shop.py")]
    for it in [
        (title, where, package, module, "", wrong),
        (f"{title}, made right", where, package, module, f"{file}:made_right"),
    ]
]


@pytest.fixture
def audit(tmp_path):
    """Audit an application; returns its cases, and how many there are of each verdict."""

    def run(application):
        page = tmp_path / "found.json"
        function = [application.function] if application.function else []
        done = subprocess.run(
            [sys.executable, "-m", "pytest_mailnet", "audit", *function, "--examples", "0", "--json", page],
            cwd=application.folder,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert page.exists(), done.stderr
        found = json.loads(page.read_text("utf-8"))
        counts = dict.fromkeys(VERDICTS, 0)
        for case in found["cases"]:
            counts[case["verdict"]] += 1
        smallest = {it["verdict"]: it["case"] for it in found["cases"] if it["case"] in found["mistakes"]}
        return smallest, counts

    return run


@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda it: it.title)
def test_an_audit_finds_what_the_page_tells(application, audit):
    if find_spec(application.module) is None:
        pytest.skip(f"{application.module} is not installed")

    smallest, counts = audit(application)
    if os.environ.get("MAILNET_AUDITS_RECORD"):
        _record(application, counts)

    [row] = _rows(application)
    assert smallest == application.wrong
    assert _cells(row)[3:8] == [str(counts[it] or "") for it in MISTAKES]


@pytest.mark.parametrize("title", OTHERS)
def test_the_page_tells_of_each_mistake_with_its_smallest_case(title):
    *_, wrong = OTHERS[title]

    _, found, section = PAGE.read_text("utf-8").partition(f"\n## {title}\n")

    assert found
    section = section.partition("\n## ")[0]
    assert [it for it in wrong.values() if f"`{it}`" not in section] == []


def _rows(application):
    return [it for it in PAGE.read_text("utf-8").splitlines() if it.startswith(f"| {application.title} |")]


def _cells(row):
    return [it.strip() for it in row.strip("|").split("|")]


def _record(application, counts):
    """Write an application's row anew, whichever process is at it."""
    found = [
        application.title,
        application.version,
        sum(counts.values()),
        *(counts[it] or "" for it in VERDICTS),
    ]
    with PAGE.open("r+", encoding="utf-8") as page:
        fcntl.flock(page, fcntl.LOCK_EX)
        rows = re.escape(f"| {application.title} |") + ".*"
        text = re.sub(rows, lambda _: "| " + " | ".join(map(str, found)) + " |", page.read())
        page.seek(0)
        page.write(text)
        page.truncate()
