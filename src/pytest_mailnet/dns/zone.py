"""The zones of a net as data: the names that exist, and their records."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Self

from pytest_mailnet.dns.records import Record, labels, parse_rdata
from pytest_mailnet.errors import ZoneError

__all__ = ["Zones", "own_zone"]

_NAME_SERVER = "ns.mailnet.example"

_ROOT_SOA = "a.root-servers.net. nstld.verisign-grs.com. 2026010100 1800 900 604800 86400"
_REVERSE = ("in-addr.arpa", "ip6.arpa")


class Zones:
    """Names with their records, and the zones around them (RFC 1034, 4.3.2; RFC 4592; RFC 6672; RFC 8020).

    The records of a name are replaced and never changed in place, so that zones can share them: those of a
    provider are read once in a run and merged into each net. Not locked; the owner of the zones does that.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._names: dict[str, Mapping[str, tuple[Record, ...]]] = {}
        self._apexes: set[str] = set()
        self._moved: set[str] = set()  # the owners of DNAME records
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
            ZoneError: for a CNAME beside another record (RFC 1034, 3.6.2), or a second DNAME (RFC 6672, 2.4).
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
            if record.rdtype == "DNAME" and kept:
                raise ZoneError(
                    f"{record.name!r} can have one DNAME (RFC 6672, 2.4), and has {kept[0].rdata!r}; "
                    f"dns.remove({record.name!r}, 'DNAME') first"
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
            self._moved |= other._moved
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
            not exist. Below a DNAME it is that and the CNAME that it makes; the DNAME alone if the new name
            is too long.
        """
        if self._moved and (moved := self._moved_by(name)):
            return moved
        types = self._names.get(name)
        if types is None:
            types = {} if name in self._above else self._wildcard(name)
            if types is None:
                return None
        if rdtype == "ANY":
            found = tuple(record for records in types.values() for record in records)
        else:
            found = types.get(rdtype) or types.get("CNAME") or ()
        if not found and (name in self._apexes or not name):
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

    def denial(self, name: str, rdtype: str) -> Record:
        """The SOA that says that a name is not there, or has no such records.

        It is that of the zone that contains the name, and that of the root if no zone does; for a DS, which
        stands beside the delegation, that of the zone above (RFC 4035, 3.1.4.1). Its time to live is how long
        the answer may be remembered (RFC 2308, 3).

        Args:
            name: the name that was asked for.
            rdtype: the type that was asked for.
        """
        apex = self.apex(name.partition(".")[2] if rdtype == "DS" and name in self._apexes else name)
        soa, *_ = self._names.get(apex or "", {}).get("SOA") or self._implied(apex or "", "SOA")
        return soa._replace(ttl=min(soa.ttl, int(soa.rdata.rpartition(" ")[2])))

    def _place(self, name: str) -> None:
        """Find or make the zone of a name, and note the names above it."""
        if "SOA" in self._names[name]:
            self._apexes.add(name)
        elif self.apex(name) is None:
            self._apexes.add(".".join(name.removeprefix("*.").split(".")[-2:]))
        if "DNAME" in self._names[name]:
            self._moved.add(name)
        self._note_above(name)

    def _place_all(self) -> None:
        self._apexes = set(_REVERSE)
        self._moved = set()
        self._above = {"", *_REVERSE, "arpa"}
        for name in sorted(self._names, key=lambda name: "SOA" not in self._names[name]):
            self._place(name)

    def _note_above(self, name: str) -> None:
        while name:
            name = name.partition(".")[2]
            if name in self._above:
                return
            self._above.add(name)

    def _moved_by(self, name: str) -> tuple[Record, ...] | None:
        """The DNAME above a name, the highest of several, and the CNAME that it makes (RFC 6672, 3.1)."""
        above, owner = name.partition(".")[2], None
        while above:
            owner = above if above in self._moved else owner
            above = above.partition(".")[2]
        if owner is None:
            return None
        [moved] = self._names[owner]["DNAME"]
        target = name.removesuffix(owner) + moved.rdata.removeprefix(".")
        try:
            labels(target)
        except ValueError:
            return (moved,)
        return moved, Record(name, "CNAME", moved.ttl, target)

    def _wildcard(self, name: str) -> Mapping[str, tuple[Record, ...]] | None:
        """The records of the wildcard below the closest name that exists (RFC 4592, 3.3.1)."""
        while name:
            name = name.partition(".")[2]
            if name in self._names or name in self._above:
                return self._names.get(f"*.{name}")
        return None  # pragma: no cover  # the root is above every name

    def _implied(self, apex: str, rdtype: str) -> tuple[Record, ...]:
        """The SOA or NS that a zone, or the root, has if none was added."""
        if rdtype == "SOA" and not apex:
            return (Record("", "SOA", 86400, parse_rdata(".", "SOA", _ROOT_SOA)),)
        if rdtype == "SOA":
            value = f"{_NAME_SERVER}. hostmaster.{apex}. 1 7200 3600 1209600 300"
        elif rdtype == "NS":
            value = f"{_NAME_SERVER}."
        else:
            return ()
        return (Record(apex, rdtype, 3600, parse_rdata(apex, rdtype, value)),)


@functools.cache
def own_zone() -> Zones:
    """The zone of the name server that all zones name."""
    return Zones([Record(_NAME_SERVER, "A", 300, parse_rdata(_NAME_SERVER, "A", "192.0.2.53"))])
