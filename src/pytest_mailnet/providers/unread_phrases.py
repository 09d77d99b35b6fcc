"""The replies of a file that is known to be in order: each is read when it is first asked for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping

from pytest_mailnet.providers.phrasebook import Phrase
from pytest_mailnet.providers.toml_phrases import read_phrase
from pytest_mailnet.providers.toml_table import Table

__all__ = ["UnreadPhrases", "without_replies"]

_REPLIES = "replies."


class UnreadPhrases(Mapping[str, Phrase]):
    """The replies of a file by name. Of hundreds a test meets ten, and TOML takes long to parse.

    Args:
        file: the file's name, for messages.
        texts: what is in each reply's table.
        sources: the sources that several replies name by a word.
    """

    def __init__(self, file: str, texts: Mapping[str, str], sources: Mapping[str, str]) -> None:
        self._file, self._texts, self._sources = file, texts, sources
        self._read: dict[str, Phrase] = {}

    def __getitem__(self, name: str) -> Phrase:
        found = self._read.get(name)
        if found is None:
            table = Table(self._file, tomllib.loads(self._texts[name]), f"{_REPLIES}{name}")
            # Of two threads that have both read it, the first one's is kept.
            found = self._read.setdefault(name, read_phrase(name, table, self._sources))
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def without_replies(text: str) -> tuple[str, Mapping[str, str]]:
    """Take a file's text apart, before it is parsed.

    Args:
        text: the TOML, in which no line of a text begins with a bracket.

    Returns:
        What is not replies, which are the most of it; and the text of each reply's table, by name.
    """
    kept: list[str] = []
    replies: dict[str, str] = {}
    for table in text.split("\n["):
        if table.startswith(_REPLIES):
            header, _, values = table.partition("]\n")
            replies[header.removeprefix(_REPLIES)] = values
        else:
            kept.append(table)
    return "\n[".join(kept), replies
