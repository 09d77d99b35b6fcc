"""A DMARC policy record: where it is, what its tags ask for (RFC 9989, 4.7; RFC 7489, 6.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver

__all__ = ["POLICIES", "NoAnswer", "PolicyRecord", "record_at"]

POLICIES: Mapping[str, str] = MappingProxyType({"none": "none", "quarantine": "none", "reject": "quarantine"})
"""What a domain can want done with mail that fails, each with the level below it."""

# The version comes first, and its case counts (RFC 9989, 4.8).
_VERSION = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")
# A reporting URI has a scheme and something behind it; commas part them (RFC 9989, 4.8; RFC 3986, 3).
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s,]+", re.IGNORECASE)


class NoAnswer(Exception):
    """DNS failed when it was asked for a policy record, or whether a domain exists."""


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """The one valid DMARC record of a domain.

    Attributes:
        domain: whose record it is, without "_dmarc.".
        tags: the tags in small letters, with their values as they stand.
    """

    domain: str
    tags: Mapping[str, str]

    def value(self, tag: str, *known: str) -> str:
        """The value of a tag that has few, in small letters; the first of the known ones for any other."""
        found = self.tags.get(tag, "").lower()
        return found if found in known else known[0]

    @property
    def is_suffix(self) -> bool:
        """Whether others register names below the domain, psd=y."""
        return self.value("psd", "u", "y", "n") == "y"

    @property
    def is_organization(self) -> bool:
        """Whether the domain says of itself that it is the organisation's, psd=n."""
        return self.value("psd", "u", "y", "n") == "n"

    @property
    def wants_reports(self) -> bool:
        """Whether there is an address to report to, rua=."""
        return any(_URI.fullmatch(it.strip()) for it in self.tags.get("rua", "").split(","))

    def policy(self, *applicable: str, known: tuple[str, ...], required: bool) -> str:
        """What the domain wants done with mail that fails; "" where the record is not in order.

        One that is not in order asks for nothing if it has an address for reports, and counts for nothing
        otherwise (RFC 9989, 4.10.1; RFC 7489, 6.6.3).

        Args:
            applicable: the tags that could tell, the first that is there counts.
            known: the tags that have to be policies where they are there.
            required: whether there has to be p, which is "none" otherwise (RFC 9989, 4.7).
        """
        asked = {tag: self.tags[tag].lower() for tag in known if tag in self.tags}
        if not POLICIES.keys() >= set(asked.values()) or (required and "p" not in asked):
            return "none" if self.wants_reports else ""
        return next((asked[tag] for tag in applicable if tag in asked), "none")


def record_at(dns: Resolver, domain: str) -> PolicyRecord | None:
    """The policy record of a domain; None without one, or with several (RFC 9989, 4.10, step 2).

    Raises:
        NoAnswer: if DNS fails.
    """
    answer = dns.lookup(f"_dmarc.{domain}", "TXT")
    if answer.failed:
        raise NoAnswer
    found = [text for text in answer.values("TXT") if _VERSION.match(text)]
    if len(found) != 1:
        return None
    tags = (tag.partition("=") for tag in found[0].split(";"))
    return PolicyRecord(domain, {name.strip().lower(): value.strip() for name, _, value in tags})
