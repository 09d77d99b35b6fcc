"""Rules: each looks at a session at one stage, and answers or leaves it to the next.

A provider's file names the rules that it applies, in order; a rule's fields are the keys that the file
may set. Fields that are a `Condition` name replies of the provider's phrasebook.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import MappingProxyType

from pytest_mailnet.rules.rule import (
    PERMIT,
    Condition,
    Permit,
    Refusal,
    Rule,
    RuleContext,
    When,
)

__all__ = [
    "FAMILIES",
    "PERMIT",
    "RULES",
    "Condition",
    "Permit",
    "Refusal",
    "Rule",
    "RuleContext",
    "When",
    "family_of",
    "name_of",
]

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "authentication": (
            "dkim_fail",
            "dmarc_reject",
            "from_not_aligned",
            "not_authenticated",
            "spf_result_is",
        ),
        "bounces": ("bounce_rate", "bounce_to_many"),
        "bulk": (
            "bulk_not_authenticated",
            "bulk_volume",
            "bulk_without_dkim",
            "bulk_without_dmarc",
            "bulk_without_spf",
            "bulk_without_tls",
            "bulk_without_unsubscribe",
        ),
        "content": (
            "bare_line_feed",
            "duplicate_header",
            "forbidden_attachment",
            "gtube",
            "missing_header",
            "several_authors",
            "undecodable_header",
        ),
        "dnsbl": ("listed_address", "listed_sender_domain"),
        "greylisting": ("greylisting",),
        "helo": ("helo_no_name", "helo_own_name", "helo_unresolvable"),
        "limits": ("too_many_errors", "too_many_messages", "too_many_recipients"),
        "rates": ("concurrent_connections", "rate_limit"),
        "recipients": (
            "authenticated_user",
            "busy_mailbox",
            "disabled_mailbox",
            "full_mailbox",
            "local_recipient",
            "relaying_denied",
            "trusted_network",
            "unknown_mailbox",
        ),
        "reputation": ("dynamic_address", "low_reputation", "throttled_address"),
        "reverse_dns": ("generic_ptr", "no_ptr", "unconfirmed_ptr"),
        "sender_domain": (
            "sender_domain_not_found",
            "sender_domain_null_mx",
            "sender_domain_temperror",
            "sender_domain_unreachable",
            "sender_domain_without_soa",
            "sender_not_qualified",
        ),
        "submission": (
            "app_password_required",
            "login_required",
            "passwords_disabled",
            "pipelined_after_starttls",
            "sender_not_owned",
            "tls_required",
            "wrong_credentials",
        ),
        "tarpit": ("tarpit",),
    }
)
"""The rules of each family, by the names that a provider's file has for them."""

_MODULES: Mapping[str, str] = MappingProxyType(
    {"bounces": "null_sender"}
)  # the others bear the family's name
_FAMILY_OF: Mapping[str, str] = MappingProxyType(
    {name: family for family, names in FAMILIES.items() for name in names}
)


class _Rules(Mapping[str, type[Rule]]):
    """The classes by name. A family's module is imported with the first of its rules that is asked for."""

    def __getitem__(self, name: str) -> type[Rule]:
        family = _FAMILY_OF[name]
        module = import_module(f"{__name__}.{_MODULES.get(family, family)}")
        found: type[Rule] = getattr(module, name.title().replace("_", ""))
        return found

    def __contains__(self, name: object) -> bool:
        return name in _FAMILY_OF

    def __iter__(self) -> Iterator[str]:
        return iter(_FAMILY_OF)

    def __len__(self) -> int:
        return len(_FAMILY_OF)


RULES: Mapping[str, type[Rule]] = _Rules()
"""All rules, by the names that a provider's file has for them."""


def name_of(rule: Rule | type[Rule]) -> str:
    """What a provider's file calls a rule: `UnknownMailbox` is "unknown_mailbox"."""
    return _snake_case((rule if isinstance(rule, type) else type(rule)).__name__)


@functools.cache
def _snake_case(name: str) -> str:
    return "".join(f"_{it.lower()}" if it.isupper() else it for it in name).removeprefix("_")


def family_of(rule: Rule | type[Rule] | str) -> str:
    """The family that a rule, or one by its name, belongs to: "authentication"."""
    return _FAMILY_OF[rule if isinstance(rule, str) else name_of(rule)]
