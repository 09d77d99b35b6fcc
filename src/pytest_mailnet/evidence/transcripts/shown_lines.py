"""Lines as programs print them: without what is put in front of them, and read one by one."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import LineFormat

__all__ = ["LineReader", "is_mail", "line_format", "terminal_line", "unprefixed"]

_DOCKER = '{"log":"'
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]")
_STAMP = r"\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?"
_LEVEL = r"\[?(?:TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL|NOTICE)\]?"
_PREFIXES = tuple(
    map(
        re.compile,
        (
            r"[a-z0-9][\w.-]{0,60} {0,20}\| ",  # docker compose
            r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S{1,255} \S{1,100}: ",  # syslog, journald
            r"\[(?!\d{4}-)[\w.:/-]{1,250}\] ",  # kubectl --prefix, Haraka, ids of sessions
            rf"{_STAMP}(?:\s*[|:-]\s+|\s+)",
            rf"{_LEVEL}(?::[\w.-]{{0,100}}:|(?:\s*[|:-]\s+|\s+)(?:\[?[a-z_][\w.]{{0,100}}\]?(?:\s*[|:-]\s+|\s+))?)",
            rf"[A-Za-z_][\w.]{{0,100}}\s+[|:-]\s+(?={_LEVEL})|[a-z_][\w.]{{0,100}}\s+[|-]\s+",
        ),
    )
)
_HEADER = re.compile(
    r"(?:Received|Return-Path|From|To|Subject|Date|Message-ID|MIME-Version|Content-Type|Delivered-To"
    r"|X-[\w-]{1,60}|DKIM-Signature|Authentication-Results|Reply-To|Auto-Submitted): ",
    re.IGNORECASE,
)


class LineReader(Protocol):
    """What reads one text, a line after the other; `read_as` tells what they are, with an article."""

    read_as: str

    def reads(self, line: str) -> Iterable[Failure]:
        """Read the next line, and return the failures that are certain by then."""

    def ends(self) -> Iterable[Failure]:
        """Return the remaining failures at the end of the text."""


def line_format(
    name: str, missing: str, recognises: Callable[[str], bool], reader: Callable[[], LineReader]
) -> LineFormat:
    """A format that is read by a `LineReader`, with what each failure was read as."""

    def told(reading: LineReader, lines: Iterable[str]) -> Iterator[Failure]:
        for line in lines:
            yield from reading.reads(terminal_line(line))
        yield from reading.ends()

    def failures(lines: Iterable[str]) -> Iterator[Failure]:
        reading = reader()
        for it in told(reading, lines):
            yield it if it.read_as else dataclasses.replace(it, read_as=(reading.read_as,))

    return LineFormat(name, missing, recognises, failures)


def terminal_line(line: str) -> str:
    """A line as a terminal would show it: without colours and line end, and unpacked from docker's JSON."""
    if line.startswith(_DOCKER):
        with contextlib.suppress(ValueError, KeyError, RecursionError):
            line = str(json.loads(line)["log"])
    return _COLOURS.sub("", line.rstrip("\r\n")) if "\x1b" in line else line.rstrip("\r\n")


def unprefixed(line: str) -> str:
    """A line without time stamp, level and logger in front."""
    for _ in range(5):
        for prefix in _PREFIXES:
            if found := prefix.match(line):
                line = line[found.end() :]
                break
        else:
            return line
    return line


def is_mail(text: str) -> bool:
    """Whether a text begins with the headers of a mail, perhaps with something else above them."""
    return sum(bool(_HEADER.match(it)) for it in text[:4000].lstrip().splitlines()[:6]) >= 2
