"""Mail operators: their facts as TOML files in `data/`, and their working models in a net."""

from __future__ import annotations

from pytest_mailnet.providers.catalogue import Catalogue, catalogue_with
from pytest_mailnet.providers.facts import Facts, plain_facts
from pytest_mailnet.providers.own_server import Server
from pytest_mailnet.providers.phrasebook import Phrase, Phrasebook, Replies
from pytest_mailnet.providers.provider import Host, Provider

__all__ = [
    "Catalogue",
    "Facts",
    "Host",
    "Phrase",
    "Phrasebook",
    "Provider",
    "Replies",
    "Server",
    "catalogue_with",
    "plain_facts",
]
