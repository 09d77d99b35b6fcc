"""What the package writes as JSON: each form is valid against its schema, and docs/reference/json.md shows it."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pytest_mailnet.cli.main import main
from pytest_mailnet.providers import catalogue_with

ROOT = Path(__file__).parent.parent.parent
SCHEMAS = ROOT / "docs" / "reference" / "schemas"
PAGE = (ROOT / "docs" / "reference" / "json.md").read_text("utf-8")
AUDITS = (ROOT / "docs" / "how-to" / "audit.md").read_text("utf-8")
EVIDENCE = sorted(
    file
    for folder in ("transcripts", "webhooks")
    for file in (ROOT / "tests" / "evidence" / folder).iterdir()
)
RUNS = re.findall(r"(?ms)^```console\n\$ mailnet ([^\n]*)\n```\n\n```json\n(.*?)^```$", PAGE)


def section(title):
    """A section of the page."""
    return PAGE.partition(f"\n## `{title}`\n")[2].partition("\n## ")[0]


def block(kind, text):
    """The only block of a kind in a section."""
    [found] = re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", text)
    return found


@pytest.fixture
def run(capsys):
    """Run the command; return what it prints, read as JSON."""

    def typed(*arguments):
        main(list(map(str, arguments)))
        return json.loads(capsys.readouterr().out)

    return typed


def test_the_schemas_and_the_tables_of_the_page_are_those_that_the_code_makes():
    made = runpy.run_path(str(ROOT / "docs" / "json_schemas.py"))

    for name, schema in made["schemas"]().items():
        told = f"docs/reference/schemas/{name} is old: `python docs/json_schemas.py` writes it"
        assert (SCHEMAS / name).read_text("utf-8") == made["written"](schema), told
        Draft202012Validator.check_schema(schema)
    assert made["with_tables"](PAGE) == PAGE, "tables are old: `python docs/json_schemas.py` writes them"


@pytest.mark.parametrize("listing", ["providers", "replies", "faults"])
def test_a_listing_is_valid(run, check_json, listing):
    told = run(listing, "--json")

    assert len(told) >= len(catalogue_with().names)
    check_json(listing, told)


@pytest.mark.parametrize("file", EVIDENCE, ids=lambda it: it.name)
def test_what_is_told_of_evidence_is_valid(run, check_json, file):
    told = run("reproduce", file, "--as", "json")

    check_json("reproduce", told)


def test_all_listings_are_on_the_page():
    assert [arguments.split()[0] for arguments, _ in RUNS] == ["reproduce", "providers", "replies", "faults"]


@pytest.mark.parametrize(("arguments", "shown"), RUNS, ids=lambda it: it.split()[0])
def test_the_page_shows_what_a_command_prints(run, check_json, tmp_path, monkeypatch, arguments, shown):
    (tmp_path / "mail.log").write_text(block("text", section("mailnet reproduce --as json")), "utf-8")
    monkeypatch.chdir(tmp_path)

    told = run(*shlex.split(arguments))

    assert told == json.loads(shown)
    check_json(arguments.split()[0], told)


def test_the_page_shows_what_an_audit_writes(check_json, tmp_path):
    of_audits = section("mailnet audit --json FILE")
    shown = json.loads(block("json", of_audits))
    check_json("audit", shown)
    [case] = shown["cases"]
    [recipe] = re.findall(r"(?ms)^```python\n(# app\.py\n.*?)^```$", AUDITS)
    (tmp_path / "app.py").write_text(recipe, "utf-8")
    typed = shlex.split(block("console", of_audits).removeprefix("$ mailnet "))

    subprocess.run([sys.executable, "-m", "pytest_mailnet", *typed], cwd=tmp_path, check=False, timeout=110)

    told = json.loads((tmp_path / "findings.json").read_text("utf-8"))
    check_json("audit", told)
    assert told["cases"][0].pop("record").count("\n") > case.pop("record").count("\n")
    assert told | {"seconds": 0} == shown | {"seconds": 0}


def test_the_page_shows_what_a_run_with_coverage_writes(pytester, check_json):
    of_coverage = section("pytest --mailnet-cov-report=json")
    shown = json.loads(block("json", of_coverage))
    check_json("coverage", shown)
    pytester.makepyfile(test_shop=block("python", of_coverage))

    pytester.runpytest_inprocess("--mailnet-cov", "--mailnet-cov-report=json").assert_outcomes(passed=1)

    told = json.loads((pytester.path / "mailnet-cov.json").read_text("utf-8"))
    check_json("coverage", told)
    for share in (told["providers"]["gmail"], told["faults"]):
        assert len(share["unmet"]) > 3
        del share["unmet"][3:]
    assert told == shown
