"""DMARC as of RFC 9989 (May 2026): organisations are found by a walk up the names in DNS."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_mailnet.rules.auth.policy_record import NoAnswer, PolicyRecord, record_at

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver

__all__ = ["Dmarc9989"]

_MOST_LABELS = 8  # from as many on, the walk skips names: 4.10, step 4


class Dmarc9989:
    """The edition in force. One is made for each mail, and asks for the record of each name once.

    Args:
        dns: where the records are.
    """

    def __init__(self, dns: Resolver) -> None:
        self._dns = dns
        self._record = functools.cache(functools.partial(record_at, dns))

    def organization(self, domain: str) -> str:
        """The organisational domain of a domain (4.10.2); the domain itself where there is no record."""
        found = list(self._walk(domain))
        for record in found:
            if record.is_organization:
                return record.domain
            if record.is_suffix:  # the next longer name; of the suffix itself, itself
                return _last_labels(domain, record.domain.count(".") + 2)
        return found[-1].domain if found else domain

    def record_for(self, author: str) -> PolicyRecord | None:
        """The record of the author's domain, of its organisation's, or of the public suffix (4.10.1)."""
        own = self._record(author)
        if own is not None:
            return own
        found, top = list(self._walk(author)), self.organization(author)
        of_top = next((record for record in found if record.domain == top), None)
        return of_top or next((record for record in found if record.is_suffix), None)

    def policy(self, record: PolicyRecord, author: str) -> str:
        """What a record asks for: p for its own domain, sp below it, np for names that there are not."""
        applicable: tuple[str, ...] = ("p",)
        if record.domain != author:
            missing = "np" in record.tags and self._is_missing(author)
            applicable = ("np",) if missing else ("sp", "p")
        return record.policy(*applicable, known=("p", "sp", "np"), required=False)

    def percent(self, record: PolicyRecord) -> int:
        """None of the mails in a test, t=y, and all otherwise (4.7)."""
        return 0 if record.value("t", "n", "y") == "y" else 100

    def _walk(self, domain: str) -> Iterator[PolicyRecord]:
        """The records between a domain and the root, up to the first with psd=y or psd=n (4.10)."""
        at = domain
        while at:
            record = self._record(at)
            if record is not None:
                yield record
                if record.is_suffix or record.is_organization:
                    return
            at = _last_labels(at, min(at.count("."), _MOST_LABELS - 1))

    def _is_missing(self, domain: str) -> bool:
        """Whether there is no such name (3.2.13). An alias is there, whatever it leads to."""
        answer = self._dns.lookup(domain, "A")
        if answer.failed:
            raise NoAnswer
        return answer.rcode == "NXDOMAIN" and not answer.answers


def _last_labels(domain: str, count: int) -> str:
    return ".".join(domain.split(".")[-count:]) if count else ""
