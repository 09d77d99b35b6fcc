"""Sources of evidence: files, Maildirs and other folders, standard input."""

from __future__ import annotations

import codecs
import io
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pytest_mailnet.errors import EvidenceError, amongst

__all__ = [
    "LONGEST_LINE",
    "LONGEST_PART",
    "STANDARD_INPUT",
    "EvidenceSource",
    "mail_of",
    "mails_of",
    "sources_at",
    "text_lines",
    "text_of",
]

STANDARD_INPUT = "-"
"""Stands for standard input in place of a path."""

_BLOCK = 1 << 20
LONGEST_LINE = 1 << 16
"""How many characters of a log's line are read."""

_LONGEST_MAIL = 1 << 26
LONGEST_PART = 1 << 17
"""How many bytes of each part of a mail are read: reports stand before or behind attachments, not in them."""

_MOST_BOUNDARIES = 100
_BOUNDARY = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_ENVELOPE = re.compile(rb"From \S{0,400} {0,3}.{0,40}\d\d:\d\d")  # it ends with the time of arrival


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
            raise EvidenceError(f"{str(path)!r}: no such file{amongst(path.name, _names_in(path.parent))}")
        else:
            yield _file(path)


def text_of(content: bytes) -> str:
    r"""A whole text with "\n" as line end."""
    return io.IncrementalNewlineDecoder(None, translate=True).decode(
        content.decode(_codec_of(content), "replace"), final=True
    )


def text_lines(
    stream: BinaryIO,
    began: bytes = b"",
    read: Callable[[int], object] = int,
    longest: int = LONGEST_LINE,
) -> Iterator[str]:
    """The lines of a text of any size, without their ends.

    Args:
        stream: the rest of the text, behind `began`.
        began: the beginning of the text, already read. It decides between UTF-16 and UTF-8.
        read: called with the size of each block in bytes, as it is read.
        longest: how many characters of each line are read.
    """
    decoded = codecs.getincrementaldecoder(_codec_of(began))("replace")
    decoder = io.IncrementalNewlineDecoder(decoded, translate=True)
    rest = ""
    block = began or stream.read(_BLOCK)
    while block:
        *lines, rest = (rest + decoder.decode(block)).split("\n")
        for line in lines:
            yield line[:longest]
        rest = rest[:longest]
        block = stream.read(_BLOCK)
        read(len(block))
    if rest:
        yield rest


def _codec_of(began: bytes) -> str:
    return "utf-16" if began[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def mail_of(stream: BinaryIO, began: bytes) -> bytes:
    """A mail of at most 64 MiB without what is too long in it: at most 1 MiB, and of each part 128 KiB.

    Args:
        stream: the rest of the mail, behind `began`.
        began: the beginning of the mail, already read.
    """
    began += stream.read(LONGEST_PART)
    if len(began) <= LONGEST_PART:
        return began
    mail, left = _Shortened(), _LONGEST_MAIL
    for line in _raw_lines(stream, began):
        mail.add(line)
        if (left := left - len(line)) < 0:
            break
    return mail.content()


def mails_of(stream: BinaryIO, began: bytes) -> Iterator[bytes]:
    """The mails of an mbox (RFC 4155), each as `mail_of` returns it.

    Args:
        stream: the rest of the mailbox, behind `began`.
        began: the beginning of the mailbox, already read.
    """
    mail = _Shortened()
    empty = True
    for line in _raw_lines(stream, began):
        if empty and mail and _ENVELOPE.match(line):
            yield mail.content()
            mail = _Shortened()
        mail.add(line)
        empty = not line.strip()
    if mail:
        yield mail.content()


class _Shortened:
    """A mail, put together line by line; attachments are cut, so that what stands behind them is kept."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._boundaries: set[bytes] = set()
        self._part = 0

    def __bool__(self) -> bool:
        return bool(self._content)

    def add(self, line: bytes) -> None:
        if line[:2] == b"--" and line[2:].rstrip().removesuffix(b"--") in self._boundaries:
            self._part = 0
        elif b"=" in line and len(self._boundaries) < _MOST_BOUNDARIES and (found := _BOUNDARY.search(line)):
            self._boundaries.add(found[1] or found[2])
        if self._part < LONGEST_PART and len(self._content) < _BLOCK:
            self._content += line[: _BLOCK - len(self._content)]
        self._part += len(line)

    def content(self) -> bytes:
        return bytes(self._content)


def _raw_lines(stream: BinaryIO, began: bytes) -> Iterator[bytes]:
    rest = began
    while block := stream.read(_BLOCK):
        *lines, rest = (rest + block).splitlines(keepends=True)
        yield from lines
    yield from rest.splitlines(keepends=True)


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
