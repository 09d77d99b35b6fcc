"""The names in this package's own provider files, known before any of them is read."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

from pytest_mailnet.providers.facts import Facts

__all__ = ["FILE", "Indexed", "index", "names_in"]

FILE = "index.json"
"""The file, beside the providers' own. `python tests/providers/write_index.py` writes it."""


class Indexed(NamedTuple):
    """The names in a provider's files.

    Attributes:
        aliases: its other names.
        names: its domains, its hosts of today, and their addresses.
        read_at: the hosts where its users read mail.
    """

    aliases: tuple[str, ...]
    names: tuple[str, ...]
    read_at: tuple[str, ...]


@functools.cache
def index() -> Mapping[str, Indexed]:
    """The index, by provider. Without it, a first test would wait for all files to be read."""
    text = (resources.files(__name__.rpartition(".")[0]) / "data" / FILE).read_text("utf-8")
    return MappingProxyType({name: Indexed(*map(tuple, it)) for name, it in json.loads(text).items()})


def names_in(facts: Facts) -> set[str]:
    """The domains of a provider, its hosts, and their addresses."""
    from pytest_mailnet.providers.zones import standing_hosts  # noqa: PLC0415  # the index has them of most files

    return {
        *facts.domains,
        *(it for host, ips in standing_hosts(facts).items() for it in (host, *ips)),
        *(facts.submission.hosts if facts.submission else ()),
    }
