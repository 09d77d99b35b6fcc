"""Finds the lines of a file in which the values stand that were read in it."""

from __future__ import annotations

import base64
import binascii
import bisect
import itertools
import json
import quopri
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, BinaryIO, NamedTuple, Self, TypeAlias

from pytest_mailnet.evidence.decoding import text_of
from pytest_mailnet.evidence.documents import BEGINS_JSON, documents_in
from pytest_mailnet.evidence.plain import unquoted

__all__ = ["Passage", "Passages", "Tape", "Wanted"]

_KEPT = 1 << 23  # bytes; what a failure was read from stands less far back
_MOST = 100  # places of a value that are looked at
_AROUND = 2000  # characters before and behind a recipient, in which most of its failure stands
_LONGEST_PARTS = 1 << 22  # characters, of all that are encoded
_AHEAD = 1 << 18  # characters behind the failure before, in which the next one mostly stands
_MEMBERS = 20_000
_BEGINNING = 4096  # characters by which JSON is recognised that was quoted
_NEARBY = 100  # members of a document before and behind that of a recipient
_LONGEST_SIGN = 60  # characters by which the line of a member is found
_ENCODING = re.compile(
    r"^content-transfer-encoding:[ \t]*(base64|quoted-printable)\b", re.IGNORECASE | re.MULTILINE
)
_TYPE = re.compile(r"^content-type:[ \t]*([\w./+-]+)", re.IGNORECASE | re.MULTILINE)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.-]+)", re.IGNORECASE)
_NEXT_PART = re.compile(r"^(?:--\S|From \S)", re.MULTILINE)

Wanted: TypeAlias = Sequence[re.Pattern[str]]
"""How a value may be written, the surest form first."""


class Passage(NamedTuple):
    """Where a value stands.

    Attributes:
        line: the number of the line in the file, from 1; of a decoded part, that of its first line.
        part: the decoded part, and the line in it: "text/plain in base64, line 4"; "" for the file itself.
        text: the line.
        at: where in the line the value begins.
        form: the number of the form in which it was found, from 0.
    """

    line: int
    part: str
    text: str
    at: int
    form: int


class _View(NamedTuple):
    """A text in which values are looked for: the file's, or that of a part that had to be decoded."""

    text: str
    first: int
    part: str = ""

    def passage(self, number: int, at: int, form: int) -> Passage:
        begins = self.text.rfind("\n", 0, at) + 1
        line = self.text[begins : self.text.find("\n", at) % (len(self.text) + 1)]
        if not self.part:
            return Passage(self.first + number, "", line, at - begins, form)
        part = f"{self.part}, line {number + 1}" if "\n" in self.text.strip() else self.part
        return Passage(self.first, part, line, at - begins, form)


class Tape:
    """A stream that remembers the last of what was read from it.

    Args:
        stream: the stream to read.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._kept: deque[bytes] = deque()
        self._size = self._forgotten = 0
        self._passages: Passages | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def read(self, size: int = -1) -> bytes:
        """Read from the stream, and remember it."""
        block = self._stream.read(size)
        if block:
            self._passages = None
            self._kept.append(block)
            self._size += len(block)
        while self._kept and self._size - len(self._kept[0]) > _KEPT:
            self._size -= len(self._kept[0])
            self._forgotten += self._kept.popleft().count(b"\n")
        return block

    @property
    def passages(self) -> Passages:
        """What can be found in what is remembered now."""
        if self._passages is None:
            self._passages = Passages(text_of(b"".join(self._kept)), self._forgotten + 1)
        return self._passages


class Passages:
    """The lines of a file, and of the parts that have to be decoded to be read.

    Args:
        text: the text of the file, or the last of it.
        first: the number of its first line.
    """

    def __init__(self, text: str, first: int = 1) -> None:
        self._file = _View(text, first)

    def of(self, wanted: Sequence[Wanted], after: int = 0) -> list[Passage | None]:
        """Find the lines of one failure's values, close together; None for a value that stands nowhere.

        Args:
            wanted: the values; those that come first are those by which the place is chosen.
            after: the number of the line in which the failure before was found.
        """
        number, at = next(self._anchors(wanted, after), (0, 0))
        return [self._nearest(it, number, at) for it in wanted]

    def _anchors(self, wanted: Sequence[Wanted], after: int) -> Iterator[tuple[int, int]]:
        """The places around which most values stand, as the number of a view and a place in it."""
        for forms in wanted:
            for (number, view), form in itertools.product(enumerate(self._views), forms):
                start = self._starts[max(0, after - view.first)] if view is self._file else 0
                for begins, ends in ((start, start + _AHEAD), (start + _AHEAD, len(view.text)), (0, start)):
                    found = itertools.islice(form.finditer(view.text, begins, ends), _MOST)
                    if places := [it.start() for it in found]:
                        yield number, max(places, key=lambda at: _together(wanted, view.text, at))

    def _nearest(self, forms: Wanted, number: int, at: int) -> Passage | None:
        nearby = range(max(0, number - _NEARBY), min(len(self._views), number + _NEARBY))
        views = [self._views[it] for it in sorted(nearby, key=lambda it: abs(it - number))]
        views += [] if self._file in views else [self._file]
        for form, pattern in enumerate(forms):
            for view in views:
                here = at if view is views[0] else 0
                for begins, ends in ((max(0, here - _AROUND), here + _AROUND), (0, len(view.text))):
                    found = itertools.islice(pattern.finditer(view.text, begins, ends), _MOST)
                    starts = [it.start() for it in found]
                    if starts:
                        place = min(starts, key=lambda it: abs(it - here))
                        return view.passage(self._line_of(view, place), place, form)
        return None

    def _line_of(self, view: _View, at: int) -> int:
        """The number of a line in a text, from 0."""
        return bisect.bisect(self._starts, at) - 1 if view is self._file else view.text.count("\n", 0, at)

    @cached_property
    def _starts(self) -> list[int]:
        """Where the lines of the file begin: it may have many, and many failures in them."""
        return [0, *(it.end() for it in re.finditer("\n", self._file.text))]

    @cached_property
    def _views(self) -> tuple[_View, ...]:
        return (*_members(self._file), self._file, *_mail_parts(self._file))


def _together(wanted: Sequence[Wanted], text: str, at: int) -> int:
    begins, ends = max(0, at - _AROUND), at + _AROUND
    return sum(1 for forms in wanted if any(it.search(text, begins, ends) for it in forms))


def _mail_parts(file: _View) -> Iterator[_View]:
    """The parts of a mail, or of several, that are encoded (RFC 2045, 6)."""
    text = file.text
    left = _LONGEST_PARTS
    for found in _ENCODING.finditer(text):
        begins = text.find("\n\n", found.end()) + 2
        if begins == 1 or left < 0:
            return
        header = text[text.rfind("\n\n", 0, found.start()) + 1 : begins]
        ends = _NEXT_PART.search(text, begins)
        body = text[begins : ends.start() if ends else len(text)].encode("utf-8", "replace")
        left -= len(body)
        try:
            content = base64.b64decode(body) if found[1].lower() == "base64" else quopri.decodestring(body)
        except binascii.Error:
            continue
        charset, kind = _CHARSET.search(header), _TYPE.search(header)
        name = f"{kind[1].lower() if kind else 'text/plain'} in {found[1].lower()}"
        first = file.first + text.count("\n", 0, begins)
        yield _View(_decoded(content, charset[1] if charset else "utf-8"), first, name)


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace").replace("\r\n", "\n")
    except LookupError:
        return content.decode("utf-8", "replace").replace("\r\n", "\n")


def _members(file: _View) -> Iterator[_View]:
    """The texts in JSON; a line of a file may have all of them, and they may be escaped there."""
    text = file.text
    if not BEGINS_JSON.match(text) and BEGINS_JSON.match(unquoted(text[:_BEGINNING]).text):
        text = unquoted(text).text  # it was quoted, or posted as a form
    at, line = 0, file.first
    for path, value in itertools.islice(_texts_in(_held(text), ""), _MEMBERS):
        for escaped in (False, True):
            found = file.text.find(json.dumps(value, ensure_ascii=escaped)[:_LONGEST_SIGN], at)
            if found >= 0:
                line += file.text.count("\n", at, found)
                at = found
                break
        if not _held(value):  # or else its own members are looked at
            yield _View(value, line, path.strip("."))


def _texts_in(value: Any, path: str) -> Iterator[tuple[str, str]]:
    inside: Iterable[tuple[str, Any]] = ()
    if isinstance(value, dict):
        inside = ((f"{path}.{name}", it) for name, it in value.items())
    elif isinstance(value, list):
        inside = ((f"{path}[{number}]" if len(value) > 1 else path, it) for number, it in enumerate(value))
    elif isinstance(value, str):
        yield path, value
        inside = ((path, it) for it in _held(value))
    for name, it in inside:
        yield from _texts_in(it, name)


def _held(text: str) -> list[Any]:
    return documents_in(text)[0] if BEGINS_JSON.match(text) else []
