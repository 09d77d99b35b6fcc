"""Removes what loggers, terminals and log collectors put in front of a line."""

from __future__ import annotations

import json
import re

__all__ = ["is_mail", "terminal_line", "unprefixed"]

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


def terminal_line(line: str) -> str:
    """A line as a terminal would show it: without colours and line end, and unpacked from docker's JSON."""
    if line.startswith(_DOCKER):
        line = _logged(line)
    return _COLOURS.sub("", line.rstrip("\r\n")) if "\x1b" in line else line.rstrip("\r\n")


def _logged(line: str) -> str:
    try:
        text = json.loads(line)["log"]
    except (ValueError, KeyError, RecursionError):
        return line
    return text if isinstance(text, str) else line


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
    """Whether a text begins with the headers of a mail."""
    lines = text[:4000].lstrip().splitlines()[:6]
    return (
        sum(bool(_HEADER.match(it)) for it in lines) >= 2
        or (lines[:1] and lines[0].startswith("From ")) is True
    )
