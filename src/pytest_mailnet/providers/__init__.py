"""Mail operators: their facts as TOML beside this file, and what a net does with them."""

from __future__ import annotations

from pytest_mailnet.providers.catalogue import Catalogue, catalogue_with
from pytest_mailnet.providers.facts import Facts, plain_facts
from pytest_mailnet.providers.phrasebook import Phrase, Phrasebook, Replies
from pytest_mailnet.providers.provider import Provider

__all__ = [
    "Catalogue",
    "Facts",
    "Phrase",
    "Phrasebook",
    "Provider",
    "Replies",
    "catalogue_with",
    "plain_facts",
]
