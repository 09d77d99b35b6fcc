"""The list of providers, with domains, hosts, ports and rules, as text, as JSON and as a Markdown table."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pytest_mailnet.cli.tables import heading, row
from pytest_mailnet.providers import Catalogue
from pytest_mailnet.providers.facts import Facts, Submission
from pytest_mailnet.providers.reading_facts import ReadingFacts
from pytest_mailnet.providers.zones import customer_zones, exchanges_in, standing_hosts
from pytest_mailnet.rules import Rule, When, name_of

__all__ = ["as_json", "as_markdown", "as_text", "in_detail"]

_LABEL = 14  # columns, its indentation included
_CUSTOMER = "shop.example"


def as_text(catalogue: Catalogue, stems: Iterable[str], width: int | None = None) -> Iterator[str]:
    """A paragraph for each provider: its domains, its hosts with ports, and the rules that are on.

    Args:
        catalogue: the catalogue of providers.
        stems: the names of the providers' files, in order.
        width: the columns to wrap to; None to leave the lines long.
    """
    for number, stem in enumerate(stems):
        facts = catalogue.load_stem(stem)
        read = catalogue.reading(facts).servers
        if number:
            yield ""
        yield _title(stem, facts)
        if not (facts.rules or facts.submission or read):
            yield from _wrapped("replies", "they are all that is known of it", width)
        yield from _wrapped("domains", ", ".join(facts.domains), width)
        yield from _wrapped("MX hosts", _listening(standing_hosts(facts), facts.ports), width)
        yield from _wrapped("rules on", ", ".join(_on(facts.rules)), width)
        if facts.submission is not None:
            yield from _wrapped(
                "submission", _listening(facts.submission.hosts, facts.submission.ports), width
            )
            yield from _wrapped("  rules on", ", ".join(_on(facts.submission.rules)), width)
        for servers in read:
            yield from _wrapped(servers.protocol, _listening(servers.hosts, servers.ports), width)


def in_detail(catalogue: Catalogue, stem: str) -> Iterator[str]:
    """All facts about one provider, except its replies and its DNS records.

    Args:
        catalogue: the catalogue of providers.
        stem: the name of the provider's file: "gmail", "gmail-2009".
    """
    facts = catalogue.load_stem(stem)
    yield _title(stem, facts)
    yield from _told("eras" if stem == facts.name else "to have it", _eras(catalogue, stem, facts))
    yield from _told("domains", facts.domains)
    yield from _told("addresses", _spelt(facts))
    ports = _ports(facts.ports)
    yield from _told(
        "MX hosts",
        [f"{host} {ports} {' '.join(ips)}".rstrip() for host, ips in standing_hosts(facts).items()],
    )
    if facts.customer:
        takes = exchanges_in(customer_zones(facts, _CUSTOMER))
        yield from _told(
            "customers",
            [f'mailnet.add_domain("{_CUSTOMER}", on="{facts.name}")', *(f"{host} {ports}" for host in takes)],
        )
    yield from _told("EHLO", facts.extensions)
    yield from _told("rules", _table(facts.rules))
    if facts.submission is not None:
        of_users = facts.submission
        yield from _told("submission", [f"{host} {_ports(of_users.ports)}" for host in of_users.hosts])
        yield from _told("  EHLO", of_users.extensions)
        yield from _told("  rules", _table(of_users.rules))
    for servers in catalogue.reading(facts).servers:
        yield from _told(servers.protocol, [f"{host} {_ports(servers.ports)}" for host in servers.hosts])
    if facts.rules or facts.submission:
        yield from _told("hangs up", [f"after {facts.manners.idle_seconds} s of silence"])
    yield from _told("replies", [f"mailnet replies --provider {stem}"] if facts.phrases else [])


def as_json(catalogue: Catalogue, stems: Iterable[str]) -> str:
    """A JSON list with an object for each provider; `submission` is null if no such servers are known.

    Args:
        catalogue: the catalogue of providers.
        stems: the names of the providers' files, in order.
    """
    told = ((stem, catalogue.load_stem(stem)) for stem in stems)
    return json.dumps([_object(stem, facts, catalogue.reading(facts)) for stem, facts in told], indent=1)


def as_markdown(catalogue: Catalogue, stems: Iterable[str]) -> Iterator[str]:
    """A Markdown table with a row for each provider.

    Args:
        catalogue: the catalogue of providers.
        stems: the names of the providers' files, in order.
    """
    yield from heading("provider", "domains", "MX hosts", "submission", "mail is read", "rules that are on")
    for stem in stems:
        facts = catalogue.load_stem(stem)
        of_users = facts.submission
        yield row(
            f"`{stem}`, {facts.title}",
            ", ".join(facts.domains),
            _listening(standing_hosts(facts), facts.ports),
            "" if of_users is None else _listening(of_users.hosts, of_users.ports),
            "; ".join(_listening(it.hosts, it.ports) for it in catalogue.reading(facts).servers),
            ", ".join(f"`{it}`" for it in _on(facts.rules)),
        )


def _eras(catalogue: Catalogue, stem: str, facts: Facts) -> Iterator[str]:
    """How a test has the eras of a provider, or this one, if the file is an era's."""
    of_name = [it for it in catalogue.stems if it.startswith(f"{facts.name}-") and it not in catalogue.names]
    for it in of_name if stem == facts.name else [stem]:
        era = it.removeprefix(f"{facts.name}-")
        yield f"mailnet.provider({facts.name!r}, era={era if era.isdigit() else repr(era)})"


def _spelt(facts: Facts) -> Iterator[str]:
    """What the provider makes of tags and dots in addresses, in words."""
    addressing = facts.addressing
    if addressing.subaddress:
        yield f"alice{addressing.subaddress}tag is alice"
    if not addressing.dots:
        yield "al.ice is alice"
    if addressing.same_domains:
        yield f"the same in {', '.join(addressing.same_domains)}"


def _title(stem: str, facts: Facts) -> str:
    also = f" (also: {', '.join(facts.aliases)})" if facts.aliases else ""
    return f"{stem}: {facts.title}{also}"


def _wrapped(label: str, text: str, width: int | None) -> Iterator[str]:
    if not text:
        return
    head = f"  {label}".ljust(_LABEL)
    if width is None:
        yield head + text
        return
    yield from textwrap.wrap(
        text,
        max(width, 2 * _LABEL),
        initial_indent=head,
        subsequent_indent=" " * _LABEL,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _told(label: str, values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield f"  {label}".ljust(_LABEL) + value
        label = ""


def _listening(hosts: Iterable[str], ports: Sequence[int]) -> str:
    named = ", ".join(hosts)
    return f"{named} ({_ports(ports)})" if named else ""


def _ports(ports: Sequence[int]) -> str:
    return f"port{'s' if len(ports) > 1 else ''} {', '.join(map(str, ports))}"


def _on(rules: Iterable[Rule]) -> list[str]:
    """The names of the rules that are on without the test asking for them, each once."""
    return list(dict.fromkeys(name_of(rule) for rule in rules if rule.when is not When.ASKED))


def _table(rules: Iterable[Rule]) -> Iterator[str]:
    return (f"{rule.stage:<8} {rule.when:<9} {name_of(rule)}" for rule in rules)


def _object(stem: str, facts: Facts, reading: ReadingFacts) -> dict[str, Any]:
    return {
        "name": stem,
        "title": facts.title,
        "aliases": facts.aliases,
        "domains": facts.domains,
        "addressing": {
            "subaddress": facts.addressing.subaddress,
            "dots": facts.addressing.dots,
            "same_domains": facts.addressing.same_domains,
        },
        "hosts": {host: list(ips) for host, ips in standing_hosts(facts).items()},
        "ports": facts.ports,
        "takes_customers": bool(facts.customer),
        "extensions": facts.extensions,
        "rules": _objects(facts.rules),
        "submission": facts.submission and _submission(facts.submission),
        "reading": [
            {"protocol": it.protocol, "hosts": it.hosts, "ports": it.ports, "tls_ports": it.tls_ports}
            for it in reading.servers
        ],
    }


def _submission(of_users: Submission) -> dict[str, Any]:
    return {
        "hosts": of_users.hosts,
        "ports": of_users.ports,
        "extensions": of_users.extensions,
        "rules": _objects(of_users.rules),
    }


def _objects(rules: Iterable[Rule]) -> list[dict[str, str | None]]:
    return [
        {
            "rule": name_of(rule),
            "stage": rule.stage,
            "on": rule.when,
            "reply": getattr(rule, "reply", "") or None,
        }
        for rule in rules
    ]
