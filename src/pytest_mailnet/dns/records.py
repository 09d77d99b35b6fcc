"""DNS records as values, read from presentation form with errors that say how to write it."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

from pytest_mailnet.dns.plain_form import plain_labels, plain_rdata
from pytest_mailnet.domain_names import a_labels
from pytest_mailnet.errors import ZoneError, amongst
from pytest_mailnet.handles.attributes import is_whole
from pytest_mailnet.printable import cut

__all__ = [
    "Record",
    "address_record",
    "checked_name",
    "labels",
    "parse_rdata",
    "parse_rdtype",
    "plain_name",
    "presented",
    "records_of",
    "reversed_address",
    "text_of",
]

_EXAMPLES = {
    "A": "192.0.2.27",
    "AAAA": "2001:db8::27",
    "CAA": '0 issue "ca.example"',
    "CNAME": "mx.shop.example",
    "DNAME": "new.example",
    "MX": "10 mx.shop.example",
    "NS": "ns.shop.example",
    "PTR": "mx.shop.example",
    "SOA": "ns.shop.example hostmaster.shop.example 1 7200 3600 1209600 300",
    "SRV": "0 1 587 smtp.shop.example",
    "TLSA": "3 1 1 " + "ab" * 32,
    "TXT": "v=spf1 -all",
}
_TARGETS = {"MX": 1, "NS": 0, "SRV": 3}  # where a host stands in rdata (RFC 1035, 3.3.9 and 3.3.11; RFC 2782)
_REVERSE = (".in-addr.arpa", ".ip6.arpa")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(\d{3}|.)")
_MOST_SECONDS = 2**31 - 1  # RFC 2181, 8
_UNESCAPED = frozenset(range(33, 127)) - frozenset(rb"\.")


class Record(NamedTuple):
    """One resource record of class IN.

    Attributes:
        name: the owner, in lower case, without the final dot.
        rdtype: the type, "MX" or "TYPE65280".
        ttl: the time to live, in seconds.
        rdata: in presentation form, as "10 mx.shop.example."; names in it end with a dot.
    """

    name: str
    rdtype: str
    ttl: int
    rdata: str

    @property
    def target(self) -> str | None:
        """The host in an MX, NS or SRV record; None for other types."""
        place = _TARGETS.get(self.rdtype)
        return None if place is None else plain_name(self.rdata.split()[place])

    def __str__(self) -> str:
        return f"{self.name} {self.ttl} {self.rdtype} {self.rdata}"


def plain_name(name: str) -> str:
    """A domain name in the form to compare: lower case, A-labels, no final dot; "" is the root."""
    name = a_labels(name)
    if "\\" in name or " " in name or not name.isprintable():
        with contextlib.suppress(ValueError):
            # Every escape in one form, a dot in a label as its number: every dot there ends a label.
            name = presented(labels(name)).lower()
    return name.rstrip(".")


def presented(parts: Iterable[bytes]) -> str:
    """The name with these labels in presentation form, escaped as in `plain_name`, its case kept."""
    return ".".join(
        "".join(chr(octet) if octet in _UNESCAPED else f"\\{octet:03}" for octet in part) for part in parts
    )


@functools.lru_cache(maxsize=1024)  # the sender's name is the same in one net after the other
def checked_name(name: str) -> str:
    """Check that a name can have records, and return it as `plain_name` does.

    Raises:
        ZoneError: if it cannot.
    """
    owner = plain_name(name) if isinstance(name, str) else ""
    try:
        # A space is possible, and a mistake where it has no backslash before it.
        known = bool(labels(owner)) and owner.isascii() and " " not in name.replace(r"\ ", "")
    except ValueError:
        known = False
    if not known:
        raise ZoneError(f"{name!r} is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'")
    return owner


def labels(name: str) -> tuple[bytes, ...]:
    """The labels of a name in presentation form, without escapes (RFC 1035, 5.1); none for the root.

    Raises:
        ValueError: if that cannot be a name.
    """
    if (plain := plain_labels(name)) is not None:
        return plain
    from pytest_mailnet.dns import presentation_form  # noqa: PLC0415  # with dnspython

    return presentation_form.labels(name)


def parse_rdtype(rdtype: str) -> str:
    """A record type in its usual form: "MX" for "mx".

    Raises:
        ZoneError: for an unknown type; names the near misses.
    """
    known = rdtype if isinstance(rdtype, str) else ""
    if known in _EXAMPLES:
        return known
    from pytest_mailnet.dns.presentation_form import usual_type  # noqa: PLC0415  # with dnspython

    try:
        return usual_type(known)
    except ValueError:
        raise ZoneError(
            f"no DNS record type {rdtype!r}{amongst(known, _EXAMPLES)}; RFC 3597 has others as 'TYPE65280'"
        ) from None


def parse_rdata(name: str, rdtype: str, value: str) -> str:
    """Read rdata, and write it as in a `Record`.

    Host names need no final dot, and the texts of TXT and SPF no quotes. Those of more than 255 octets, such
    as DKIM keys, become several character strings (RFC 1035, 3.3.14).

    Args:
        name: the owner, for the message.
        rdtype: the type of the record.
        value: the rdata in presentation form.

    Raises:
        ZoneError: if the value is malformed for the type; shows a good one.
    """
    try:
        return _rdata(rdtype, value)
    except ValueError as error:
        example = _EXAMPLES.get(rdtype, r"\# 4 0A000001")
        raise ZoneError(
            f"dns.add({name!r}, {rdtype!r}, {cut(value)!r}): {error}; {rdtype} takes it as in {example!r}"
        ) from error


def records_of(name: str, rdtype: str, values: Iterable[str], ttl: int) -> list[Record]:
    """The records of one name and type as a test writes them.

    Args:
        name: the owner.
        rdtype: the type, "MX".
        values: the rdata of each record, in presentation form.
        ttl: in seconds.

    Raises:
        ZoneError: for a malformed name, type, value or time to live, or without any value.
    """
    owner, kind, given = checked_name(name), parse_rdtype(rdtype), tuple(values)
    if not given:
        raise ZoneError(f"dns.add({name!r}, {rdtype!r}) takes at least one value")
    if not (is_whole(ttl) and 0 <= ttl <= _MOST_SECONDS):
        raise ZoneError(f"dns.add({name!r}, {rdtype!r}, ttl={ttl!r}): it takes 0 to {_MOST_SECONDS} seconds")
    for value in given:
        if not isinstance(value, str):
            raise ZoneError(
                f"dns.add({name!r}, {rdtype!r}, {value!r}): a value is a text, several follow each other"
            )
    return [Record(owner, kind, ttl, parse_rdata(name, kind, value)) for value in given]


@functools.lru_cache(maxsize=1024)  # a host's address is the same in one net after the other
def address_record(name: str, ip: str) -> Record:
    """The A or AAAA record of a host.

    Args:
        name: the host.
        ip: its address, IPv4 or IPv6.
    """
    rdtype = "AAAA" if ":" in ip else "A"
    return Record(name, rdtype, 300, parse_rdata(name, rdtype, ip))


def reversed_address(name: str) -> str | None:
    """The address in a name below in-addr.arpa or ip6.arpa; or None (RFC 1035, 3.5; RFC 3596, 2.5)."""
    return _read_backwards(name) if name.endswith(_REVERSE) else None


def text_of(rdata: str) -> str:
    """The text of a TXT record: its character-strings, joined (RFC 7208, 3.3)."""
    return "".join(_ESCAPED.sub(_unescaped, part) for part in _STRING.findall(rdata))


@functools.lru_cache(maxsize=1024)
def _read_backwards(name: str) -> str | None:
    parts = name.split(".")[:-2][::-1]
    text = ".".join(parts)
    if name.endswith("ip6.arpa"):
        nibbles = "".join(parts)
        text = ":".join(nibbles[start : start + 4] for start in range(0, len(nibbles), 4))
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


@functools.lru_cache(maxsize=1024)  # a value is the same in one net after the other
def _rdata(rdtype: str, value: str) -> str:
    if (plain := plain_rdata(rdtype, value)) is not None:
        return plain
    from pytest_mailnet.dns import presentation_form  # noqa: PLC0415  # with dnspython

    return presentation_form.rdata(rdtype, value)


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1])) if escape[1].isdigit() else escape[1]
