"""What a line of a log is without what the system's logging put in front of it: program, host and message."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

__all__ = ["LONGEST", "LogEntry", "entries", "has_sign", "has_sign_or_message_id"]

LONGEST = 65536
"""Characters of a line that are looked at."""


class LogEntry(NamedTuple):
    """What a program has logged.

    Attributes:
        program: "postfix/smtp", "sm-mta"; "" where the line does not tell it.
        message: what the program said.
        host: the machine that it runs on, where the line tells it.
    """

    program: str
    message: str
    host: str | None


_ISO = r"\d{4}-\d\d-\d\dT[\d:.,]{5,24}(?:Z|[+\-][\d:]{4,6})?"
_BSD = r"[^\W\d]{3}\.? {1,2}\d{1,2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \d{4})?"
# docker compose puts a service in front of lines, Kubernetes (CRI) a time and a stream, docker -t a time.
_CONTAINER = re.compile(
    rf"(?:[\w.\-]{{1,80}} +\| )?(?:{_ISO} std(?:out|err) [FP] |{_ISO} (?={_BSD}|\d{{4}}-\d\d-\d\d))?"
)
_SYSLOG = re.compile(
    rf"(?:<\d{{1,3}}>)?(?:{_BSD}|{_ISO}) (?:<[\w.]+> )?(?P<host>\S+) (?P<program>[^\s:\[]+)(?:\[\d+\])?: ?"
)
# Exim dates its lines as many an application does.
_EXIM = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? (?:[+\-]\d{4} )?(?:\[\d+\] )?"
    r"(?:\w{6}-(?:\w{6}-\w\w|\w{11}-\w{4}) |H=|exim \d|Start queue run|End queue run)"
)
_DATED_LIKE_EXIM = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?P<host>\S+) (?P<program>[^\s:\[]+)\[\d+\]: ?"
)
_RFC_5424 = re.compile(
    r"<\d{1,3}>1 \S+ (?P<host>\S+) (?P<program>\S+) \S+ \S+ (?:-|\[[^\]]*\](?:\[[^\]]*\])*)(?: \ufeff?|$)"
)
_LENGTH = re.compile(r".{0,4}?\x00{4,8}", re.DOTALL)  # of a binary field: 64 bits, little-endian
_FIELDS = ("MESSAGE=", "SYSLOG_IDENTIFIER=", "_COMM=", "_HOSTNAME=")


def entries(lines: Iterable[str], is_of_interest: Callable[[str], bool]) -> Iterator[LogEntry]:
    """What programs have logged.

    Takes syslog (RFC 3164 and 5424, ISO dates), the journal as `journalctl -o export` and `-o json` write it
    (systemd's Journal Export Formats), Exim's own files, and any of them as containers' logs have them.

    Args:
        lines: without their ends.
        is_of_interest: which of them, or of the messages in them, are not passed over.
    """
    journal: _JournalEntry | None = None
    for line in lines:
        if journal is not None:
            if journal.goes_on(line):
                continue
            if (entry := journal.entry()) is not None and is_of_interest(entry.message):
                yield entry
            journal = _JournalEntry() if line else None
        elif line[:2] == "__":
            journal = _JournalEntry()
        elif is_of_interest(line):
            yield _json_entry(line) or _plain_entry(line[:LONGEST].rstrip())
        elif line[:1] == "{" and _hides_signs(line):
            entry = _json_entry(line)
            if entry is not None and is_of_interest(entry.message):
                yield entry
    if journal is not None and (entry := journal.entry()) is not None:
        yield entry


def has_sign(line: str) -> bool:
    """Whether a line has any sign of a mail that failed, came in, or left for good.

    This is asked of every line of a log: a chain of plain searches is far cheaper than any pattern.
    """
    return (
        "stat" in line
        or "from=" in line
        or "reject" in line
        or "removed" in line
        or " == " in line
        or " ** " in line
        or " <= " in line
        or "Completed" in line
        or "reply: " in line
        or "ailed" in line
    )


def has_sign_or_message_id(line: str) -> bool:
    """The same, and whether it has a mail's Message-ID."""
    return "message-id=" in line or has_sign(line)


def _hides_signs(line: str) -> bool:
    # What has bytes that are no text stands in the journal's JSON as an array, "<" in docker's as an escape.
    return ":[" in line or ": [" in line or "u003c= " in line


def _plain_entry(line: str) -> LogEntry:
    if found := _SYSLOG.match(line):  # at once, as most lines are
        return LogEntry(found["program"], line[found.end() :], found["host"])
    if (inside := _CONTAINER.match(line)) and inside.end():
        line = line[inside.end() :]
    for prefix in (_SYSLOG, _RFC_5424, _DATED_LIKE_EXIM):
        if found := prefix.match(line):
            return LogEntry(found["program"], line[found.end() :], found["host"])
    return LogEntry("exim" if _EXIM.match(line) else "", line, None)


def _json_entry(line: str) -> LogEntry | None:
    """What a JSON object holds: a journal's entry, or a line of docker's own log files."""
    if line[:1] != "{":
        return None
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if "log" in fields and "MESSAGE" not in fields:
        return _plain_entry(_text(fields["log"]).rstrip())
    program = _text(fields.get("SYSLOG_IDENTIFIER")) or _text(fields.get("_COMM"))
    return LogEntry(program, _text(fields.get("MESSAGE")), _text(fields.get("_HOSTNAME")) or None)


def _text(value: Any) -> str:
    """A field of the journal, which is a string, or an array of its bytes, or null where it is too long."""
    if isinstance(value, str):
        return value[:LONGEST]
    if isinstance(value, list):
        try:
            return bytes(value[:LONGEST]).decode("utf-8", "replace")
        except (TypeError, ValueError, OverflowError):
            return ""
    return ""


class _JournalEntry:
    """An entry of `journalctl -o export` whose lines are coming in."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._binary = ""
        self._waited = 0

    def goes_on(self, line: str) -> bool:
        """Whether a line belongs to it; a blank one ends it, and the first one of the next."""
        if line.startswith("__CURSOR="):
            return False
        if self._binary:
            # Eight bytes of length come first, and one of them may be a line's end.
            if (length := _LENGTH.match(line)) or self._waited > 1:
                self._fields.setdefault(self._binary, line[length.end() : LONGEST] if length else "")
                self._binary = ""
            self._waited += 1
            return True
        if line.startswith(_FIELDS):
            name, _, value = line.partition("=")
            self._fields.setdefault(name, value[:LONGEST])
        elif line + "=" in _FIELDS:
            self._binary, self._waited = line, 0
        return bool(line)

    def entry(self) -> LogEntry | None:
        """What it says; None without a message."""
        message = self._fields.get("MESSAGE")
        if not message:
            return None
        program = self._fields.get("SYSLOG_IDENTIFIER") or self._fields.get("_COMM", "")
        return LogEntry(program, message, self._fields.get("_HOSTNAME"))
