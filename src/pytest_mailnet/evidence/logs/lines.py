"""Splits lines of logs into program, host and message, whatever logging system wrote them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

__all__ = ["LONGEST", "LogEntry", "has_sign", "has_sign_or_message_id", "log_entries"]

LONGEST = 65536
"""How many characters of a line are read."""


class LogEntry(NamedTuple):
    """One message that a program logged.

    Attributes:
        program: "postfix/smtp", "sm-mta"; "" if the line does not name it.
        message: the text of the message.
        host: the host that the program runs on; None if the line does not name it.
    """

    program: str
    message: str
    host: str | None


_ISO = r"\d{4}-\d\d-\d\dT[\d:.,]{5,24}(?:Z|[+\-][\d:]{4,6})?"
_BSD = r"[^\W\d]{3}\.? {1,2}\d{1,2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \d{4})?"
# docker compose puts the service in front of a line, kubectl --prefix pod and container, Kubernetes (CRI)
# time and stream, docker -t the time.
_CONTAINER = re.compile(
    r"(?:[\w.\-]{1,80} +\| |\[[\w.\-/]{1,250}\] )?"
    rf"(?:{_ISO} std(?:out|err) [FP] |{_ISO} (?={_BSD}|\d{{4}}-\d\d-\d\d))?"
)
_SYSLOG = re.compile(
    rf"(?:<\d{{1,3}}>)?(?:{_BSD}|{_ISO}) (?:<[\w.]+> )?(?P<host>\S+) (?P<program>[^\s:\[]+)(?:\[\d+\])?: ?"
)
# Exim's format of dates is common, so the text behind the date has to be Exim's too.
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
# Behind whatever else stands in front: a quotation's mark, a level, a year, or nothing.
_POSTFIX = re.compile(r"(?:|.{0,120}?[\s|>])(?P<program>postfix[\w.\-]*/[\w/\-]{1,60}) ?(?:\[\d+\])?: ?")
_LENGTH = re.compile(r".{0,4}?\x00{4,8}", re.DOTALL)  # of a binary field: 64 bits, little-endian
_FIELDS = ("MESSAGE=", "SYSLOG_IDENTIFIER=", "_COMM=", "_HOSTNAME=")


def log_entries(lines: Iterable[str], is_of_interest: Callable[[str], bool]) -> Iterator[LogEntry]:
    """The log entries in lines of a log.

    Reads syslog (RFC 3164 and 5424, ISO dates), the journal as `journalctl -o export` and `-o json` write it
    (systemd's Journal Export Formats), Exim's own files, and any of these in the logs of containers.

    Args:
        lines: the lines, without their ends.
        is_of_interest: takes a line, or the message in one, and returns whether to read it; others are
            skipped, which is much faster.
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
            yield (line[:1] == "{" and _json_entry(line)) or _plain_entry(line[:LONGEST].rstrip())
        elif line[:1] == "{" and _hides_signs(line):
            entry = _json_entry(line)
            if entry is not None and is_of_interest(entry.message):
                yield entry
    if journal is not None and (entry := journal.entry()) is not None:
        yield entry


def has_sign(line: str) -> bool:
    """Whether a line has any sign of a mail that failed, came in, or left the queue.

    It is called for every line of a log: a chain of plain searches is far cheaper than any pattern.
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
        or "refused to" in line
    )


def has_sign_or_message_id(line: str) -> bool:
    """Whether a line has a sign as in `has_sign`, or a mail's Message-ID."""
    return "message-id=" in line or has_sign(line)


def _hides_signs(line: str) -> bool:
    # The journal's JSON has text with undecodable bytes as an array; docker's JSON escapes "<".
    return ":[" in line or ": [" in line or "u003c= " in line


def _plain_entry(line: str) -> LogEntry:
    if found := _SYSLOG.match(line):  # first, since most lines are of this form
        return LogEntry(found["program"], line[found.end() :], found["host"])
    if _EXIM.match(line):
        return LogEntry("exim", line, None)
    if (inside := _CONTAINER.match(line)) and inside.end():
        line = line[inside.end() :]
    for prefix in (_SYSLOG, _RFC_5424, _DATED_LIKE_EXIM):
        if found := prefix.match(line):
            return LogEntry(found["program"], line[found.end() :], found["host"])
    if found := _POSTFIX.match(line):
        return LogEntry(found["program"], line[found.end() :], None)
    return LogEntry("exim" if _EXIM.match(line) else "", line, None)


def _json_entry(line: str) -> LogEntry | None:
    """The entry in a JSON object of the journal, or of docker's own log files; None for anything else."""
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
    """The text of a field of the journal: a string, an array of bytes, or null if it was too long."""
    if isinstance(value, str):
        return value[:LONGEST]
    if isinstance(value, list):
        try:
            return bytes(value[:LONGEST]).decode("utf-8", "replace")
        except (TypeError, ValueError, OverflowError):
            return ""
    return ""


class _JournalEntry:
    """An entry of `journalctl -o export`, read line by line."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._binary = ""
        self._waited = 0

    def goes_on(self, line: str) -> bool:
        """Read a line if it belongs to the entry, and return whether it does.

        A blank line, or the first line of the next entry, ends this one.
        """
        if line.startswith("__CURSOR="):
            return False
        if self._binary:
            # Eight bytes of length come first; one of them may be a line end.
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
        """The finished entry; None if it has no message."""
        message = self._fields.get("MESSAGE")
        if not message:
            return None
        program = self._fields.get("SYSLOG_IDENTIFIER") or self._fields.get("_COMM", "")
        return LogEntry(program, message, self._fields.get("_HOSTNAME"))
