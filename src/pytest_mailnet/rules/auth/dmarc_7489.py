"""DMARC as of RFC 7489 (2015): organisations are found in the public suffix list."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from pytest_mailnet.errors import MissingExtra
from pytest_mailnet.rules.auth.policy_record import PolicyRecord, record_at

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver

__all__ = ["Dmarc7489"]


class Dmarc7489:
    """The edition before RFC 9989, which many receivers still go by.

    Args:
        dns: where the records are.

    Raises:
        MissingExtra: if publicsuffixlist is not installed.
    """

    def __init__(self, dns: Resolver) -> None:
        self._dns = dns
        self._suffixes = _suffixes()

    def organization(self, domain: str) -> str:
        """The organisational domain of a domain: one label more than the public suffix above it (3.2)."""
        found: str | None = self._suffixes.privatesuffix(domain)
        return found or domain

    def record_for(self, author: str) -> PolicyRecord | None:
        """The record of the author's domain, or of its organisation's (6.6.3)."""
        own, top = record_at(self._dns, author), self.organization(author)
        return record_at(self._dns, top) if own is None and top != author else own

    def policy(self, record: PolicyRecord, author: str) -> str:
        """What a record asks for: p for its own domain, sp below it (6.3)."""
        applicable = ("p",) if record.domain == author else ("sp", "p")
        return record.policy(*applicable, known=("p", "sp"), required=True)

    def percent(self, record: PolicyRecord) -> int:
        """Of how many mails in a hundred it asks that, pct (6.3)."""
        asked = record.tags.get("pct", "")
        return min(int(asked), 100) if asked.isascii() and asked.isdigit() else 100


@functools.cache
def _suffixes() -> Any:
    try:
        from publicsuffixlist import PublicSuffixList  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise MissingExtra("DMARC as of RFC 7489", "publicsuffixlist", "auth") from error
    return PublicSuffixList()
