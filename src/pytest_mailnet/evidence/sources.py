"""Where evidence lies: files, Maildirs and other folders, standard input."""

from __future__ import annotations

import codecs
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pytest_mailnet.errors import EvidenceError, amongst

__all__ = ["STANDARD_INPUT", "Source", "lines_of", "mails_of", "sources_at"]

STANDARD_INPUT = "-"
"""In place of a path: what is typed or piped in."""

_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 16
_ENVELOPE = re.compile(rb"From \S{0,400} {0,3}.{0,40}\d\d:\d\d")  # with the time at which it came


@dataclass(frozen=True, slots=True)
class Source:
    """One file of evidence.

    Attributes:
        name: what messages and results call it.
        size: in bytes; 0 where it is not known beforehand.
        open: opens it for reading.
    """

    name: str
    size: int
    open: Callable[[], BinaryIO]


def sources_at(
    paths: Iterable[str | os.PathLike[str]], standard_input: BinaryIO | None = None
) -> Iterator[Source]:
    """All files at some paths, those in a folder in the order of their names.

    Args:
        paths: files, Maildirs, other folders, or "-".
        standard_input: what "-" reads.

    Raises:
        EvidenceError: for a path where nothing is; names the near misses.
    """
    __tracebackhide__ = True
    for given in paths:
        path = Path(given)
        if str(given) == STANDARD_INPUT and standard_input is not None:
            yield Source("standard input", 0, lambda: standard_input)
        elif path.is_dir():
            yield from map(_file, _files_in(path))
        elif path.exists():
            yield _file(path)
        else:
            beside = _names_in(path.parent) if path.parent.is_dir() else []
            raise EvidenceError(f"{str(path)!r}: no such file{amongst(path.name, beside)}")


def lines_of(stream: BinaryIO, began: bytes = b"", read: Callable[[int], object] = int) -> Iterator[str]:
    """The lines of a text of any size, without their ends; each cut to 64 KiB.

    Args:
        stream: the text from where `began` ends.
        began: its beginning, which has been read already.
        read: told of each block's size in bytes.
    """
    codec = "utf-16" if began[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    decoded = codecs.getincrementaldecoder(codec)("replace")
    decoder = io.IncrementalNewlineDecoder(decoded, translate=True)
    rest = ""
    block = began or stream.read(_BLOCK)
    while block:
        *lines, rest = (rest + decoder.decode(block)).split("\n")
        for line in lines:
            yield line[:_LONGEST_LINE]
        rest = rest[:_LONGEST_LINE]
        block = stream.read(_BLOCK)
        read(len(block))
    if rest:
        yield rest


def mails_of(stream: BinaryIO, began: bytes) -> Iterator[bytes]:
    """The mails of an mbox (RFC 4155); of each what a bounce can have to say, not more than 1 MiB.

    Args:
        stream: the mailbox from where `began` ends.
        began: its beginning, which has been read already.
    """
    mail = bytearray()
    empty = True
    for line in _raw_lines(stream, began):
        if empty and mail and _ENVELOPE.match(line):
            yield bytes(mail)
            mail.clear()
        if len(mail) < _BLOCK:
            mail += line[: _BLOCK - len(mail)]
        empty = not line.strip()
    if mail:
        yield bytes(mail)


def _raw_lines(stream: BinaryIO, began: bytes) -> Iterator[bytes]:
    rest = began
    while block := stream.read(_BLOCK):
        *lines, rest = (rest + block).splitlines(keepends=True)
        yield from lines
    yield from rest.splitlines(keepends=True)


def _names_in(folder: Path) -> list[str]:
    return [it.name for it in folder.iterdir() if not it.name.startswith(".")]


def _file(path: Path) -> Source:
    return Source(str(path), path.stat().st_size, lambda: path.open("rb"))


def _files_in(folder: Path) -> list[Path]:
    """Of a Maildir the mails, of any other folder all files below it; none that are hidden."""
    if (folder / "cur").is_dir() and (folder / "new").is_dir():
        return sorted(it for part in ("cur", "new") for it in (folder / part).iterdir() if it.is_file())
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [it for it in folders if not it.startswith(".")]
        found += [Path(place, it) for it in files if not it.startswith(".")]
    return sorted(it for it in found if it.is_file())
