"""The net's DNS as a test uses it: puts records in, and answers as a recursive resolver would. Pure."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_mailnet.dns.answers import Addresses, DnsAnswer, addresses_in
from pytest_mailnet.dns.records import (
    Record,
    checked_name,
    parse_rdata,
    parse_rdtype,
    plain_name,
    reversed_address,
)
from pytest_mailnet.dns.wrong_answers import wrong_answer
from pytest_mailnet.dns.zone import NAME_SERVER, Zones
from pytest_mailnet.dns.zonefile import parse_zone
from pytest_mailnet.errors import ZoneError, amongst
from pytest_mailnet.faults.dns_fault import (
    MX_MANNERS,
    UNHEARD,
    ArmedLookups,
    DnsFault,
    DnsManner,
    lookup_fault_named,
)
from pytest_mailnet.handles.attributes import is_whole, steady
from pytest_mailnet.handles.snapshot import Snapshot, since
from pytest_mailnet.system.native import reentrant_lock

if TYPE_CHECKING:
    from pytest_mailnet.record.journal import Journal, Query

__all__ = ["Resolver"]

_CNAMES = 8
_AUTHENTICATION = re.compile(r'^"?v=(spf1|dkim1|dmarc1)\b', re.IGNORECASE)
_AUTHENTICATION_LABELS = re.compile(r"^(.+\._domainkey|_dmarc)\.")
_MOST_SECONDS = 2**31 - 1  # RFC 2181, 8


_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "ttl": ".add(name, rdtype, value, ttl=60) gives it with a record",
        "records": ".add('shop.example', 'MX', '10 mx.shop.example') puts some in, .remove takes them away",
        "queries": "what the application asks is recorded",
        "names": ".add and .remove put records in and take them away",
        "nameservers": "all name servers lead into the net",
    }
)


@steady("a mailnet's dns", _INSTEAD)
class Resolver:
    """The zones of a net; `mailnet.dns`. A name is in the net once a record was added for it.

    One lock: tests add while the name server and the application's threads look up.

    Args:
        journal: where the questions are recorded.
        missing: told of every name before it is looked up or changed, so that a provider's zone can be
            put in at its first use.
        reverse: what an address of the net resolves back to, None for nothing.
        now: the net's time, in seconds.
    """

    _version = 0
    _has_localhost = False

    def __init__(
        self,
        *,
        journal: Journal,
        missing: Callable[[str], None] | None = None,
        reverse: Callable[[str], str | None] | None = None,
        now: Callable[[], float] = float,
    ) -> None:
        self._journal = journal
        self._missing: Callable[[str], object] = missing or str
        self._reverse = reverse
        self._zones = Zones()
        self._zones.merge(_own_zone())
        self._faults = ArmedLookups(now)
        self._authenticated: set[str] = set()
        self._lock = reentrant_lock()

    def add(self, name: str, rdtype: str, *values: str, ttl: int = 300) -> None:
        """Add records of one name and type to those that are there.

        Args:
            name: the owner; "*.shop.example" is a wildcard (RFC 4592).
            rdtype: "A", "MX", "TXT", … or "TYPE65280" (RFC 3597).
            values: in presentation form: "10 mx.shop.example", "v=spf1 -all".
            ttl: in seconds.

        Raises:
            ZoneError: for a name, type, value or time to live that is none, or a CNAME beside another
                record.
        """
        owner, kind = checked_name(name), parse_rdtype(rdtype)
        if not values:
            raise ZoneError(f"dns.add({name!r}, {rdtype!r}) takes at least one value")
        if not (is_whole(ttl) and 0 <= ttl <= _MOST_SECONDS):
            raise ZoneError(
                f"dns.add({name!r}, {rdtype!r}, ttl={ttl!r}): it takes 0 to {_MOST_SECONDS} seconds"
            )
        for value in values:
            if not isinstance(value, str):
                raise ZoneError(
                    f"dns.add({name!r}, {rdtype!r}, {value!r}): a value is a text, several follow each other"
                )
        records = [Record(owner, kind, ttl, parse_rdata(name, kind, value)) for value in values]
        self._missing(owner)
        self.put(records)
        self._note(records)

    def load(self, source: str | os.PathLike[str], origin: str) -> None:
        """Add the records of a master file (RFC 1035, 5), all of them or none.

        Args:
            source: its path, or its text: a `str` with a line end in it.
            origin: the domain that names without a final dot are below.

        Raises:
            ZoneError: with the line, for whatever is wrong in it.
        """
        records = parse_zone(source, origin)
        for owner in {record.name for record in records}:
            self._missing(owner)
        self.put(records)
        self._note(records)

    def put(self, records: Iterable[Record]) -> None:
        """Add records that have been read already, all of them or none.

        Raises:
            ZoneError: for a CNAME beside another record.
        """
        with self._lock:
            self._version += 1
            self._zones.add(records)

    def merge(self, zones: Zones) -> None:
        """Add all that other zones have.

        Raises:
            ZoneError: for a CNAME beside another record.
        """
        with self._lock:
            self._version += 1
            self._zones.merge(zones)

    def remove(self, name: str, rdtype: str | None = None) -> None:
        """Take away a name's records of one type, or all of them.

        Raises:
            ZoneError: if there are none; names the near misses.
        """
        owner, kind = plain_name(name), None if rdtype is None else parse_rdtype(rdtype)
        self._missing(owner)
        with self._lock:
            types = self._zones.types(owner)
            if not types or (kind is not None and kind not in types):
                wanted = f"{rdtype} of {name!r}" if types else repr(name)
                raise ZoneError(f"dns.remove: no records {wanted}{amongst(name, types or self._zones.names)}")
            self._version += 1
            self._zones.remove(owner, kind)

    def fail(
        self, name: str, fault: DnsFault | str, *, rdtype: str | None = None, times: int | None = None
    ) -> None:
        """Let something go wrong when a name is looked up: `dns.fail("shop.example", "SERVFAIL")`.

        Args:
            name: exactly this name, not those below it (a lame zone has all of them).
            fault: an rcode ("SERVFAIL", "REFUSED", "NXDOMAIN", "NOTIMP", "FORMERR"), or one of
                `pytest_mailnet.faults.FAULTS` that begin with "dns-", or its id.
            rdtype: only questions for this type.
            times: so many times; for good without it.

        Raises:
            ZoneError: for another fault or type, what is no count, a fault of MX records where there are
                none, or one that an earlier one without `times` leaves no question.
        """
        known, owner = self.prepared(name, fault), checked_name(name)
        if times is not None and not (is_whole(times) and times >= 1):
            raise ZoneError(f"dns.fail({name!r}, {str(fault)!r}, times={times!r}): it fails 1 time or more")
        kind = None if rdtype is None else parse_rdtype(rdtype)
        with self._lock:
            self._version += 1
            self._faults.add(owner, known, kind, times)

    def prepared(self, name: str, fault: DnsFault | str) -> DnsFault:
        """A fault by name, with what it leads to put in.

        Raises:
            ZoneError: for a fault that there is not, or one of MX records where there are none.
        """
        known, owner = lookup_fault_named(name, fault), checked_name(name)
        manner = known.manner
        exchanges = self.lookup(owner, "MX").values("MX") if manner in MX_MANNERS else ("10 .",)
        if not exchanges:
            raise ZoneError(f"dns.fail({name!r}, {known.id!r}): {name} has no MX records that could be wrong")
        exchange = exchanges[0].split()[1]
        if manner is DnsManner.CNAME_AT_MX and not self.types(f"alias.{owner}"):
            self.add(f"alias.{owner}", "CNAME", exchange)
        if manner is DnsManner.MX_TO_LOCALHOST:
            self._has_localhost = True
            if not self.types("localhost"):
                self.add("localhost", "A", "127.0.0.1")
        return known

    @property
    def version(self) -> int:
        """Another one after each change, so that what was found out can be kept until then."""
        return self._version

    @property
    def has_localhost(self) -> bool:
        """Whether an MX leads to localhost, so that calls there are to be expected."""
        return self._has_localhost

    @property
    def authenticated(self) -> bool:
        """Whether the test has published SPF, DKIM or DMARC records of any domain."""
        return bool(self._authenticated)

    def authenticates(self, domain: str) -> bool:
        """Whether the test has published SPF, DKIM or DMARC records of a domain or of one above it."""
        with self._lock:
            return any(it == domain or domain.endswith(f".{it}") for it in self._authenticated)

    @property
    def queries(self) -> list[Query]:
        """The questions that were asked, in order."""
        return Snapshot(self._journal.queries, "mailnet.dns.queries", since("mailnet.dns.queries"))

    @property
    def names(self) -> list[str]:
        """The names that have records."""
        with self._lock:
            return Snapshot(self._zones.names, "mailnet.dns.names", ".dns.add and .dns.remove change them.")

    def exchanges(self, name: str) -> list[str]:
        """The hosts that a name's MX records lead to, whatever goes wrong with look-ups; best first."""
        with self._lock:
            found = self._zones.find(plain_name(name), "MX") or ()
        ranked = sorted((it.rdata.split() for it in found if it.rdtype == "MX"), key=lambda it: int(it[0]))
        return [host.rstrip(".") for _, host in ranked if host != "."]

    def types(self, name: str) -> list[str]:
        """The types of the records that a name has."""
        with self._lock:
            return self._zones.types(plain_name(name))

    def has(self, name: str) -> bool:
        """Whether a name has records, a wildcard's counted, or a fault."""
        asked = plain_name(name)
        self._missing(asked)
        with self._lock:
            return bool(self._zones.find(asked, "ANY")) or self._faults.armed(asked)

    def knows(self, name: str) -> bool:
        """Whether a zone of the net covers a name."""
        asked = plain_name(name)
        self._missing(asked)
        with self._lock:
            return self._zones.apex(asked) is not None

    def lookup(self, name: str, rdtype: str, drawn: DnsFault | None = None) -> DnsAnswer:
        """What a resolver would answer; "ANY" asks for all records of the name.

        Args:
            name: what is looked up.
            rdtype: which records.
            drawn: what this question meets besides the name's own faults.
        """
        answer = self.answer(name, rdtype, drawn)
        return DnsAnswer("SERVFAIL") if answer.broken in UNHEARD else answer

    def answer(self, name: str, rdtype: str, drawn: DnsFault | None = None) -> DnsAnswer:
        """What `lookup` says, before anything goes wrong on its way."""
        asked = plain_name(name)
        answers: list[Record] = []
        broken: DnsManner | None = None
        for _ in range(_CNAMES + 1):
            self._missing(asked)
            back = self._back(asked)
            with self._lock:
                fault, drawn = drawn or self._faults.at(asked, rdtype), None
                wrong = None if fault is None else wrong_answer(fault.manner, asked, self._zones)
                if wrong is not None:
                    return wrong
                broken = broken if fault is None else fault.manner
                found = self._found(asked, rdtype, back)
                if not found:
                    rcode = "NXDOMAIN" if found is None else "NOERROR"
                    soa = self._zones.soa(asked)
                    return DnsAnswer(rcode, tuple(answers), (soa,), broken=broken)
                answers += found
                last = found[-1]
                if last.rdtype != "CNAME" or rdtype in {"CNAME", "ANY"}:
                    additional = tuple(self._additional(found))
                    return DnsAnswer("NOERROR", tuple(answers), (), additional, broken)
            asked = plain_name(last.rdata)
        return DnsAnswer("SERVFAIL")

    def addresses(self, name: str, version: int, drawn: DnsFault | None = None) -> Addresses:
        """A host's addresses of one IP version, 4 or 6."""
        return addresses_in(plain_name(name), self.lookup(name, "A" if version == 4 else "AAAA", drawn))

    def _note(self, records: Iterable[Record]) -> None:
        owners = {it.name for it in records if it.rdtype == "TXT" and _AUTHENTICATION.search(it.rdata)}
        owners |= {it.name for it in records if "._domainkey." in it.name}
        if owners:
            with self._lock:
                self._authenticated |= {_AUTHENTICATION_LABELS.sub("", name) for name in owners}

    def _back(self, name: str) -> Record | None:
        """Where an address of the net leads back to. Not under the lock: it may put a provider in."""
        ip = reversed_address(name)
        host = None if ip is None or self._reverse is None else self._reverse(ip)
        return None if host is None else Record(name, "PTR", 3600, parse_rdata(name, "PTR", f"{host}."))

    def _found(self, name: str, rdtype: str, back: Record | None) -> tuple[Record, ...] | None:
        if back is None or self._zones.types(name):
            return self._zones.find(name, rdtype)
        return (back,) if rdtype in {"PTR", "ANY"} else ()

    def _additional(self, answers: Sequence[Record]) -> Iterator[Record]:
        for host in dict.fromkeys(filter(None, (it.target for it in answers))):
            for rdtype in ("A", "AAAA"):
                yield from (it for it in self._zones.find(host, rdtype) or () if it.rdtype == rdtype)


@functools.cache
def _own_zone() -> Zones:
    """The name server that every zone names."""
    return Zones([Record(NAME_SERVER, "A", 300, parse_rdata(NAME_SERVER, "A", "192.0.2.53"))])
