"""Writes the JSON Schemas of what the package writes as JSON: `python docs/json_schemas.py`.

The values that a key can have are taken from the code, and the keys are held to it by the tests: what the
commands write is checked against these schemas, which allow no others. The tables of docs/reference/json.md
are made here too.
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pytest_mailnet.audit.verdicts import Belief, Verdict
from pytest_mailnet.coverage.cells import TABLES, CellTable
from pytest_mailnet.handles.names import FaultKind
from pytest_mailnet.providers.reading_facts import Protocol
from pytest_mailnet.rules import RULES, When
from pytest_mailnet.values import DELIVERY, Stage

__all__ = ["FOLDER", "schemas", "with_tables", "written"]

FOLDER = Path(__file__).parent / "reference" / "schemas"
SITE = "https://pytest-mailnet.readthedocs.io/en/latest"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

PAGE = FOLDER.parent / "json.md"

Schema = dict[str, Any]

_IN_THE_EXAMPLE = ("tables",)
_MOST = 20  # values that a line of a table tells


def schemas() -> dict[str, Schema]:
    """The schemas, by the names of the files that they stand in."""
    told = {
        "reproduce": ("What `mailnet reproduce --as json` prints", a_list(failure())),
        "audit": ("What `mailnet audit --json FILE` writes", audit()),
        "coverage": ("What `pytest --mailnet-cov-report=json` writes", coverage()),
        "providers": ("What `mailnet providers --json` prints", a_list(provider())),
        "replies": ("What `mailnet replies --json` prints", a_list(reply())),
        "faults": ("What `mailnet faults --json` prints", a_list(fault())),
    }
    return {
        f"{name}.schema.json": {
            "$schema": DIALECT,
            "$id": f"{SITE}/{name}.schema.json",
            "title": title,
            **schema,
        }
        for name, (title, schema) in told.items()
    }


def written(schema: Schema) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def keys_of(schema: Schema, path: str = "") -> Iterator[str]:
    """A line of a table for each key, with those of objects in it: `cases[].said[].text`."""
    while schema.get("type") == "array":
        path, schema = f"{path}[]", schema["items"]
    schema = schema.get("anyOf", [schema])[0]
    each = schema.get("additionalProperties")
    keys = {f"{path}.{key}".lstrip("[]."): it for key, it in schema.get("properties", {}).items()}
    if each and "properties" in each:
        keys |= {f"{path}.NAME.{key}": it for key, it in each["properties"].items()}
    for key, it in keys.items():
        if "description" in it:
            yield f"| `{key}` | {it['description']}{values_of(it)} |\n"
        if key not in _IN_THE_EXAMPLE:
            yield from keys_of(it, key)


def values_of(schema: Schema) -> str:
    """The values that a key can have, where they are not too many to be told."""
    values = [json.dumps(it).replace('"', "") for it in schema.get("enum", [])]
    return f" {', '.join(f'`{it}`' for it in values)}" if 0 < len(values) <= _MOST else ""


def with_tables(page: str) -> str:
    """The page about these forms, with a table of keys in each section that has one."""
    for name, schema in schemas().items():
        before, link, after = page.partition(f"](schemas/{name})")
        table = "".join(["| key | |\n", "| --- | --- |\n", *keys_of(schema)])
        page = before + link + re.sub(r"(?m)(^\|.*\n)+", lambda _, it=table: it, after, count=1)
    return page


def failure() -> Schema:
    """A failed recipient."""
    return an_object(
        file=text("The file that the evidence is in; for several in one, with what tells them apart."),
        recipient=text("The recipient's address, as the server that refused had it.", or_null=True),
        original=text("The address that the sender wrote to, if it was another.", or_null=True),
        sender=text("The reverse-path; empty for the null sender.", or_null=True),
        host=text("The server that refused, or did not answer.", or_null=True),
        address=text("Its IP address.", or_null=True),
        stage=one_of(Stage, "The stage at which it failed.", or_null=True),
        stage_inferred=flag("Whether the stage was inferred; null without a stage.", or_null=True),
        stage_rule=text("The rule by which it was inferred; null if the evidence states it.", or_null=True),
        code=number("The reply code.", or_null=True),
        enhanced=text("The enhanced status code (RFC 3463).", or_null=True),
        reply={
            "description": "The lines of the reply to the letter, with codes; null if no server replied.",
            "type": ["array", "null"],
            "items": {"type": "string"},
            "minItems": 1,
        },
        permanent=flag("Whether trying again is useless; null if the evidence does not say.", or_null=True),
        provider=text("The provider that it is from; null if that is unknown.", or_null=True),
        matches=text(
            "The catalogue's reply, 'gmail/user_unknown', or the fault, 'refused-at-connect'; null if new.",
            or_null=True,
        ),
        read_as=texts("What the evidence was read as."),
        left_out=texts("What of the evidence was not read."),
    )


def version() -> Schema:
    """The number of a format, which is another where a key is gone or means something else."""
    return {"description": "The version of the format.", "const": 1}


def audit() -> Schema:
    """An audit."""
    said = an_object(
        text=text("What the application did: 'returned None', 'raised ...'."),
        believed={
            "description": "What it believes of the mail, by recipient.",
            "type": "object",
            "additionalProperties": {"enum": names(Belief)},
        },
    )
    taken = an_object(
        recipients=texts("Whom RCPT named."),
        heard=flag("Whether the reply after the dot went out unharmed."),
        call=number("In which call of the application, from 1."),
    )
    case = an_object(
        case=text("The case, as `--case` takes it."),
        happens=text("What happens in it."),
        verdict=one_of(Verdict, "What came of it."),
        mistake=flag("Whether that is the application's mistake."),
        why=text("Why, where it is not right."),
        said=a_list(said, "What the application said, a call after the other."),
        taken=a_list(taken, "The mails that servers took."),
        again=text("The command that tries the case again."),
        record=text("The timeline of the net."),
    )
    return an_object(
        format=version(),
        application=text("The application, as the command line named it."),
        seconds={"description": "How long the audit took.", "type": "number", "minimum": 0},
        searched=number("How many schedules the search has tried."),
        mistakes=texts("The mistakes, the worst first: of each the smallest case that shows it."),
        not_tried=texts("The stages that it does not come to, and what could not be tried."),
        cases=a_list(case, "All cases; of the search, those that show a mistake."),
    )


def coverage() -> Schema:
    """A report of coverage."""

    def table(it: CellTable) -> Schema:
        rows = {row: an_object(**counts(it, row)) for row in it.rows}
        return {"description": it.title, **an_object(**rows)}

    def counts(it: CellTable, row: str) -> dict[str, Schema]:
        return {column: number(means) for column, means in it.columns.items() if it.has(row, column)}

    share = an_object(
        met={
            "description": "How many times, by name.",
            "type": "object",
            "additionalProperties": {"type": "integer", "minimum": 1},
        },
        unmet=texts("Those that no test has met."),
    )
    following = an_object(
        told=text("What no test has met."), code=text("What lets a test meet it, in Python.")
    )
    return an_object(
        format=version(),
        nets=number("How many nets the run had."),
        percent={"description": "The share of the cells.", "type": "number", "minimum": 0, "maximum": 100},
        met=number("How many cells were met."),
        cells=number("How many there are that count."),
        tables={
            "description": "How many times each cell was met, by table, row and column.",
            **an_object(**{it.name: table(it) for it in TABLES}),
        },
        providers={
            "description": "The replies of the providers that were used.",
            "type": "object",
            "additionalProperties": share,
        },
        faults={"description": "The faults.", **share},
        next={
            "description": "The most useful next test; null where all is met.",
            "anyOf": [following, {"type": "null"}],
        },
    )


def provider() -> Schema:
    """A provider."""
    rule = an_object(
        rule=one_of(sorted(RULES), "The rule's name."),
        stage=one_of(DELIVERY, "The stage at which it is asked."),
        on=one_of(When, "When it is on."),
        reply=text("The condition that it answers with; null for one that does not refuse.", or_null=True),
    )
    submission = an_object(
        hosts=texts("Their names."),
        ports=numbers("The ports that they listen on."),
        extensions=texts("What their EHLO reply offers."),
        rules=a_list(rule, "Their rules, in the order in which they are asked."),
    )
    servers = an_object(
        protocol=one_of(typing.get_args(Protocol), "Their protocol."),
        hosts=texts("Their names."),
        ports=numbers("The ports that they listen on."),
        tls_ports=numbers("Those that are for TLS from the first byte on."),
    )
    return an_object(
        name=text("The name, with the era behind it: 'gmail', 'gmail-2009'."),
        title=text("The name that people know."),
        aliases=texts("Further names."),
        domains=texts("The domains of its users' addresses."),
        addressing={
            "description": "Which addresses are one.",
            **an_object(
                subaddress=text("The sign before a tag; empty for none."),
                dots=flag("Whether a dot in a local part counts."),
                same_domains=texts("Domains in which the same local part is the same mailbox."),
            ),
        },
        hosts={
            "description": "The MX hosts, each with the addresses that it has of its own.",
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        ports=numbers("The ports that they listen on."),
        takes_customers=flag("Whether it takes domains of others."),
        extensions=texts("What their EHLO reply offers."),
        rules=a_list(rule, "Their rules, in the order in which they are asked."),
        submission={
            "description": "Its submission servers; null if none are known.",
            "anyOf": [submission, {"type": "null"}],
        },
        reading=a_list(servers, "The servers at which its users read their mail."),
    )


def reply() -> Schema:
    """A reply of the catalogue."""
    of_file = json.loads((FOLDER / "provider-file.schema.json").read_text("utf-8"))
    keys = of_file["properties"]["replies"]["additionalProperties"]["properties"]
    return an_object(
        id=text("The provider's name and the reply's: 'gmail/user_unknown'."),
        provider=text("The provider, with the era behind it."),
        condition=text("Why it is given."),
        role=one_of(keys["role"]["enum"], "To whom: to those who send to its users, or to its users."),
        stage=one_of(keys["stage"]["enum"], keys["stage"]["description"]),
        stage_evidence=one_of(keys["stage_evidence"]["enum"], "How the stage is known."),
        code=number("The reply code."),
        enhanced=text("The enhanced status code (RFC 3463); null if it has none.", or_null=True),
        text=text("The text without the codes; line ends are between its lines."),
        source=text("The public page, file or capture that it was taken from."),
        year=number("The year of the source; null if that is unknown.", or_null=True),
        secondary=flag("Whether the source is somebody's list that quotes the reply."),
        note=text("Remarks on oddities."),
    )


def fault() -> Schema:
    """A fault."""
    return an_object(
        id=text("The name that `mailnet.fail` and the mark take."),
        stage=one_of(["lookup", *Stage], "The stage at which it happens."),
        kind=one_of(typing.get_args(FaultKind), "What is wrong."),
        does=text("What happens."),
        taken=flag(
            "Whether the server has taken the mail; null if that depends on the client.",
            or_null=True,
        ),
    )


def an_object(**keys: Schema) -> Schema:
    """An object with these keys and no others."""
    return {"type": "object", "properties": keys, "required": list(keys), "additionalProperties": False}


def a_list(each: Schema, said: str = "") -> Schema:
    """A list of these."""
    return {**({"description": said} if said else {}), "type": "array", "items": each}


def text(said: str, *, or_null: bool = False) -> Schema:
    """A text."""
    return {"description": said, "type": ["string", "null"] if or_null else "string"}


def texts(said: str) -> Schema:
    """A list of texts."""
    return a_list({"type": "string"}, said)


def number(said: str, *, or_null: bool = False) -> Schema:
    """A whole number of 0 or more."""
    return {"description": said, "type": ["integer", "null"] if or_null else "integer", "minimum": 0}


def numbers(said: str) -> Schema:
    """A list of numbers."""
    return a_list({"type": "integer", "minimum": 0}, said)


def flag(said: str, *, or_null: bool = False) -> Schema:
    """True or false."""
    return {"description": said, "type": ["boolean", "null"] if or_null else "boolean"}


def one_of(values: Iterable[str], said: str, *, or_null: bool = False) -> Schema:
    """One of some texts."""
    return {"description": said, "enum": [*names(values), *([None] if or_null else [])]}


def names(values: Iterable[str]) -> list[str]:
    """The texts that values stand for."""
    return [str(it) for it in values]


def main() -> None:
    """Write the schemas, and the tables of the page."""
    for name, schema in schemas().items():
        (FOLDER / name).write_text(written(schema), "utf-8")
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
