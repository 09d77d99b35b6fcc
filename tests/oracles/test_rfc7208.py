"""The test suite of RFC 7208 (SPF), which comes with pyspf, asked of the net's DNS by the net's SPF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.rules.auth.spf import check_spf

from .sdists import unpacked

pytest.importorskip("spf")
yaml = pytest.importorskip("yaml")

TYPES = ("TXT", "A", "AAAA", "MX", "PTR", "CNAME")


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory):
    folder = unpacked("pyspf", tmp_path_factory.mktemp("pyspf"))
    text = (folder / "test" / "rfc7208-tests.yml").read_text("utf-8")
    return list(yaml.safe_load_all(text))


def test_spf_comes_out_as_the_suite_has_it(scenarios):
    wrong = {}
    count = 0

    for scenario in scenarios:
        dns = dns_of(scenario["zonedata"])
        for name, case in scenario["tests"].items():
            count += 1
            told = difference(case, dns)
            if told:
                wrong[name] = told

    assert not wrong
    assert count >= 203


def difference(case: dict[str, Any], dns: Resolver) -> str:
    """What came out, where that is not what was to come out; "" where it is."""
    found = check_spf(dns, case["host"], case["mailfrom"], case["helo"])
    results = case["result"] if isinstance(case["result"], list) else [case["result"]]
    if found.result not in results:
        return f"{found.result} in place of {' or '.join(results)}: {found.why}"
    explanation = case.get("explanation", "DEFAULT")
    if found.result == "fail" and explanation not in ("DEFAULT", found.why):
        return f"{found.why!r} in place of {explanation!r}"
    return ""


def dns_of(zone: dict[str, list[Any]]) -> Resolver:
    """The net's DNS with the records of a scenario; those of the type SPF are TXT where the name has none."""
    dns = Resolver()
    for plain, given in zone.items():
        name = plain.replace(" ", r"\032")  # as master files have it (RFC 1035, 5.1)
        records = [next(iter(it.items())) for it in given if it != "TIMEOUT"]
        texts = "TXT" if any(kind == "TXT" for kind, _ in records) else "SPF"
        kept = [
            ("TXT" if kind == texts else kind, value)
            for kind, value in records
            if kind != "SPF" or texts == "SPF"
        ]
        for kind, value in kept:
            if value == "TIMEOUT":
                dns.fail(name, "dns-time-out", rdtype=kind)
            elif value != "NONE":
                dns.add(name, kind, rdata(kind, value))
        if "TIMEOUT" in given:
            known = {kind for kind, value in kept if value != "NONE"}
            for kind in TYPES:
                if kind not in known:
                    dns.fail(name, "dns-time-out", rdtype=kind)
    return dns


def rdata(kind: str, value: Any) -> str:
    """A value of the suite in presentation form."""
    if kind == "TXT":
        strings = value if isinstance(value, list) else [value]
        return " ".join(f'"{"".join(escaped(it))}"' for it in strings)
    if kind == "MX":
        return f"{value[0]} {value[1] or '.'}{'' if value[1].endswith('.') or not value[1] else '.'}"
    return f"{value}." if kind in ("CNAME", "PTR") and not value.endswith(".") else str(value)


def escaped(text: str) -> Iterator[str]:
    for octet in text.encode("utf-8"):
        yield chr(octet) if 32 <= octet < 127 and octet not in b'"\\' else f"\\{octet:03}"
