"""Rules: each looks at a session at one stage, and answers or leaves it to the next.

A provider's file names the rules that it applies, in order; a rule's fields are the keys that the file
may set. Most fields are conditions: names of replies in the provider's phrasebook.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pytest_mailnet.rules.recipients import (
    AuthenticatedUser,
    LocalRecipient,
    RelayingDenied,
    TrustedNetwork,
    UnknownMailbox,
)
from pytest_mailnet.rules.reputation import DynamicAddress, ThrottledAddress
from pytest_mailnet.rules.rule import PERMIT, Evidence, Permit, Rule

__all__ = ["PERMIT", "RULES", "Evidence", "Permit", "Rule"]

RULES: Mapping[str, type[Rule]] = MappingProxyType(
    {
        "authenticated_user": AuthenticatedUser,
        "dynamic_address": DynamicAddress,
        "local_recipient": LocalRecipient,
        "relaying_denied": RelayingDenied,
        "throttled_address": ThrottledAddress,
        "trusted_network": TrustedNetwork,
        "unknown_mailbox": UnknownMailbox,
    }
)
