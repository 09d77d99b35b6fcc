"""The JSON Schemas of providers' files: they take what the readers take, and refuse what these refuse."""

from __future__ import annotations

import functools
import json
import re
import runpy
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import pytest_mailnet.providers
from pytest_mailnet.errors import ProviderFileError
from pytest_mailnet.providers.catalogue import stock_reading
from pytest_mailnet.providers.toml_file import parse_facts
from pytest_mailnet.providers.toml_reading import parse_reading
from pytest_mailnet.providers.toml_table import Table

DOCS = Path(__file__).parent.parent.parent / "docs"
SCHEMAS = DOCS / "reference" / "schemas"
DATA = resources.files(pytest_mailnet.providers) / "data"
TEXTS = {it.name: it.read_text("utf-8") for it in DATA.iterdir() if it.name.endswith(".toml")}


@functools.cache
def checker(name):
    """What checks by the schema of this name."""
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}-file.schema.json").read_text("utf-8")))


def kind_of(file):
    return "reading" if file.endswith(".reading.toml") else "provider"


def mistakes_in(values, kind):
    return [it.message for it in checker(kind).iter_errors(values)]


def test_the_schemas_are_those_that_the_code_makes():
    made = runpy.run_path(str(DOCS / "schemas.py"))

    for name, schema in made["schemas"]().items():
        told = f"docs/reference/schemas/{name} is old: `python docs/schemas.py` writes it"
        assert (SCHEMAS / name).read_text("utf-8") == made["written"](schema), told


@pytest.mark.parametrize("kind", ["provider", "reading"])
def test_a_schema_is_one(kind):
    Draft202012Validator.check_schema(checker(kind).schema)


@pytest.mark.parametrize("file", sorted(TEXTS))
def test_a_shipped_file_is_valid(file):
    assert mistakes_in(tomllib.loads(TEXTS[file]), kind_of(file)) == []


PROVIDER = """
name = "corp"
title = "Corp"
domains = ["corp.example"]
ports = [25]

[zone]
source = "own"
year = 2026
text = "corp.example. 300 IN MX 10 mx.corp.example."

[ehlo]
source = "own"
lines = ["SIZE 1000"]

[manners]
source = "own"
hops = 3
eight_bit = "kept"
checks_paths = true

[addressing]
source = "own"
dots = false

[arc]
source = "own"
domain = "corp.example"
selector = "arc"

[dmarc]
source = "own"
rfc = 7489

[shared]
from = "gmail"

[bounces]
source = "own"
failed_subject = "Sorry"

[[rules]]
rule = "unknown_mailbox"
reply = "user_unknown"

[[rules]]
rule = "rate_limit"
limit = 10
per = "address"

[submission]
source = "own"
hosts = ["smtp.corp.example"]
ports = [587]
challenges_tokens = false

[submission.ehlo]
source = "own"
lines = ["STARTTLS"]

[[submission.rules]]
rule = "wrong_credentials"

[replies.user_unknown]
stage = "rcpt"
reply = "550 5.1.1 Nobody here by the name of {recipient}"
source = "own"
year = 2026
stage_evidence = "captured"
role = "mx"
confidence = "primary"
closes = true
note = "-"
"""

READING = """
[sources]
page = "own"

[folders]
source = "page"
delimiter = "/"
labels = true

[folders.names]
"Sent Mail" = "\\\\Sent"

[imap]
source = "page"
hosts = ["imap.corp.example"]
ports = [143, 993]
capabilities = ["IMAP4rev1"]
passwords = "app"
connections = 15
needs_id = true

[imap.words]
login_ok = { text = "OK welcome", source = "page", year = 2026 }

[imap.lines]
idling = { text = "+ idling", source = "page", note = "-" }

[pop3]
source = "page"
hosts = ["pop.corp.example"]
"""


def read(text, kind, reader=Table):
    """Have the reader of its kind of file read a text, rules and all."""
    if kind == "reading":
        parse_reading(text, "corp.reading.toml", "corp", stock_reading(), reader=reader)
    else:
        facts = parse_facts(text, "corp.toml", reader=reader)
        assert facts.rules is not None
        assert facts.submission is None or facts.submission.rules is not None


@pytest.mark.parametrize(("text", "kind"), [(PROVIDER, "provider"), (READING, "reading")])
def test_what_the_mistakes_are_made_in_is_right(text, kind):
    read(text, kind)

    assert mistakes_in(tomllib.loads(text), kind) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # a key that is unknown
        ('title = "Corp"', 'title = "Corp"\ntitel = "Corp"'),
        ("year = 2026\ntext", "yaer = 2026\ntext"),
        ("lines = [", 'line = ""\nlines = ['),
        ("hops = 3", "hop = 3"),
        ("dots = false", "dot = false"),
        ('selector = "arc"', 'selector = "arc"\nkey = "x"'),
        ("rfc = 7489", 'rfc = 7489\npolicy = "none"'),
        ('from = "gmail"', 'from = "gmail"\nreply = []'),
        ("failed_subject", "failed_subjekt"),
        ("limit = 10", "limit = 10\nlimits = 20"),
        ('rule = "unknown_mailbox"\nreply', 'rule = "unknown_mailbox"\nreplies'),
        ("challenges_tokens", "challenges_token"),
        ("[submission.ehlo]", "[submission.helo]"),
        ('rule = "wrong_credentials"', 'rule = "wrong_credentials"\nlimit = 1'),
        ("closes = true", "close = true"),
        # a key that is missing
        ('name = "corp"', ""),
        ('title = "Corp"', ""),
        ("[zone]\nsource", "[zone]\n#"),
        ('text = "corp', '#"'),
        ("lines =", "#"),
        ("[manners]\nsource", "[manners]\n#"),
        ("[addressing]\nsource", "[addressing]\n#"),
        ('domain = "corp.example"', ""),
        ('selector = "arc"', ""),
        ("rfc = 7489", ""),
        ('from = "gmail"', ""),
        ("limit = 10", ""),
        ('rule = "unknown_mailbox"', ""),
        ("hosts =", "#"),
        ("ports = [587]", ""),
        ('stage = "rcpt"', ""),
        ('reply = "550', '#"'),
        # a value of another type
        ('title = "Corp"', "title = 1"),
        ('["corp.example"]', '"corp.example"'),
        ("[25]", '["25"]'),
        ("year = 2026\ntext", 'year = "2026"\ntext'),
        ('"SIZE 1000"', "1000"),
        ("hops = 3", "hops = -1"),
        ("hops = 3", "hops = 3.5"),
        ("hops = 3", "hops = true"),
        ("checks_paths = true", "checks_paths = 1"),
        ("dots = false", 'dots = "no"'),
        ("rfc = 7489", 'rfc = "7489"'),
        ("limit = 10", 'limit = "ten"'),
        ('"Sorry"', "3"),
        ("[587]", '["587"]'),
        ("challenges_tokens = false", 'challenges_tokens = "no"'),
        ("year = 2026\nstage", 'year = "2026"\nstage'),
        ("closes = true", 'closes = "yes"'),
        ('note = "-"', "note = 1"),
        ("[[submission.rules]]", "[submission.rules]"),
        ("[replies.user_unknown]", "[[replies.user_unknown]]"),
        # a value that there is not
        ('rule = "unknown_mailbox"', 'rule = "unknown_mailbx"'),
        ('rule = "wrong_credentials"', 'rule = "wrong_credential"'),
        ('eight_bit = "kept"', 'eight_bit = "lost"'),
        ('per = "address"', 'per = "adress"'),
        ('reply = "user_unknown"', 'stage = "rctp"'),
        ('reply = "user_unknown"', 'stage = "data"'),
        ('reply = "user_unknown"', 'when = "maybe"'),
        ('stage = "rcpt"', 'stage = "rctp"'),
        ('"captured"', '"seen"'),
        ('role = "mx"', 'role = "mta"'),
        ('"primary"', '"tertiary"'),
    ],
)
def test_a_mistake_that_the_reader_finds_is_one_by_the_schema(old, new):
    assert old in PROVIDER
    text = PROVIDER.replace(old, new, 1)

    with pytest.raises(ProviderFileError):
        read(text, "provider")

    assert mistakes_in(tomllib.loads(text), "provider") != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # a key that is unknown
        ("[folders]", "[folder]"),
        ("labels = true", "label = true"),
        ("needs_id", "needs_ids"),
        ("login_ok", "log_in_ok"),
        ("[imap.lines]", "[imap.line]"),
        ("year = 2026", "yaer = 2026"),
        ("[pop3]", "[pop]"),
        # a key that is missing
        ("[folders]\nsource", "[folders]\n#"),
        ("[folders.names]", "[sources.names]"),
        ("[imap]\nsource", "[imap]\n#"),
        ('hosts = ["pop.corp.example"]', ""),
        ('text = "OK welcome", ', ""),
        (', source = "page", year', ", year"),
        # a value of another type
        ('page = "own"', "page = 1"),
        ('delimiter = "/"', "delimiter = 1"),
        ("labels = true", 'labels = "yes"'),
        ('["imap.corp.example"]', '"imap.corp.example"'),
        ("[143, 993]", '["993"]'),
        ("connections = 15", 'connections = "15"'),
        ("connections = 15", "connections = -1"),
        ("connections = 15", "connections = 15\nidle_seconds = 1.5"),
        ("connections = 15", "connections = 15\ndaily_octets = true"),
        ("year = 2026", 'year = "2026"'),
        ('note = "-"', "note = 1"),
        # a value that there is not
        ("\\\\Sent", "\\\\Send"),
        ('passwords = "app"', 'passwords = "apps"'),
    ],
)
def test_a_mistake_in_a_file_about_reading_is_one_by_the_schema(old, new):
    assert old in READING
    text = READING.replace(old, new, 1)

    with pytest.raises(ProviderFileError):
        read(text, "reading")

    assert mistakes_in(tomllib.loads(text), "reading") != []


def places_in(values):
    """The tables and lists in a file, each with its keys."""
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        yield values, key
        if isinstance(value, dict | list):
            yield from places_in(value)


@st.composite
def changed(draw, text):
    """What is in a file, with one value in it replaced, or a key of it removed or misspelt."""
    values = tomllib.loads(text)
    holder, key = draw(st.sampled_from(list(places_in(values))))
    change = draw(st.sampled_from(["remove", "misspell", "replace"]))
    value = holder.pop(key)
    if isinstance(holder, list):
        holder[key:key] = [] if change == "remove" else [draw(ODD)]
    elif change != "remove":
        holder[f"{key}s" if change == "misspell" else key] = value if change == "misspell" else draw(ODD)
    return values


ODD = st.sampled_from([1, -1, 1.5, True, "", "x", [], ["x"], [1], [True], {}, {"source": "own"}, [{}]])
BY_KEY = re.compile(
    r"unknown key|is missing|is not (a|true)|no (rule|stage|condition|special use) | \((did|there)"
)


@pytest.mark.parametrize(("text", "kind"), [(PROVIDER, "provider"), (READING, "reading")])
@given(st.data())
def test_reader_and_schema_agree_about_what_is_no_matter_of_meaning(text, kind, data):
    values = data.draw(changed(text))

    found = mistakes_in(values, kind)

    told = refusal_of(text, kind, lambda file, _: Table(file, values))
    assert told or not found
    assert found or not BY_KEY.search(told)


def refusal_of(text, kind, reader):
    """What the reader says against a text; "" for nothing."""
    try:
        read(text, kind, reader)
    except ProviderFileError as error:
        return str(error)
    return ""
