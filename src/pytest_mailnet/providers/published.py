"""What providers publish in DNS. Read once a run, since reading costs more than all else in a net."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from pytest_mailnet.masterfile import parse_zone
from pytest_mailnet.providers.facts import Facts, load_facts, provider_names
from pytest_mailnet.records import plain_name
from pytest_mailnet.zone import Zones

__all__ = ["exchanges", "standard_names", "zones_of"]


@functools.cache
def zones_of(facts: Facts) -> Zones:
    """A provider's zones; to merge and not to change."""
    return Zones(parse_zone(facts.zone, "."))


@functools.cache
def exchanges(facts: Facts) -> Mapping[str, tuple[str, ...]]:
    """The hosts that a provider's MX records point to, with the addresses that its zones give them."""
    zones = zones_of(facts)
    records = [it for name in zones.names for it in zones.find(name, "MX") or () if it.rdtype == "MX"]
    hosts = [plain_name(it.rdata.split()[1]) for it in records]
    return {
        host: tuple(it.rdata for rdtype in ("A", "AAAA") for it in zones.find(host, rdtype) or ())
        for host in hosts
    }


@functools.cache
def standard_names() -> Mapping[str, str]:
    """The domains and MX hosts of the providers that every net has, with their owners."""
    return {
        name: provider
        for provider in provider_names()
        for name in (*load_facts(provider).domains, *exchanges(load_facts(provider)))
    }
