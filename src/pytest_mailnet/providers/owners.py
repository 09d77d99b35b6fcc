"""Whose a name is: the providers that domains, hosts and addresses belong to."""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Callable, Iterable, Mapping

from pytest_mailnet.providers.provider_files import ProviderFiles
from pytest_mailnet.providers.unread_phrases import without_replies

__all__ = ["Owners"]

_APART = {ord(it): " " for it in string.punctuation if it not in "-._"}
_HOSTS = re.compile(r"hosts\s*=\s*\[([^\]]*)\]")
_NAME = re.compile(r'"([^"]+)"')


class Owners:
    """The providers of today by their names. Files are parsed only if a name stands in them.

    Args:
        files: the providers' files.
        has: whether a provider has a name, by its facts; asked where the name stands in the file as a word.
    """

    def __init__(self, files: ProviderFiles, has: Callable[[str, str], bool]) -> None:
        self._files, self._has = files, has
        self._found: dict[str, str | None] = {}
        # Each net asks for the same names.
        self.around = functools.lru_cache(16_384)(self._around)

    def of(self, name: str) -> str | None:
        """The provider that a domain, a mail host or an MX host's address belongs to."""
        candidates = self._mentioned.get(name)
        if candidates is None or "." not in name:
            return None
        if name not in self._found:
            known = self._files.indexed
            self._found[name] = next((it for it in candidates if it in known or self._has(it, name)), None)
        return self._found[name]

    def mail_is_read_at(self, name: str) -> bool:
        """Whether a name stands among the hosts where mail is read at any provider."""
        return name in self._read_at

    def _around(self, name: str) -> tuple[str, ...]:
        """The providers that a name, or one above it, belongs to."""
        found: list[str] = []
        while name:
            if (owner := self.of(name)) is not None:
                found.append(owner)
            name = name.partition(".")[2]
        return tuple(found)

    @functools.cached_property
    def _mentioned(self) -> Mapping[str, list[str]]:
        """The providers that have a name by the index, or in whose files it stands as a word."""
        found: dict[str, list[str]] = {}
        for name in self._files.names:
            for word in {*self._words_of(name), *self._hosts_read_at(name)}:
                found.setdefault(word, []).append(name)
        return found

    @functools.cached_property
    def _read_at(self) -> frozenset[str]:
        return frozenset(host for name in self._files.about_reading for host in self._hosts_read_at(name))

    def _words_of(self, name: str) -> Iterable[str]:
        if (known := self._files.indexed.get(name)) is not None:
            return known.names
        # Each host is one, in master files with a dot behind.
        return (it.rstrip(".") for it in without_replies(self._files.text(name))[0].translate(_APART).split())

    def _hosts_read_at(self, name: str) -> Iterable[str]:
        if (known := self._files.indexed.get(name)) is not None:
            return known.read_at
        return _NAME.findall(" ".join(_HOSTS.findall(self._files.text_about_reading(name) or "")))
