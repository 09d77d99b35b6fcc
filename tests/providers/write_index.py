"""Writes `providers/data/index.json` from the files beside it: `python tests/providers/write_index.py`."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from pathlib import Path

from pytest_mailnet.providers import Catalogue
from pytest_mailnet.providers.index import FILE, names_in
from pytest_mailnet.providers.provider_files import shipped_files

DATA = resources.files("pytest_mailnet.providers") / "data"


def index_text() -> str:
    """What the file has to be: a line for each provider."""
    catalogue = Catalogue(shipped_files())  # not those that other packages have installed here
    lines = [f"{json.dumps(name)}: {json.dumps(_names_of(catalogue, name))}" for name in catalogue.names]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _names_of(catalogue: Catalogue, name: str) -> list[list[str]]:
    facts = catalogue.load(name)
    file = DATA / f"{name}.reading.toml"
    # Not those of a file that it is `like`, which may be the user's.
    tables = tomllib.loads(file.read_text("utf-8")).values() if file.is_file() else ()
    hosts = {host for it in tables if isinstance(it, dict) for host in it.get("hosts", ())}
    return [list(facts.aliases), sorted(names_in(facts)), sorted(hosts)]


if __name__ == "__main__":
    Path(str(DATA), FILE).write_text(index_text(), "utf-8")
