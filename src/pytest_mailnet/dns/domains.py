"""Domains that something is known of, with all names below them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_mailnet.dns.records import Record

__all__ = ["Domains", "authenticating"]

_AUTHENTICATION = re.compile(r'^"?v=(spf1|dkim1|dmarc1)\b', re.IGNORECASE)
_AUTHENTICATION_LABELS = re.compile(r"^(.+\._domainkey|_dmarc)\.")


class Domains:
    """Some domains, each with all names below it. Replaced as a whole, so that threads can read it."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()

    def add(self, names: Iterable[str]) -> None:
        """Add domains, in the form of `plain_name`. The owner has a lock."""
        self._names = self._names.union(names)

    def cover(self, name: str) -> bool:
        """Whether a name is one of the domains, or is below one."""
        names = self._names
        if not names:
            return False
        while name and name not in names:
            name = name.partition(".")[2]
        return bool(name)

    def __bool__(self) -> bool:
        return bool(self._names)


def authenticating(records: Iterable[Record]) -> set[str]:
    """The domains whose mail some records authenticate: those with SPF, DKIM or DMARC."""
    owners = {
        it.name
        for it in records
        if "._domainkey." in it.name or (it.rdtype == "TXT" and _AUTHENTICATION.search(it.rdata))
    }
    return {_AUTHENTICATION_LABELS.sub("", name) for name in owners}
