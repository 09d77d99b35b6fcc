"""The catalogue of providers: what their files say, read when a provider is first asked for."""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Iterable, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_mailnet.errors import ProviderFileError, UnknownName
from pytest_mailnet.providers.facts import Facts
from pytest_mailnet.providers.index import names_in
from pytest_mailnet.providers.owners import Owners
from pytest_mailnet.providers.phrasebook import InFront, Phrase, Phrasebook, WithOthers
from pytest_mailnet.providers.provider_files import (
    ERA,
    ProviderFiles,
    files_in,
    installed_files,
    shipped_files,
    stock_text,
)
from pytest_mailnet.providers.toml_file import parse_facts

if TYPE_CHECKING:
    from pytest_mailnet.providers.reading_facts import ReadingFacts

__all__ = ["Catalogue", "catalogue_with", "stock_phrases", "stock_reading"]

_ALIASES = re.compile(r'\[("[\w.-]+"(, )?)*\]\n')
_STOCK, _STOCK_READING = "stock.toml", "stock.reading.toml"
_GOOGLE = "Google's are 'gmail', and 'google-workspace' for domains of one's own."
_MICROSOFT = "Microsoft's are 'hotmail' (Outlook.com), and 'microsoft365' for domains of one's own."
_MEANT: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("google", "gsuite", "g-suite", "googlemail", "workspace"), _GOOGLE),
        **dict.fromkeys(("microsoft", "o365", "exchange", "live", "msn"), _MICROSOFT),
    }
)


class Catalogue:
    """All known providers; shared by the nets of a run. A file is read when its provider is first asked for.

    Args:
        files: the TOML files; of two for the same provider, the later one counts.
        shipped: those of this package. They are checked and indexed by its tests, and not again in each run.

    Attributes:
        names: the names of the providers, sorted, without aliases.
        stems: the names of all files without ".toml", sorted: "gmail", "gmail-2009".
        owner: finds the provider of today that a domain, a mail host or an MX host's address belongs to.
        owners_around: finds those that a name, or one above it, belongs to.
        mail_is_read_at: tells whether a name stands among the hosts where mail is read at any provider.
    """

    def __init__(self, files: Iterable[Traversable], shipped: Container[Traversable] = ()) -> None:
        self._files = ProviderFiles(files, shipped)
        self.names: tuple[str, ...] = self._files.names
        self.stems: list[str] = self._files.stems
        self._facts: dict[str, Facts] = {}
        self._phrasebooks: dict[tuple[Facts, str], Phrasebook] = {}
        self._readings: dict[str, ReadingFacts] = {}
        owners = Owners(self._files, self._has)
        self.owner = owners.of
        self.owners_around = owners.around
        self.mail_is_read_at = owners.mail_is_read_at

    def stem(self, given: str) -> str:
        """The stem of a file: "gmail" for a name or an alias, "gmail-2009" for one with an era.

        Raises:
            UnknownName: if there is no such provider or era; names the near misses.
        """
        era = ERA.fullmatch(given)
        facts = self.load(era["name"], era["era"]) if era else self.load(given)
        return f"{facts.name}-{era['era']}" if era and facts.era != era["era"] else facts.name

    def stem_of(self, facts: Facts) -> str:
        """The stem of the file that facts of this catalogue were read from; the name of any others."""
        return next((stem for stem, it in self._facts.items() if it is facts), facts.name)

    def load_stem(self, stem: str) -> Facts:
        """The facts in a file, by its stem."""
        era = ERA.fullmatch(stem)
        return self.load(era["name"], era["era"]) if era else self.load(stem)

    def own_phrases(self, stem: str) -> Mapping[str, Phrase]:
        """The replies that a file tells itself: of an era that is `like` today's, those that differ."""
        facts = self.load_stem(stem)
        today = self.load(facts.like).phrases if facts.like else {}
        return {name: phrase for name, phrase in facts.phrases.items() if today.get(name) != phrase}

    @functools.cached_property
    def aliases(self) -> Mapping[str, str]:
        """The providers' names, by alias."""
        return {alias: name for name in self.names for alias in self._aliases_of(name)}

    def _aliases_of(self, name: str) -> tuple[str, ...]:
        if (known := self._files.indexed.get(name)) is not None:
            return known.aliases
        _, found, rest = self._files.text(name).partition("\naliases = ")
        # To parse all of a file for the sake of one line would take long.
        if (plain := _ALIASES.match(rest)) is not None:
            return tuple(re.findall('"(.*?)"', plain[0]))
        return self.load(name).aliases if found else ()

    def load(self, name: str, era: int | str | None = None) -> Facts:
        """The facts of a provider.

        Args:
            name: its name or an alias.
            era: the year of the facts, or the version of a program, "3.7"; None for today's.

        Raises:
            UnknownName: if there is no such provider, or none of that era; names the near misses.
            ProviderFileError: if its file has an error in it.
        """
        stem = name if era is None else f"{name}-{era}"
        if stem in self._facts:
            return self._facts[stem]
        if name not in self._files:
            if name in self.aliases:
                return self.load(self.aliases[name], era)
            raise UnknownName(
                "provider",
                name,
                [*self.names, *self.aliases],
                _MEANT.get(
                    name.lower(),
                    "A server of one's own: mailnet.add_server('mx.shop.example', domain='shop.example').",
                ),
            )
        if stem not in self._files:
            today = self.load(name)
            if today.era == str(era):
                return today
            eras = [it["era"] for it in map(ERA.fullmatch, self.stems) if it and it["name"] == name]
            eras += [today.era] if today.era else []
            raise UnknownName(f"era of {name}", str(era), eras, "Without era= a provider is as it is today.")
        files = self._files
        file = files.file_name(stem)
        shipped = files.shipped(stem)
        others = None if shipped else self.other_phrases
        facts = parse_facts(files.text(stem), file, others, files.text(name), checked=shipped)
        if facts.name != name:
            raise ProviderFileError(f"{file}: name: {facts.name!r} in a file that is named after {name!r}")
        # Two threads may both have read the file: the first result is kept, since nets compare by identity.
        return self._facts.setdefault(stem, facts)

    def phrasebook(self, facts: Facts, role: str = "mx") -> Phrasebook:
        """The replies of a provider's hosts; shared by all nets.

        Args:
            facts: the provider's.
            role: "mx", or "submission" for its submission servers.
        """
        found = self._phrasebooks.get((facts, role))
        if found is None:
            found = Phrasebook(facts.name, facts.phrases, self.other_phrases(facts), role)
            if facts.phrases:  # a test's own servers have none, and differ from net to net
                self._phrasebooks[facts, role] = found
        return found

    def reading(self, facts: Facts) -> ReadingFacts:
        """The facts about how users read their mail at a provider, or at a test's own server.

        Args:
            facts: the provider's.

        Raises:
            ProviderFileError: if its file about that has an error in it.
        """
        from pytest_mailnet.providers.reading_facts import NO_READING, plain_reading  # noqa: PLC0415  # few read mail
        from pytest_mailnet.providers.toml_reading import parse_reading  # noqa: PLC0415  # as above

        if facts.handled:
            return NO_READING
        if facts.catch_all:
            return plain_reading(facts.name, stock_reading())
        found = self._readings.get(facts.name)
        if found is None:
            name, texts = facts.name, self._files.text_about_reading
            if (text := texts(name)) is None:
                return NO_READING
            read = parse_reading(text, f"{name}.reading.toml", name, stock_reading(), texts)
            found = self._readings.setdefault(name, read)
        return found

    def other_phrases(self, facts: Facts) -> Mapping[str, Phrase]:
        """The phrases for conditions without one in the provider's file: another provider's, or the RFCs'.

        Raises:
            UnknownName: if the other provider is unknown, or lacks one of the phrases named in [shared].
        """
        if not facts.shared_from:
            return stock_phrases()
        theirs = self.load(facts.shared_from).phrases
        for name in facts.shared:
            if name not in theirs:
                raise UnknownName(
                    f"reply of {facts.shared_from}", name, theirs, f"{facts.name} has it in [shared]."
                )
        taken = {name: theirs[name] for name in facts.shared} if facts.shared else theirs
        return InFront(taken, stock_phrases())

    def _has(self, provider: str, name: str) -> bool:
        facts = self.load(provider)
        return name in names_in(facts) or (self.mail_is_read_at(name) and name in self.reading(facts).hosts)

    def eras_of(self, host: str) -> list[tuple[str, str]]:
        """The providers that once had this host, each with the era: a year, or a version in quotes."""
        eras = (it for it in map(ERA.fullmatch, self.stems) if it and host in self._files.text(it[0]))
        return [(it["name"], _written(it["era"])) for it in eras if host in names_in(self.load_stem(it[0]))]

    def standard_names(self) -> list[str]:
        """The domains and MX hosts of all providers, for near misses."""
        return [name for provider in self.names for name in names_in(self.load(provider))]


@functools.cache
def catalogue_with(paths: tuple[Path, ...] = ()) -> Catalogue:
    """The catalogue of this package's providers, of installed packages', and of the user's own.

    Args:
        paths: the user's TOML files, and folders with such files.

    Raises:
        InvalidSetting: for a path without a TOML file.
        ProviderFileError: for an entry point that names no package.
    """
    shipped = tuple(shipped_files())
    return Catalogue([*shipped, *installed_files(), *files_in(paths)], shipped)


@functools.cache
def stock_phrases() -> Mapping[str, Phrase]:
    """The replies in the RFCs' words, by condition; for servers without phrases of their own."""
    return WithOthers(parse_facts(stock_text(_STOCK), _STOCK, checked=True).phrases)


@functools.cache
def stock_reading() -> ReadingFacts:
    """What a server says to those who read mail, in the RFCs' words."""
    from pytest_mailnet.providers.toml_reading import parse_reading  # noqa: PLC0415  # few tests read mail

    return parse_reading(stock_text(_STOCK_READING), _STOCK_READING, "stock")


def _written(era: str) -> str:
    return era if era.isdigit() else repr(era)
