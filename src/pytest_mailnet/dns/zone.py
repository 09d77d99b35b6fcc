"""The zones of a net as data: the names that exist, and their records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from pytest_mailnet.dns.records import Record, parse_rdata
from pytest_mailnet.errors import ZoneError

__all__ = ["NAME_SERVER", "Zones"]

NAME_SERVER = "ns.mailnet.example"

_ROOT_SOA = "a.root-servers.net. nstld.verisign-grs.com. 2026010100 1800 900 604800 86400"
_REVERSE = ("in-addr.arpa", "ip6.arpa")


class Zones:
    """Names with their records, and the zones around them (RFC 1034, 4.3.2; RFC 4592; RFC 8020).

    The records of a name are replaced and never changed in place, so that zones can share them: those of a
    provider are read once in a run and merged into each net. Not locked; the owner of the zones does that.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._names: dict[str, Mapping[str, tuple[Record, ...]]] = {}
        self._apexes: set[str] = set()
        self._above: set[str] = set()  # names above others, which exist without records (RFC 8020)
        self._place_all()
        self.add(records)

    @property
    def names(self) -> list[str]:
        """The names that have records."""
        return list(self._names)

    def types(self, name: str) -> list[str]:
        """The types of the records that a name has."""
        return list(self._names.get(name, ()))

    def add(self, records: Iterable[Record]) -> None:
        """Add records: all of them, or none if one of them is not allowed.

        Raises:
            ZoneError: for a CNAME beside another record (RFC 1034, 3.6.2).
        """
        changed: dict[str, Mapping[str, tuple[Record, ...]]] = {}
        for record in records:
            types = changed.get(record.name) or self._names.get(record.name, {})
            kept = types.get(record.rdtype, ())
            if any(record.rdata == other.rdata for other in kept):
                continue
            if types and "CNAME" in {record.rdtype, *types}:
                raise ZoneError(
                    f"{record.name!r} can have a CNAME or other records (RFC 1034, 3.6.2): it has "
                    f"{', '.join(types)}, {record.rdtype} was to be added; dns.remove({record.name!r}) first"
                )
            changed[record.name] = {**types, record.rdtype: (*kept, record)}
        self._names.update(changed)
        for name in changed:
            self._place(name)

    def merge(self, other: Self) -> None:
        """Add all records of other zones.

        Raises:
            ZoneError: for a CNAME beside another record.
        """
        if self._names.keys().isdisjoint(other._names):
            self._names.update(other._names)
            self._apexes |= other._apexes
            self._above |= other._above
        else:
            self.add(it for types in other._names.values() for records in types.values() for it in records)

    def remove(self, name: str, rdtype: str | None) -> None:
        """Take records of a name away.

        Args:
            name: the owner, which has such records.
            rdtype: their type; None for all types.
        """
        left = {} if rdtype is None else {**self._names[name]}
        left.pop(rdtype or "", None)
        if left:
            self._names[name] = left
        else:
            del self._names[name]
        self._place_all()

    def find(self, name: str, rdtype: str) -> tuple[Record, ...] | None:
        """Find the records of a name.

        Args:
            name: the name, in the form of `plain_name`.
            rdtype: their type; "ANY" for all types.

        Returns:
            The records of that type, or the name's CNAME; () if the name has neither; None if the name does
            not exist.
        """
        types = self._names.get(name)
        if types is None:
            types = {} if name in self._above else self._wildcard(name)
            if types is None:
                return None
        if rdtype == "ANY":
            found = tuple(record for records in types.values() for record in records)
        else:
            found = types.get(rdtype) or types.get("CNAME") or ()
        if not found and name in self._apexes:
            return self._implied(name, rdtype)
        if found and found[0].name != name:
            return tuple(Record(name, record.rdtype, record.ttl, record.rdata) for record in found)
        return found

    def apex(self, name: str) -> str | None:
        """The name of the zone that contains a name; None if no zone does."""
        while name:
            if name in self._apexes:
                return name
            name = name.partition(".")[2]
        return None

    def soa(self, name: str) -> Record:
        """The SOA of the zone that contains a name; that of the root if no zone does."""
        apex = self.apex(name)
        if apex is None:
            return Record("", "SOA", 86400, parse_rdata(".", "SOA", _ROOT_SOA))
        [soa] = self._names.get(apex, {}).get("SOA") or self._implied(apex, "SOA")
        return soa

    def _place(self, name: str) -> None:
        """Find or make the zone of a name, and note the names above it."""
        if "SOA" in self._names[name]:
            self._apexes.add(name)
        elif self.apex(name) is None:
            self._apexes.add(".".join(name.removeprefix("*.").split(".")[-2:]))
        self._note_above(name)

    def _place_all(self) -> None:
        self._apexes = set(_REVERSE)
        self._above = {"", *_REVERSE, "arpa"}
        for name in sorted(self._names, key=lambda name: "SOA" not in self._names[name]):
            self._place(name)

    def _note_above(self, name: str) -> None:
        while name:
            name = name.partition(".")[2]
            if name in self._above:
                return
            self._above.add(name)

    def _wildcard(self, name: str) -> Mapping[str, tuple[Record, ...]] | None:
        """The records of the wildcard below the closest name that exists (RFC 4592, 3.3.1)."""
        while name:
            name = name.partition(".")[2]
            if name in self._names or name in self._above:
                return self._names.get(f"*.{name}")
        return None  # pragma: no cover  # the root is above every name

    def _implied(self, apex: str, rdtype: str) -> tuple[Record, ...]:
        """The SOA or NS that a zone has if none was added."""
        if rdtype == "SOA":
            value = f"{NAME_SERVER}. hostmaster.{apex}. 1 7200 3600 1209600 300"
        elif rdtype == "NS":
            value = f"{NAME_SERVER}."
        else:
            return ()
        return (Record(apex, rdtype, 3600, parse_rdata(apex, rdtype, value)),)
