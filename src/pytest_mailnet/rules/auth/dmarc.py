"""DMARC (RFC 7489): whether what authenticates a mail is its author's domain, and what that wants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.rules.auth.dkim import Signature
    from pytest_mailnet.rules.auth.spf import SpfResult

__all__ = ["DmarcResult", "check_dmarc"]

_POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class DmarcResult:
    """What DMARC says of a mail.

    Attributes:
        result: "pass", "fail", "none" without a record, "temperror" or "permerror" (RFC 8601, 2.7.5).
        domain: the author's, of From.
        policy: what the domain wants done with mail that fails: "none", "quarantine", "reject"; "" without
            a record.
        aligned_spf: whether SPF passed for the author's domain or one related to it.
        aligned_dkim: whether a signature of such a domain verified.
    """

    result: str
    domain: str
    policy: str = ""
    aligned_spf: bool = False
    aligned_dkim: bool = False


@dataclass(frozen=True, slots=True)
class _Record:
    at: str
    tags: dict[str, str]


class _NoAnswer(Exception):
    """DNS failed when it was asked for a record."""


def check_dmarc(dns: Resolver, author: str, spf: SpfResult, signatures: Iterable[Signature]) -> DmarcResult:
    """Hold SPF and DKIM against the author's domain.

    The organisational domain is the highest one with a DMARC record, found by walking up the names
    in place of a list of public suffixes; without any, the domain and those below it.

    Args:
        dns: where the records are.
        author: the domain of From; "" where there is none, or more than one.
        spf: what SPF said.
        signatures: what DKIM said.
    """
    if not author:
        return DmarcResult("permerror", "")
    try:
        record, top = _records(dns, author)
    except _NoAnswer:
        return DmarcResult("temperror", author)
    tags = record.tags if record else {}
    aligned_spf = spf.result == "pass" and _aligned(spf.domain, author, top, tags.get("aspf", "r"))
    aligned_dkim = any(
        signature.result == "pass" and _aligned(signature.domain, author, top, tags.get("adkim", "r"))
        for signature in signatures
    )
    if record is None:
        return DmarcResult("none", author, "", aligned_spf, aligned_dkim)
    wanted = tags.get("p", "").lower()
    if record.at != author:
        wanted = tags.get("sp", wanted).lower()
    if wanted not in _POLICIES:
        return DmarcResult("permerror", author, "", aligned_spf, aligned_dkim)
    result = "pass" if aligned_spf or aligned_dkim else "fail"
    return DmarcResult(result, author, wanted, aligned_spf, aligned_dkim)


def _records(dns: Resolver, author: str) -> tuple[_Record | None, str]:
    """The record that counts for a domain, and its organisational domain."""
    labels = author.split(".")
    nearest: _Record | None = None
    top = author
    for start in range(len(labels) - 1):
        at = ".".join(labels[start:])
        record = _record(dns, at)
        if record is not None:
            nearest, top = nearest or record, at
    return nearest, top


def _record(dns: Resolver, at: str) -> _Record | None:
    answer = dns.lookup(f"_dmarc.{at}", "TXT")
    if answer.failed:
        raise _NoAnswer
    found = [text for text in answer.values("TXT") if text.partition(";")[0].strip() == "v=DMARC1"]
    if len(found) != 1:  # RFC 7489, 6.6.3: several are as none
        return None
    tags = (tag.partition("=") for tag in found[0].split(";"))
    return _Record(at, {name.strip().lower(): value.strip() for name, _, value in tags})


def _aligned(domain: str, author: str, top: str, mode: str) -> bool:
    if domain == author:
        return True
    return mode.lower() != "s" and _under(domain, top) and _under(author, top)


def _under(domain: str, top: str) -> bool:
    return domain == top or domain.endswith(f".{top}")
