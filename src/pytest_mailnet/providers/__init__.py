"""Mail operators: their facts as TOML beside this file, and what a net does with them."""

from __future__ import annotations

from pytest_mailnet.providers.facts import Facts, load_facts, plain_facts, provider_names
from pytest_mailnet.providers.phrasebook import Phrase, Phrasebook, Replies
from pytest_mailnet.providers.provider import Provider

__all__ = [
    "Facts",
    "Phrase",
    "Phrasebook",
    "Provider",
    "Replies",
    "load_facts",
    "plain_facts",
    "provider_names",
]
