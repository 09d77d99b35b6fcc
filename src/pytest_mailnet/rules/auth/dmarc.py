"""DMARC: whether what authenticates a mail is its author's domain, and what that domain wants."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_mailnet.dns.records import plain_name
from pytest_mailnet.rules.auth.policy_record import POLICIES, NoAnswer, PolicyRecord

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.rules.auth.dkim import Signature
    from pytest_mailnet.rules.auth.spf import SpfResult

__all__ = ["DmarcResult", "Edition", "check_dmarc"]


@dataclass(frozen=True, slots=True)
class DmarcResult:
    """What DMARC says of a mail.

    Attributes:
        result: "pass", "fail", "none" without a record, "temperror" or "permerror" (RFC 8601, 2.7.5).
        domain: the author's, of From.
        policy: what the domain wants done with mail that fails: "none", "quarantine", "reject"; "" without
            a record.
        aligned_spf: whether SPF passed for the author's domain or one of the same organisation.
        aligned_dkim: whether a signature of such a domain verified.
        published: the policy that stands in the record; t=y and pct take it down a level.
        percent: of a hundred mails that fail, for how many that policy is wanted; the others get the next
            lower one. It is 0 where t=y.
    """

    result: str
    domain: str
    policy: str = ""
    aligned_spf: bool = False
    aligned_dkim: bool = False
    published: str = ""
    percent: int = 100

    @property
    def wish(self) -> str:
        """The policy as a person reads it: "p=reject", "p=reject, so quarantine"; "" without a record."""
        lowered = f", so {self.policy}" if self.policy != self.published else ""
        return f"p={self.published}{lowered}" if self.published else ""

    def let_off(self) -> DmarcResult:
        """The result of a mail that gets the policy below the published one (RFC 7489, 6.6.4)."""
        return dataclasses.replace(self, policy=POLICIES[self.published])


class Edition(Protocol):
    """What the editions of DMARC do each in its own way, for one mail. Names are as in `plain_name`."""

    def organization(self, domain: str) -> str:
        """The organisational domain of a domain.

        Raises:
            NoAnswer: if DNS fails.
        """
        ...

    def record_for(self, author: str) -> PolicyRecord | None:
        """The record that counts for an author's domain; None if DMARC has nothing to say of it.

        Raises:
            NoAnswer: if DNS fails.
        """
        ...

    def policy(self, record: PolicyRecord, author: str) -> str:
        """What that record asks for; "" if it is not in order.

        Raises:
            NoAnswer: if DNS fails.
        """
        ...

    def percent(self, record: PolicyRecord) -> int:
        """Of how many mails in a hundred it asks that."""
        ...


def check_dmarc(
    dns: Resolver, author: str, spf: SpfResult, signatures: Iterable[Signature], rfc: int = 9989
) -> DmarcResult:
    """Hold SPF and DKIM against the author's domain.

    Args:
        dns: where the records are.
        author: the domain of From; "" where there is none, or more than one.
        spf: what SPF said.
        signatures: what DKIM said.
        rfc: the edition of DMARC, 9989 or 7489.

    Raises:
        MissingExtra: for RFC 7489, if there is no list of public suffixes.
    """
    if not author:
        return DmarcResult("permerror", "")
    edition, domain = _edition(rfc, dns), plain_name(author)
    try:
        record = edition.record_for(domain)
        published = "" if record is None else edition.policy(record, domain)
    except NoAnswer:
        return DmarcResult("temperror", author)
    strict_spf, strict_dkim = (
        record is not None and record.value(tag, "r", "s") == "s" for tag in ("aspf", "adkim")
    )
    of_spf = set(_aligned(edition, domain, [spf], strict=strict_spf))
    of_dkim = set(_aligned(edition, domain, signatures, strict=strict_dkim))
    if record is None:
        result = "none"
    elif not published:
        result = "permerror"
    elif "pass" in of_spf | of_dkim:
        result = "pass"
    else:  # What could not be asked might have passed (RFC 9989, 5.3.6; RFC 7489, 6.6.2).
        result = "temperror" if of_spf | of_dkim else "fail"
    percent = edition.percent(record) if record is not None and published else 100
    found = DmarcResult(result, author, published, "pass" in of_spf, "pass" in of_dkim, published, percent)
    return found if percent else found.let_off()


def _edition(rfc: int, dns: Resolver) -> Edition:
    if rfc == 7489:
        from pytest_mailnet.rules.auth.dmarc_7489 import Dmarc7489  # noqa: PLC0415  # of few providers

        return Dmarc7489(dns)
    from pytest_mailnet.rules.auth.dmarc_9989 import Dmarc9989  # noqa: PLC0415

    return Dmarc9989(dns)


def _aligned(
    edition: Edition, author: str, found: Iterable[SpfResult | Signature], *, strict: bool
) -> Iterator[str]:
    """What became of each that is aligned with the author's domain, "pass" or "temperror" (RFC 9989, 4.4)."""
    for each in found:
        if each.result not in ("pass", "temperror") or not each.domain:
            continue
        domain = plain_name(each.domain)
        try:
            if domain == author or (
                not strict and edition.organization(domain) == edition.organization(author)
            ):
                yield each.result
        except NoAnswer:
            yield "temperror"
