"""docs/reference/provider-files.md: its examples are read, and its tables have every key that there is."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from pytest_mailnet.providers.catalogue import stock_reading
from pytest_mailnet.providers.toml_file import parse_facts
from pytest_mailnet.providers.toml_reading import parse_reading
from pytest_mailnet.providers.variables import VARIABLES
from pytest_mailnet.rules.rule import RefusingRule
from pytest_mailnet.smtp.manners import Manners

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference"
PAGE = (REFERENCE / "provider-files.md").read_text("utf-8")
SCHEMAS = {
    kind: json.loads((REFERENCE / "schemas" / f"{kind}-file.schema.json").read_text("utf-8"))
    for kind in ("provider", "reading")
}
PROVIDER, RULE, ERA, READING, _ = re.findall(r"(?ms)^```toml\n(.*?)^```$", PAGE)


def check(toml, kind):
    Draft202012Validator(SCHEMAS[kind]).validate(tomllib.loads(toml))


def rows_below(heading):
    """The rows of the first table below a heading, each in cells."""
    table = re.search(r"(?m)(^\|.*\n)+", PAGE[PAGE.index(f"\n{heading}\n") :])
    return [[it.strip() for it in row.strip("| ").split(" | ")] for row in table[0].splitlines()[2:]]


def keys_below(heading):
    """The keys in the first column of that table; of `[submission.ehlo]` it is "ehlo"."""
    cells = [key for row in rows_below(heading) for key in re.findall(r"`(.*?)`", row[0])]
    return sorted(it.strip("[]").rpartition(".")[2] for it in cells)


def keys_of(kind, *path):
    """The keys that a schema has for a table; those of the entries of a table by name for "*"."""
    table = SCHEMAS[kind]
    for key in path:
        table = table["additionalProperties"] if key == "*" else table["properties"][key]
    return set(table["properties"])


def test_the_provider_that_the_page_shows_can_be_read():
    facts = parse_facts(PROVIDER, "shopmail.toml")

    assert list(facts.phrases) == ["user_unknown"]
    assert len(facts.rules) == 3
    check(PROVIDER, "provider")


def test_the_rule_that_the_page_shows_can_be_read():
    [rule] = parse_facts(f'name = "x"\ntitle = "X"\n{RULE}\n[replies]\n', "x.toml").rules

    assert rule.per == "network"


def test_the_era_that_the_page_shows_can_be_read():
    facts = parse_facts(ERA, "shopmail-2009.toml", today=PROVIDER)

    assert str(facts.phrases["user_unknown"].reply) == "550 5.1.1 User unknown"
    assert facts.domains == ("shop.example",)
    check(ERA, "provider")


def test_the_file_about_reading_that_the_page_shows_can_be_read():
    reading = parse_reading(READING, "shopmail.reading.toml", "shopmail", stock_reading())

    assert reading.hosts == ("imap.shop.example", "pop.shop.example")
    assert ("Bin", "\\Trash") in reading.layout.folders
    check(READING, "reading")


def test_the_page_tells_every_key_of_the_manners_with_what_is_usual():
    usual = {
        key.strip("`"): tomllib.loads(f"value = {value.strip('`')}")["value"]
        for key, value, _ in rows_below("### Manners")
    }

    assert usual == {
        field.name: list(field.default) if isinstance(field.default, tuple) else field.default
        for field in dataclasses.fields(Manners)
    }


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("## NAME.toml", keys_of("provider")),
        ("### Rules", {field.name for field in dataclasses.fields(RefusingRule)}),
        ("### Replies", keys_of("provider", "replies", "*")),
        ("### Submission", keys_of("provider", "submission") - {"source", "year"}),
        ("### Bounces", keys_of("provider", "bounces") - {"source", "year"}),
        ("## NAME.reading.toml", keys_of("reading")),
        (
            "Keys of `[folders]`, besides `source` and `year`:",
            keys_of("reading", "folders") - {"source", "year"},
        ),
        (
            "Keys of `[imap]` and `[pop3]`, besides `source` and `year`:",
            keys_of("reading", "imap") - {"source", "year"},
        ),
    ],
)
def test_the_page_tells_every_key(heading, keys):
    assert keys_below(heading) == sorted(keys)


def test_the_page_names_every_variable_of_replies():
    [told] = re.findall(r"(?s)from session to session is a variable: (.*?)\. Braces", PAGE)

    assert re.findall(r"`\{(\w+)\}`", told) == list(VARIABLES)
