"""The DNS zones of providers. Read once a run, since reading costs more than all else in a net."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from pytest_mailnet.dns.records import Record, parse_rdata, plain_name
from pytest_mailnet.dns.zone import Zones
from pytest_mailnet.errors import ZoneError
from pytest_mailnet.providers.facts import Facts

__all__ = ["customer_zones", "exchanges", "exchanges_in", "standing_hosts", "zones_of"]

_ANY = "any.customer.invalid"
_PLAIN = re.compile(r'([\w.*-]+\.) (\d+) IN ([A-Z]+) ((?:[^;()\\@$"]|"[^"\\]*")+)')


@functools.cache
def zones_of(facts: Facts) -> Zones:
    """A provider's zones; merge them, but do not change them."""
    return _zones(facts.zone)


@functools.cache
def exchanges(facts: Facts) -> Mapping[str, tuple[str, ...]]:
    """The hosts that a provider's MX records point to, with their addresses in its zones."""
    return exchanges_in(zones_of(facts))


def exchanges_in(zones: Zones) -> Mapping[str, tuple[str, ...]]:
    """The hosts that MX records in some zones point to, with their addresses in the same zones."""
    records = [it for name in zones.names for it in zones.find(name, "MX") or () if it.rdtype == "MX"]
    hosts = [plain_name(it.rdata.split()[1]) for it in records]
    return {
        host: tuple(it.rdata for rdtype in ("A", "AAAA") for it in zones.find(host, rdtype) or ())
        for host in hosts
    }


@functools.cache
def standing_hosts(facts: Facts) -> Mapping[str, tuple[str, ...]]:
    """The hosts that a provider has in every net: its own domains', and those of customers of any name."""
    shared = exchanges_in(customer_zones(facts, _ANY)) if facts.customer else {}
    label = _ANY.replace(".", "-")
    common = {host: ips for host, ips in shared.items() if _ANY not in host and label not in host}
    return {**common, **exchanges(facts)}


def customer_zones(facts: Facts, domain: str) -> Zones:
    """The records of a customer's domain whose mail a provider takes.

    Args:
        facts: the provider's.
        domain: the customer's domain.
    """
    text = facts.customer.replace("{domain}", domain).replace("{label}", domain.replace(".", "-"))
    return _zones(text)


def _zones(text: str) -> Zones:
    return Zones(_plain_records(text) or _records(text))


def _plain_records(text: str) -> list[Record]:
    """The records of a text in which each line is a whole one, as in this package's files; else none.

    The reader of master files takes as long to load as all else in a first test's set-up.
    """
    lines = [_PLAIN.fullmatch(line) for line in text.splitlines()]
    found = [it for it in lines if it]
    if len(found) < len(lines):
        return []
    try:
        return [
            Record(plain_name(it[1]), it[3], int(it[2]), parse_rdata(it[1], it[3], it[4])) for it in found
        ]
    except ZoneError:
        return []  # the reader of master files says what is wrong, and where


def _records(text: str) -> list[Record]:
    from pytest_mailnet.dns.zonefile import parse_zone  # noqa: PLC0415

    # Without a line end, the parser would take a text for a path.
    return parse_zone(f"{text}\n", ".")
