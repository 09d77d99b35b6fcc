"""Writes the JSON Schemas of providers' files from the code that reads these files: `python docs/schemas.py`.

Every file of the package is read by the package's own readers, from tables that note what they are asked
for. So a schema has the keys and types that the readers know.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import re
import tomllib
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_mailnet.mailboxes.shelf import FolderLayout
from pytest_mailnet.providers.catalogue import catalogue_with, stock_reading
from pytest_mailnet.providers.facts import Facts, Submission
from pytest_mailnet.providers.phrasebook import Phrase
from pytest_mailnet.providers.reading_facts import ReadingFacts, ReadingServers, SourcedText
from pytest_mailnet.providers.toml_file import parse_facts
from pytest_mailnet.providers.toml_reading import parse_reading
from pytest_mailnet.providers.toml_table import Table
from pytest_mailnet.rules import RULES, When
from pytest_mailnet.values import DELIVERY, Stage

__all__ = ["FOLDER", "schemas", "written"]

FOLDER = Path(__file__).parent / "reference" / "schemas"
SITE = "https://pytest-mailnet.readthedocs.io/en/latest"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

CLASSES: Mapping[str, type] = MappingProxyType(
    {
        "provider": Facts,
        "provider.replies.*": Phrase,
        "provider.submission": Submission,
        "reading": ReadingFacts,
        "reading.folders": FolderLayout,
        "reading.imap": ReadingServers,
        "reading.pop3": ReadingServers,
        **{f"reading.{it}.*": SourcedText for it in ("imap.lines", "imap.words", "pop3.lines", "pop3.words")},
    }
)
"""The classes that tell of a table's keys, beside those that are read from a table as they are."""


@dataclass
class Node:
    """What the readers have asked a table for.

    Attributes:
        values: the schemas of its values, by key.
        tables: its tables, by key; "*" for all of a table whose keys are names.
        listed: the keys with a list of rules.
        known: the keys that it may have; None for any.
        required: those that it must have.
        about: the meaning of the keys that are a class's attributes.
    """

    values: dict[str, Schema] = field(default_factory=dict)
    tables: dict[str, Node] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    known: set[str] | None = None
    required: set[str] = field(default_factory=set)
    about: dict[str, str] = field(default_factory=dict)

    def note(self, key: str, schema: Schema) -> None:
        """Note the schema of a value. A default that differs from one reading to the next is left out."""
        known = self.values.setdefault(key, schema)
        if known.get("default") != schema.get("default"):
            known.pop("default", None)


class AskedTable(Table):
    """A table that notes what it is asked for.

    Args:
        file: the file's name.
        values: what is in the table.
        key: where it stands in the file.
        node: takes the notes.
    """

    def __init__(self, file: str, values: Mapping[str, Any], key: str = "", node: Node | None = None) -> None:
        super().__init__(file, values, key)
        self._node = node or Node()
        self._named = False

    def __iter__(self) -> Iterator[str]:
        self._named = True
        return super().__iter__()

    def check_keys(self, *, required: Iterable[str], optional: Iterable[str] = ()) -> None:
        """Note the keys."""
        self._node.known = {*required, *optional}
        self._node.required = set(required)
        super().check_keys(required=set(required), optional=set(optional))

    def table(self, name: str) -> AskedTable:
        """Note a table."""
        node = self._node.tables.setdefault(self._key_of(name), Node())
        return AskedTable(self._file, self._typed(name, dict, "a table", {}), self._path(name), node)

    def tables(self, name: str) -> list[Table]:
        """Note a list of rules."""
        self._node.listed.add(name)
        return super().tables(name)

    def settings(self, kind: Any) -> dict[str, Any]:
        """Note the fields of a class."""
        self._node.about |= attributes_of(kind)
        found = super().settings(kind)
        self._node.values |= fields_of(kind)
        return found

    def text(self, name: str, usual: str = "") -> str:
        """Note a text."""
        self._note(name, {"type": "string"}, usual)
        return super().text(name, usual)

    def flag(self, name: str, *, usual: bool = False) -> bool:
        """Note true or false."""
        self._note(name, {"type": "boolean"}, usual, told=True)
        return super().flag(name, usual=usual)

    def number(self, name: str, usual: Any) -> Any:
        """Note a number."""
        self._note(name, {"type": "integer", "minimum": 0}, usual, told=usual is not None)
        return super().number(name, usual)

    def texts(self, name: str) -> tuple[str, ...]:
        """Note a list of texts."""
        self._note(name, {"type": "array", "items": {"type": "string"}})
        return super().texts(name)

    def numbers(self, name: str, usual: Iterable[int] = ()) -> tuple[int, ...]:
        """Note a list of numbers."""
        self._note(name, {"type": "array", "items": {"type": "integer", "minimum": 0}}, list(usual))
        return super().numbers(name, usual)

    def one_of(self, name: str, known: Iterable[str], usual: str = "", *, kind: str = "") -> str:
        """Note the values that there are."""
        values = [str(it) for it in known]
        self._note(name, {"enum": values}, usual)
        return super().one_of(name, values, usual, kind=kind)

    def _note(self, name: str, schema: Schema, usual: object = None, *, told: bool = False) -> None:
        if told or usual:
            schema = {**schema, "default": usual}
        self._node.note(self._key_of(name), schema)

    def _key_of(self, name: str) -> str:
        return "*" if self._named else name


def schemas() -> dict[str, Schema]:
    """The schemas of a provider's files, by the names of the files that they stand in."""
    provider, reading = asked()
    return {
        "provider-file.schema.json": {
            "$schema": DIALECT,
            "$id": f"{SITE}/provider-file.schema.json",
            "title": "A provider of pytest-mailnet: NAME.toml, NAME-ERA.toml",
            **of_file(provider, "provider"),
            "$defs": {"rule": rule(), **{name: of_rule(name) for name in sorted(RULES)}},
        },
        "reading-file.schema.json": {
            "$schema": DIALECT,
            "$id": f"{SITE}/reading-file.schema.json",
            "title": "How mail is read at a provider of pytest-mailnet: NAME.reading.toml",
            **with_conditions(of_file(reading, "reading")),
        },
    }


def written(schema: Schema) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def asked() -> tuple[Node, Node]:
    """What the readers ask the package's files for: those of providers, and those about reading."""
    data = resources.files("pytest_mailnet.providers") / "data"
    texts = {it.name: it.read_text("utf-8") for it in data.iterdir() if it.name.endswith(".toml")}
    provider, reading = Node(), Node()
    stems = catalogue_with().stems
    for file, text in sorted(texts.items()):
        if file.endswith(".reading.toml"):
            parse_reading(
                text,
                file,
                file.removesuffix(".reading.toml"),
                None if file.startswith("stock.") else stock_reading(),
                lambda name: texts.get(f"{name}.reading.toml"),
                reader=lambda file, values: AskedTable(file, values, node=reading),
            )
        else:
            # Of "postfix-3.7.toml" it is "postfix.toml".
            today = next((it for it in stems if file.startswith(f"{it}-")), "stock")
            parse_facts(
                text,
                file,
                today=texts[f"{today}.toml"],
                reader=lambda file, values: AskedTable(file, values, node=provider),
            )
    return provider, reading


def of_file(node: Node, path: str) -> Schema:
    """The schema of a file. One that is `like` another need not have all that a whole one must have."""
    return {
        **of_table(node, path),
        "if": {"required": ["like"]},
        "else": must_have(node),
    }


def with_conditions(schema: Schema) -> Schema:
    """The schema of a file about reading, whose words are for the conditions that the stock has."""
    for servers in stock_reading().servers:
        protocol = schema["properties"][servers.protocol.lower()]
        words = protocol["properties"]["words"]
        schema["$defs"] = {"words": words["additionalProperties"]}
        words["properties"] = {it: {"$ref": "#/$defs/words"} for it in sorted(servers.words)}
        words["additionalProperties"] = False
    return schema


def of_table(node: Node, path: str) -> Schema:
    """The schema of a table, without the keys that it must have."""
    told = {**node.about, **attributes_of(CLASSES.get(path))}
    if node.known is None:
        return {"type": "object", "additionalProperties": of_key(node, "*", path, told)}
    if missing := node.known - {*node.tables, *node.values, *node.listed}:
        raise LookupError(f"no reader asks for the keys {sorted(missing)} of {path}")
    return {
        "type": "object",
        "properties": {key: of_key(node, key, path, told) for key in sorted(node.known)},
        "additionalProperties": False,
    }


def of_key(node: Node, key: str, path: str, told: Mapping[str, str]) -> Schema:
    """The schema of a key of a table, with what it means."""
    place = f"{path}.{key}"
    if key in node.listed:
        schema: Schema = {"type": "array", "items": {"$ref": "#/$defs/rule"}}
    elif key in node.tables:
        schema = of_table(node.tables[key], place)
    else:
        schema = node.values[key]
    said = meanings()
    places = (place, f"{path.rpartition('.')[0]}.*.{key}", f"*.{key}", f"*.{'.'.join(place.split('.')[-2:])}")
    meaning = next((said[it] for it in places if it in said), None) or told.get(key)
    if meaning is None:
        raise LookupError(
            f"nothing tells what {place} means: name it among a class's attributes, or in schemas.toml"
        )
    return {"description": meaning, **schema}


@functools.cache
def meanings() -> dict[str, str]:
    """What keys mean that are no attributes of a class."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def must_have(node: Node) -> Schema:
    """The keys that a table and those in it must have."""
    found: Schema = {}
    if node.required:
        found["required"] = sorted(node.required)
    inside = {key: must_have(it) for key, it in sorted(node.tables.items())}
    if node.known is None and any(inside.values()):
        found["additionalProperties"] = inside["*"]
    elif any(inside.values()):
        found["properties"] = {key: it for key, it in inside.items() if it}
    return found


def rule() -> Schema:
    """The schema of an entry of a list of rules."""
    return {
        "type": "object",
        "properties": {"rule": {"description": "The rule's name.", "enum": sorted(RULES)}},
        "required": ["rule"],
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in sorted(RULES)],
    }


def of_rule(name: str) -> Schema:
    """The schema of an entry with a rule of this name."""
    kind = RULES[name]
    told = attributes_of(kind)
    fields = fields_of(kind)
    stages = [str(it) for it in DELIVERY if it in kind.stages]
    fields["stage"] = {"enum": stages, "default": fields["stage"]["default"]}
    must = [it.name for it in dataclasses.fields(kind) if it.default is dataclasses.MISSING]
    if "reply" in fields:
        fields["reply"]["minLength"] = 1
        must += ["reply"] if kind.reply == "" else []
    return {
        "description": inspect.getdoc(kind).partition("\n")[0],
        "type": "object",
        "properties": {
            "rule": {"const": name},
            **{key: {"description": told[key], **schema} for key, schema in fields.items()},
        },
        "required": ["rule", *must],
        "additionalProperties": False,
    }


def fields_of(kind: type) -> dict[str, Schema]:
    """The schemas of a dataclass's fields, by their types."""
    types = typing.get_type_hints(kind)
    found = {}
    for each in dataclasses.fields(kind):
        schema = of_type(types[each.name])
        if each.default is not dataclasses.MISSING and each.default not in ("", ()):
            schema["default"] = plain(each.default)
        found[each.name] = schema
    return found


def of_type(kind: Any) -> Schema:
    """The schema of a field's values."""
    if typing.get_origin(kind) is typing.Literal:
        return {"enum": list(typing.get_args(kind))}
    if kind == tuple[str, ...]:
        return {"type": "array", "items": {"type": "string"}}
    known: dict[Any, Schema] = {
        Stage: {"enum": [str(it) for it in DELIVERY]},
        When: {"enum": [str(it) for it in When]},
        bool: {"type": "boolean"},
        int: {"type": "integer", "minimum": 0},
        str: {"type": "string"},
    }
    return known[kind]


def plain(value: object) -> object:
    """A default as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def attributes_of(kind: type | None) -> dict[str, str]:
    """What the docstrings of a class, and of those that it is made from, say of its attributes."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__ if kind else ()):
        section = inspect.cleandoc(each.__dict__.get("__doc__") or "").partition("\nAttributes:\n")[2]
        section = section.partition("\n\n")[0]
        for names, said in re.findall(r"(?ms)^ {4}([\w, ]+): (.*?)(?=^ {4}\S|\Z)", section):
            text = " ".join(said.split()).replace("`", "'")
            found |= dict.fromkeys(names.split(", "), text[0].upper() + text[1:])
    return found


def main() -> None:
    """Write the schemas."""
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(written(schema), "utf-8")


if __name__ == "__main__":
    main()
