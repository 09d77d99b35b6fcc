"""Reads master files (RFC 1035, 5), with line numbers in errors."""

from __future__ import annotations

import bisect
import os
from pathlib import Path

import dns.exception
import dns.name
import dns.rdatatype
import dns.zone

from pytest_mailnet.dns.records import Record, plain_name
from pytest_mailnet.errors import ZoneError

__all__ = ["parse_zone"]

_TEXT = "<zone text>"


def parse_zone(source: str | os.PathLike[str], origin: str) -> list[Record]:
    """Read the records of a master file.

    Args:
        source: the file's path, or its text: a `str` with a line end in it.
        origin: the domain to which names without a final dot belong, and which must contain all names.

    Raises:
        ZoneError: for an error in the file; names file and line.
    """
    text, where = _text(source)
    try:
        domain = dns.name.from_text(origin)
    except dns.exception.DNSException as error:
        raise ZoneError(f"zone file for {origin!r}: {error}") from error
    try:
        return _records(text, domain)
    except dns.exception.DNSException as error:
        said = _said(error)
        raise ZoneError(f"zone file for {origin!r}: {where}:{_line(text, domain, said)}: {said}") from error


def _text(source: str | os.PathLike[str]) -> tuple[str, str]:
    if isinstance(source, str) and "\n" in source:
        return source, _TEXT
    try:
        return Path(source).read_text("utf-8"), os.fspath(source)
    except (OSError, UnicodeError) as error:
        raise ZoneError(
            f"zone file {os.fspath(source)!r} cannot be read: {error}; a zone's text has a line end in it"
        ) from error


def _records(text: str, origin: dns.name.Name) -> list[Record]:
    try:
        zone = dns.zone.from_text(
            f"$ORIGIN {origin}\n{text}",
            origin,
            relativize=False,
            check_origin=False,
            filename=_TEXT,
            zone_factory=_Zone,
        )
    except KeyError as error:
        raise _Misplaced(f"this record's owner is not in {origin}") from error
    except ValueError as error:
        raise _Misplaced(str(error)) from error
    return [
        Record(plain_name(name.to_text()), dns.rdatatype.to_text(rdata.rdtype), ttl, str(rdata))
        for name, ttl, rdata in zone.iterate_rdatas()
    ]


class _Misplaced(dns.exception.DNSException):
    def __init__(self, text: str) -> None:
        super().__init__(text)  # type: ignore[no-untyped-call]


class _Zone(dns.zone.Zone):
    """A zone that raises an error for a record outside of it; dnspython's reader would skip the record."""

    def origin_information(self) -> tuple[dns.name.Name | None, bool, dns.name.Name | None]:
        return dns.name.root, False, self.origin


def _line(text: str, origin: dns.name.Name, said: str) -> int:
    """The first line that gives the error. dnspython's own number may be one too high, after the line end."""
    lines = text.splitlines(keepends=True)

    def wrong(count: int) -> bool:
        try:
            _records("".join(lines[:count]), origin)
        except dns.exception.DNSException as error:
            return _said(error) == said
        return False

    return bisect.bisect_left(range(len(lines)), x=True, key=wrong)


def _said(error: dns.exception.DNSException) -> str:
    """The error's text without dnspython's line number."""
    text = str(error)
    return text.split(": ", 1)[1] if text.startswith(f"{_TEXT}:") else text
