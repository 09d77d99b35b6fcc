"""The catalogue of provider files: of this package, of other packages, and of the user."""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Container, Iterable, Iterator, Mapping
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from pytest_mailnet.errors import InvalidSetting, ProviderFileError, UnknownName
from pytest_mailnet.providers.facts import Facts
from pytest_mailnet.providers.phrasebook import Phrase, Phrasebook, also_for
from pytest_mailnet.providers.reading_facts import NO_READING, ReadingFacts, plain_reading
from pytest_mailnet.providers.toml_file import parse_facts
from pytest_mailnet.providers.toml_reading import parse_reading
from pytest_mailnet.providers.zones import standing_hosts

__all__ = ["ENTRY_POINTS", "Catalogue", "catalogue_with", "stock_phrases", "stock_reading"]

ENTRY_POINTS = "pytest_mailnet.providers"
"""The entry-point group by which packages ship providers: each names a package with TOML files in it."""

_ERA = re.compile(r"(?P<name>.+)-(?P<era>\d{4}|\d+\.\d+)")
_ALIASES = re.compile(r'\[("[\w.-]+"(, )?)*\]\n')
_APART = {ord(it): " " for it in string.punctuation if it not in "-._"}
_STOCK, _STOCK_READING = "stock.toml", "stock.reading.toml"
_READING = ".reading"
_HOSTS = re.compile(r"hosts\s*=\s*\[([^\]]*)\]")
_NAME = re.compile(r'"([^"]+)"')
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
        checked: those whose rules need no check before they are asked for.
    """

    def __init__(self, files: Iterable[Traversable], checked: Container[Traversable] = ()) -> None:
        found = {file.name.removesuffix(".toml"): file for file in files}
        self._files = {stem: it for stem, it in found.items() if not stem.endswith(_READING)}
        self._about_reading = {
            stem.removesuffix(_READING): it for stem, it in found.items() if stem.endswith(_READING)
        }
        self._checked = checked
        self._texts: dict[str, str] = {}
        self._facts: dict[str, Facts] = {}
        self._phrasebooks: dict[tuple[Facts, str], Phrasebook] = {}
        self._owners: dict[str, str | None] = {}
        self._readings: dict[str, ReadingFacts] = {}
        # Each net asks for the same names.
        self.owners_around = functools.lru_cache(16_384)(self._owners_around)

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the providers, sorted, without aliases."""
        return tuple(sorted(name for name in self._files if not _ERA.fullmatch(name)))

    @property
    def stems(self) -> list[str]:
        """The names of all files without ".toml", sorted: "gmail", "gmail-2009"."""
        return sorted(self._files)

    def stem(self, given: str) -> str:
        """The stem of a file: "gmail" for a name or an alias, "gmail-2009" for one with an era.

        Raises:
            UnknownName: if there is no such provider or era; names the near misses.
        """
        era = _ERA.fullmatch(given)
        facts = self.load(era["name"], era["era"]) if era else self.load(given)
        return f"{facts.name}-{era['era']}" if era and facts.era != era["era"] else facts.name

    def stem_of(self, facts: Facts) -> str:
        """The stem of the file that facts of this catalogue were read from; the name of any others."""
        return next((stem for stem, it in self._facts.items() if it is facts), facts.name)

    def load_stem(self, stem: str) -> Facts:
        """The facts in a file, by its stem."""
        era = _ERA.fullmatch(stem)
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
        _, found, rest = self._text(name).partition("\naliases = ")
        # To read all files for the sake of a line in each would take a twentieth of a second.
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
            eras = [it["era"] for it in map(_ERA.fullmatch, self.stems) if it and it["name"] == name]
            eras += [today.era] if today.era else []
            raise UnknownName(f"era of {name}", str(era), eras, "Without era= a provider is as it is today.")
        # This package's own files are checked by its tests, and not again in each run.
        others = None if self._files[stem] in self._checked else self.other_phrases
        facts = parse_facts(self._text(stem), self._files[stem].name, others, self._text(name))
        if facts.name != name:
            file = self._files[stem].name
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
        if facts.handled:
            return NO_READING
        if facts.catch_all:
            return plain_reading(facts.name, stock_reading())
        file = self._about_reading.get(facts.name)
        if file is None:
            return NO_READING
        found = self._readings.get(facts.name)
        if found is None:
            text = file.read_text("utf-8")
            read = parse_reading(text, file.name, facts.name, stock_reading(), self._about_reading_at)
            found = self._readings.setdefault(facts.name, read)
        return found

    def _about_reading_at(self, name: str) -> str | None:
        file = self._about_reading.get(name)
        return None if file is None else file.read_text("utf-8")

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
        return {**stock_phrases(), **{name: theirs[name] for name in facts.shared or theirs}}

    def owner(self, name: str) -> str | None:
        """The provider of today that a domain, a mail host or an MX host's address belongs to."""
        candidates = self._mentioned.get(name)
        if candidates is None or "." not in name:
            return None
        if name not in self._owners:
            self._owners[name] = next((it for it in candidates if self._has(self.load(it), name)), None)
        return self._owners[name]

    def _has(self, facts: Facts, name: str) -> bool:
        return name in _names(facts) or (self.mail_is_read_at(name) and name in self.reading(facts).hosts)

    def mail_is_read_at(self, name: str) -> bool:
        """Whether a name stands among the hosts where mail is read at any provider.

        It is known from the files' text, so that those who read no mail need not parse them.
        """
        return any(name in hosts for hosts in self._reading_hosts.values())

    @functools.cached_property
    def _reading_hosts(self) -> Mapping[str, frozenset[str]]:
        """The hosts that stand in each provider's file about those who read mail."""
        return {
            name: frozenset(_NAME.findall(" ".join(_HOSTS.findall(self._about_reading_at(name) or ""))))
            for name in self._about_reading
        }

    def _owners_around(self, name: str) -> tuple[str, ...]:
        """The providers of today that a name, or one above it, belongs to."""
        found: list[str] = []
        while name:
            if (owner := self.owner(name)) is not None:
                found.append(owner)
            name = name.partition(".")[2]
        return tuple(found)

    def eras_of(self, host: str) -> list[tuple[str, str]]:
        """The providers that once had this host, each with the era: a year, or a version in quotes."""
        eras = (it for it in map(_ERA.fullmatch, self.stems) if it and host in self._text(it[0]))
        return [(it["name"], _written(it["era"])) for it in eras if host in _names(self.load_stem(it[0]))]

    def standard_names(self) -> list[str]:
        """The domains and MX hosts of all providers, for near misses."""
        return [name for provider in self.names for name in _names(self.load(provider))]

    @functools.cached_property
    def _mentioned(self) -> Mapping[str, list[str]]:
        """The providers in whose files a word stands. Each host is one, in master files with a dot behind."""
        # To parse all files, and not only those that have the name, would take a tenth of a second.
        found: dict[str, list[str]] = {}
        for name in self.names:
            words = _without_replies(self._text(name)).translate(_APART).split()
            for word in {*words, *self._reading_hosts.get(name, ())}:
                found.setdefault(word.rstrip("."), []).append(name)
        return found

    def _text(self, stem: str) -> str:
        found = self._texts.get(stem)
        if found is None:
            found = self._texts[stem] = self._files[stem].read_text("utf-8")
        return found


@functools.cache
def catalogue_with(paths: tuple[Path, ...] = ()) -> Catalogue:
    """The catalogue of this package's providers, of installed packages', and of the user's own.

    Args:
        paths: the user's TOML files, and folders with such files.

    Raises:
        InvalidSetting: for a path without a TOML file.
        ProviderFileError: for an entry point that names no package.
    """
    shipped = tuple(_shipped())
    return Catalogue([*shipped, *_installed(), *_given(paths)], checked=shipped)


@functools.cache
def stock_phrases() -> Mapping[str, Phrase]:
    """The replies in the RFCs' words, by condition; for servers without phrases of their own."""
    text = (_data() / _STOCK).read_text("utf-8")
    phrases = parse_facts(text, _STOCK).phrases
    return {**phrases, **also_for(phrases)}


@functools.cache
def stock_reading() -> ReadingFacts:
    """What a server says to those who read mail, in the RFCs' words."""
    return parse_reading((_data() / _STOCK_READING).read_text("utf-8"), _STOCK_READING, "stock")


def _names(facts: Facts) -> set[str]:
    return {
        *facts.domains,
        *(it for host, ips in standing_hosts(facts).items() for it in (host, *ips)),
        *(facts.submission.hosts if facts.submission else ()),
    }


def _without_replies(text: str) -> str:
    """What of a file can name a host: all but the replies, which are the most of it."""
    return "\n".join(table for table in text.split("\n[") if not table.startswith("replies."))


def _written(era: str) -> str:
    return era if era.isdigit() else repr(era)


def _data() -> Traversable:
    return resources.files(__name__.rpartition(".")[0]) / "data"


def _shipped() -> Iterator[Traversable]:
    return (file for file in _toml_in(_data()) if file.name not in {_STOCK, _STOCK_READING})


def _installed() -> Iterator[Traversable]:
    for point in metadata.entry_points(group=ENTRY_POINTS):
        try:
            folder = resources.files(point.load())
        except (ImportError, AttributeError, TypeError) as error:
            raise ProviderFileError(
                f"entry point {point.name} = {point.value!r} of group {ENTRY_POINTS}: {error}; "
                "it names a package that has the TOML files of providers in it"
            ) from error
        yield from _toml_in(folder)


def _given(paths: tuple[Path, ...]) -> Iterator[Traversable]:
    for path in paths:
        found = list(_toml_in(path)) if path.is_dir() else [path] if path.is_file() else []
        if not found:
            raise InvalidSetting(
                f"providers: {str(path)!r} is no TOML file, and no folder with such files in it"
            )
        yield from found


def _toml_in(folder: Traversable) -> Iterator[Traversable]:
    return (file for file in folder.iterdir() if file.name.endswith(".toml"))
