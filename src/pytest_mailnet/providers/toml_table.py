"""A table of a provider's TOML file, read with its types; an error names file and key."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_mailnet.errors import InvalidSetting, ProviderFileError, amongst
from pytest_mailnet.handles.attributes import is_whole
from pytest_mailnet.rules import When
from pytest_mailnet.values import DELIVERY, Stage

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Table"]

Values = TypeVar("Values", bound="DataclassInstance")
Usual = TypeVar("Usual", int, None)


class Table:
    """A table of a provider's file. What is missing in it reads as the default.

    Every method that reads raises `ProviderFileError`, with file and key, for a value of another type.

    Args:
        file: the file's name, for messages.
        values: what is in the table.
        key: where it stands in the file: "submission.rules[2]"; "" for the whole file.
    """

    def __init__(self, file: str, values: Mapping[str, Any], key: str = "") -> None:
        self._file, self._values, self._key = file, values, key

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def check_keys(self, *, required: Collection[str], optional: Collection[str] = ()) -> None:
        """Check that no key is unknown or missing."""
        for name in self._values:
            if name not in required and name not in optional:
                raise self.error(name, f"unknown key{amongst(name, {*required, *optional})}")
        for name in sorted(required):
            if name not in self._values:
                raise self.error(name, "is missing")

    def table(self, name: str) -> Table:
        """A table in this one; an empty one if it is not there."""
        return Table(self._file, self._typed(name, dict, "a table", {}), self._path(name))

    def tables(self, name: str) -> list[Table]:
        """A list of tables in this one."""
        path = self._path(name)
        items = self._typed(name, list, f"a list of tables, [[{path}]]", [])
        checked = self._items(name, items, dict, "a table")
        return [Table(self._file, item, f"{path}[{number}]") for number, item in enumerate(checked, 1)]

    def sourced(self, name: str, *, required: Iterable[str] = (), optional: Iterable[str] = ()) -> Table:
        """A table in this one that names its source, and may name the source's year.

        Args:
            name: its key.
            required: its further keys.
            optional: those that may be missing.
        """
        found = self.table(name)
        if name in self:
            found.check_keys(required={"source", *required}, optional={"year", *optional})
            found.text("source")
            found.number("year", None)
        return found

    def values(self, name: str, usual: Values) -> Values:
        """A dataclass whose fields are the keys of a table that names its source.

        Args:
            name: the table's key.
            usual: what holds without such a table.
        """
        if name not in self:
            return usual
        kind = type(usual)
        fields = dataclasses.fields(kind)
        needed = [field.name for field in fields if field.default is dataclasses.MISSING]
        found = self.sourced(name, required=needed, optional=[field.name for field in fields])
        try:
            return kind(**found.settings(kind))
        except InvalidSetting as error:
            key, _, told = str(error).partition(": ")
            raise found.error(key, told) from error

    def settings(self, kind: type[DataclassInstance]) -> dict[str, Any]:
        """The values for those fields of a dataclass that have a key, by the fields' types."""
        return {
            field.name: self._setting(field.name, str(field.type))
            for field in dataclasses.fields(kind)
            if field.name in self._values
        }

    def _setting(self, name: str, kind: str) -> object:
        match kind:
            case "Stage":
                return Stage(self.one_of(name, DELIVERY, kind="stage "))
            case "When":
                return When(self.one_of(name, list(When)))
            case "int":
                return self.number(name, 0)
            case "bool":
                return self.flag(name)
            case "tuple[str, ...]":
                return self.texts(name)
            case _:
                return self.text(name)

    def text(self, name: str, usual: str = "") -> str:
        """A text."""
        found: str = self._typed(name, str, "a text", usual)
        return found

    def flag(self, name: str, *, usual: bool = False) -> bool:
        """True or false."""
        found: bool = self._typed(name, bool, "true or false", usual)
        return found

    def number(self, name: str, usual: Usual) -> int | Usual:
        """A whole number of 0 or more.

        Args:
            name: the key.
            usual: what holds without the key.
        """
        return self._whole(name, self._values[name]) if name in self._values else usual

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        items: list[str] = self._typed(name, list, "a list of texts", [])
        return tuple(self._items(name, items, str, "a text"))

    def numbers(self, name: str, usual: Iterable[int] = ()) -> tuple[int, ...]:
        """A list of whole numbers of 0 or more."""
        items: list[int] = self._typed(name, list, "a list of numbers", list(usual))
        return tuple(self._whole(f"{name}[{number}]", item) for number, item in enumerate(items, 1))

    def one_of(self, name: str, known: Collection[str], usual: str = "", *, kind: str = "") -> str:
        """One of the values that there are.

        Args:
            name: the key.
            known: these values.
            usual: the value without the key.
            kind: what they are, for messages, with a space behind; "" to let the values tell.
        """
        given = str(self._values.get(name, usual))
        if given not in known:
            what = f"no {kind}{given!r}" if kind else repr(given)
            raise self.error(name, f"{what}{amongst(given, map(str, known))}")
        return given

    def get(self, name: str, usual: Any = None) -> Any:
        """A value as it stands in the file."""
        return self._values.get(name, usual)

    def error(self, name: str, text: str) -> ProviderFileError:
        """An error at a key of this table; "" for the table itself."""
        return ProviderFileError(f"{self._file}: {self._path(name)}: {text}")

    def _path(self, name: str) -> str:
        return f"{self._key}.{name}" if self._key and name else self._key or name

    def _typed(self, name: str, kind: type, expected: str, usual: object) -> Any:
        value = self._values.get(name, usual)
        if not isinstance(value, kind):
            raise self.error(name, f"{value!r} is not {expected}")
        return value

    def _whole(self, name: str, value: int) -> int:
        if not is_whole(value) or value < 0:
            raise self.error(name, f"{value!r} is not a number of 0 or more")
        return value

    def _items(self, name: str, items: Iterable[Any], kind: type, expected: str) -> Iterator[Any]:
        for number, item in enumerate(items, 1):
            if not isinstance(item, kind):
                raise self.error(f"{name}[{number}]", f"{item!r} is not {expected}")
            yield item
