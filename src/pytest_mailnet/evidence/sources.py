"""Sources of evidence: files, Maildirs and other folders, standard input."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pytest_mailnet.errors import EvidenceError, amongst

__all__ = ["STANDARD_INPUT", "EvidenceSource", "sources_at"]

STANDARD_INPUT = "-"
"""Stands for standard input in place of a path."""

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class EvidenceSource:
    """One file of evidence.

    Attributes:
        name: its name in messages and results.
        size: in bytes; 0 if it is not known beforehand.
        open: opens it for reading; raises OSError if it cannot be read.
    """

    name: str
    size: int
    open: Callable[[], BinaryIO]


def sources_at(
    paths: Iterable[str | os.PathLike[str]], standard_input: BinaryIO | None = None
) -> Iterator[EvidenceSource]:
    """All files at some paths; those in a folder sorted by name.

    Args:
        paths: files, Maildirs, other folders, or "-".
        standard_input: the stream that "-" reads; without one, "-" is a file of that name.

    Raises:
        EvidenceError: if there is nothing at a path, with near misses; or if "-" is given twice.
    """
    __tracebackhide__ = True
    once = False
    for given in paths:
        path = Path(given)
        if str(given) == STANDARD_INPUT and standard_input is not None:
            if once:
                raise EvidenceError("'-' twice: standard input can be read once")
            once = True
            yield EvidenceSource("standard input", 0, lambda: standard_input)
        elif not str(given):
            raise EvidenceError("'' is no file: a variable that is not set? \".\" is all that lies here")
        elif _is_folder(path):
            yield from _sources_in(path)
        elif _is_missing(path):
            others = _names_in(path.parent)
            beside = amongst(path.name, others) if others else ""
            raise EvidenceError(f"{str(path)!r}: no such file{beside}")
        else:
            yield _file(path)


def _names_in(folder: Path) -> list[str]:
    try:
        return [it.name for it in folder.iterdir() if not it.name.startswith(".")]
    except OSError:
        return []


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112, Path.is_dir raises where a folder may not be entered


def _is_missing(path: Path) -> bool:
    """Whether there is surely nothing at a path; False in a folder that may not be entered."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False


def _file(path: Path) -> EvidenceSource:
    try:
        size = path.stat().st_size
    except OSError as error:
        return _unread(path, error)
    return EvidenceSource(str(path), size, lambda: path.open("rb"))


def _unread(path: Path, error: OSError) -> EvidenceSource:
    """A file that cannot be read; opening it raises the error."""
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        error = OSError("it is a link to where nothing is")

    def refuse() -> BinaryIO:
        raise error

    return EvidenceSource(str(path), 0, refuse)


def _sources_in(folder: Path) -> Iterator[EvidenceSource]:
    """The mails of a Maildir, or all files below another folder except hidden ones.

    What cannot be read is among them; opening it raises the error.
    """
    found: dict[Path, EvidenceSource] = {}

    def fail(error: OSError) -> None:
        path = Path(error.filename)
        found[path] = _unread(path, error)

    is_maildir = _is_folder(folder / "cur") and _is_folder(folder / "new")
    for top in (folder / "cur", folder / "new") if is_maildir else (folder,):
        for place, folders, files in os.walk(top, onerror=fail):
            folders[:] = [] if is_maildir else [it for it in folders if not it.startswith(".")]
            for name in files:
                path = Path(place, name)
                if is_maildir or not name.startswith("."):
                    found[path] = _in_folder(path)
    yield from (found[path] for path in sorted(found))


def _in_folder(path: Path) -> EvidenceSource:
    """A file in a folder. A pipe or device is not read: it may never end, and nobody named it."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return _unread(path, error)
    return (
        _file(path)
        if stat.S_ISREG(mode)
        else _unread(path, OSError(f"it is {_KINDS.get(stat.S_IFMT(mode), 'no file')}"))
    )
