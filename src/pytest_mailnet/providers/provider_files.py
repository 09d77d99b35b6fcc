"""The TOML files of providers, not parsed: this package's, those of other packages, and the user's."""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

from pytest_mailnet.errors import InvalidSetting, ProviderFileError
from pytest_mailnet.providers.index import Indexed, index

__all__ = [
    "ENTRY_POINTS",
    "ERA",
    "ProviderFiles",
    "files_in",
    "installed_files",
    "shipped_files",
    "stock_text",
]

ENTRY_POINTS = "pytest_mailnet.providers"
"""The entry-point group by which packages ship providers: each names a package with TOML files in it."""

ERA = re.compile(r"(?P<name>.+)-(?P<era>\d{4}|\d+\.\d+)")
"""A file's name without ".toml" if it tells of another time: of a year, or of a program's version."""

_READING = ".reading"
_STOCK = "stock."


class ProviderFiles:
    """Some files of providers, by stem: their name without ".toml", such as "gmail" and "gmail-2009".

    Args:
        files: the files; of two with the same name, the later one counts.
        shipped: those of this package. They are checked and indexed by its tests, and not again in each run.
    """

    def __init__(self, files: Iterable[Traversable], shipped: Container[Traversable] = ()) -> None:
        found = {file.name.removesuffix(".toml"): file for file in files}
        self._files = {stem: it for stem, it in found.items() if not stem.endswith(_READING)}
        self._about_reading = {
            stem.removesuffix(_READING): it for stem, it in found.items() if stem.endswith(_READING)
        }
        self._shipped = shipped
        self._texts: dict[str, str] = {}

    def __contains__(self, stem: object) -> bool:
        return stem in self._files

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the providers, sorted, without aliases."""
        return tuple(sorted(name for name in self._files if not ERA.fullmatch(name)))

    @property
    def stems(self) -> list[str]:
        """All stems, sorted."""
        return sorted(self._files)

    @property
    def about_reading(self) -> Iterable[str]:
        """The names of the providers with a file about those who read mail there."""
        return self._about_reading

    @functools.cached_property
    def indexed(self) -> Mapping[str, Indexed]:
        """The names in those providers' files that are all this package's own."""
        return {name: it for name, it in index().items() if self._all_shipped(name)}

    def shipped(self, stem: str) -> bool:
        """Whether a file is this package's own."""
        return self._files[stem] in self._shipped

    def file_name(self, stem: str) -> str:
        """The file's name, for messages."""
        return self._files[stem].name

    def text(self, stem: str) -> str:
        """The file's text."""
        found = self._texts.get(stem)
        if found is None:
            found = self._texts[stem] = self._files[stem].read_text("utf-8")
        return found

    def text_about_reading(self, name: str) -> str | None:
        """The text of a provider's file about those who read mail; None if there is none."""
        file = self._about_reading.get(name)
        return None if file is None else file.read_text("utf-8")

    def _all_shipped(self, name: str) -> bool:
        files = self._files.get(name), self._about_reading.get(name)
        return files[0] is not None and all(it is None or it in self._shipped for it in files)


def shipped_files() -> Iterator[Traversable]:
    """The files of this package, without those in the RFCs' words."""
    return (file for file in _toml_in(_data()) if not file.name.startswith(_STOCK))


def stock_text(name: str) -> str:
    """One of the two files in the RFCs' words: "stock.toml", "stock.reading.toml"."""
    return (_data() / name).read_text("utf-8")


def installed_files() -> Iterator[Traversable]:
    """The files that other packages ship.

    Raises:
        ProviderFileError: for an entry point that names no package.
    """
    for point in _entry_points():
        try:
            folder = resources.files(point.load())
        except (ImportError, AttributeError, TypeError) as error:
            raise ProviderFileError(
                f"entry point {point.name} = {point.value!r} of group {ENTRY_POINTS}: {error}; "
                "it names a package that has the TOML files of providers in it"
            ) from error
        yield from _toml_in(folder)


def files_in(paths: Iterable[Path]) -> Iterator[Traversable]:
    """The files of the user.

    Args:
        paths: TOML files, and folders with such files.

    Raises:
        InvalidSetting: for a path without a TOML file.
    """
    for path in paths:
        found = list(_toml_in(path)) if path.is_dir() else [path] if path.is_file() else []
        if not found:
            raise InvalidSetting(
                f"providers: {str(path)!r} is no TOML file, and no folder with such files in it"
            )
        yield from found


def _entry_points() -> Iterator[metadata.EntryPoint]:
    # `metadata.entry_points` takes four times as long: it parses those of all packages.
    seen = set()
    for it in metadata.distributions():
        if ENTRY_POINTS not in (it.read_text("entry_points.txt") or ""):
            continue
        # Of a package that is found twice, the first counts, as for imports.
        name = re.sub(r"[-_.]+", "-", str(it.metadata["Name"])).lower()
        if name not in seen:
            yield from it.entry_points.select(group=ENTRY_POINTS)
        seen.add(name)


def _data() -> Traversable:
    return resources.files(__name__.rpartition(".")[0]) / "data"


def _toml_in(folder: Traversable) -> Iterator[Traversable]:
    return (file for file in folder.iterdir() if file.name.endswith(".toml"))
