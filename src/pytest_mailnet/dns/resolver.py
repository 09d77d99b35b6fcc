"""A net's DNS at work: takes records and faults, and answers as a recursive resolver would; no sockets."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from pytest_mailnet.dns.answers import Addresses, DnsAnswer, addresses_in
from pytest_mailnet.dns.domains import Domains, authenticating
from pytest_mailnet.dns.records import (
    Record,
    checked_name,
    parse_rdata,
    parse_rdtype,
    plain_name,
    records_of,
    reversed_address,
)
from pytest_mailnet.dns.wrong_answers import wrong_answer
from pytest_mailnet.dns.zone import Zones, own_zone
from pytest_mailnet.errors import ZoneError, amongst
from pytest_mailnet.faults.disruption import Disruption
from pytest_mailnet.faults.dns_fault import (
    MX_MANNERS,
    UNHEARD,
    ArmedLookups,
    DnsFault,
    DnsManner,
    lookup_fault_named,
)
from pytest_mailnet.handles.attributes import is_whole
from pytest_mailnet.handles.names import DnsFailure
from pytest_mailnet.system.native import reentrant_lock

__all__ = ["Resolver"]

_CNAMES = 8


class Resolver:
    """The zones of a net, and the answers in them. A test holds the `Dns` in front of it.

    A name is in the net once it has a record. One lock guards the zones: tests add records while the name
    server and the application's threads look names up.

    Args:
        missing: called with each name before the name is looked up or changed, so that a provider's zone
            can be put in at its first use.
        reverse: returns the host name of an address of the net, or None if nobody has the address.
        now: returns the net's time, in seconds.
    """

    _version = 0
    _has_localhost = False

    def __init__(
        self,
        *,
        missing: Callable[[str], None] | None = None,
        reverse: Callable[[str], str | None] | None = None,
        now: Callable[[], float] = float,
    ) -> None:
        self._missing: Callable[[str], object] = missing or str
        self._reverse = reverse
        self._zones = Zones()
        self._zones.merge(own_zone())
        self._faults = ArmedLookups(now)
        self._authenticated = Domains()
        self._signed = Domains()
        self._lock = reentrant_lock()

    def add(self, name: str, rdtype: str, *values: str, ttl: int = 300) -> None:
        """Add records of one name and type, as `Dns.add` describes."""
        self.publish(records_of(name, rdtype, values, ttl))

    def load(self, source: str | os.PathLike[str], origin: str) -> None:
        """Add the records of a master file, as `Dns.load` describes."""
        from pytest_mailnet.dns.zonefile import parse_zone  # noqa: PLC0415  # few tests load a file

        self.publish(parse_zone(source, origin))

    def publish(self, records: Sequence[Record]) -> None:
        """Add finished records of names that may be a provider's, all of them or none.

        Raises:
            ZoneError: for a CNAME beside another record.
        """
        for owner in {record.name for record in records}:
            self._missing(owner)
        self.put(records)
        if domains := authenticating(records):
            with self._lock:
                self._authenticated.add(domains)

    def put(self, records: Iterable[Record]) -> None:
        """Add finished records, all of them or none.

        Raises:
            ZoneError: for a CNAME beside another record.
        """
        with self._lock:
            self._version += 1
            self._zones.add(records)

    def merge(self, zones: Zones) -> None:
        """Add all records of other zones.

        Raises:
            ZoneError: for a CNAME beside another record.
        """
        with self._lock:
            self._version += 1
            self._zones.merge(zones)

    def remove(self, name: str, rdtype: str | None = None) -> None:
        """Take records of a name away, as `Dns.remove` describes."""
        owner, kind = plain_name(name), None if rdtype is None else parse_rdtype(rdtype)
        self._missing(owner)
        with self._lock:
            types = self._zones.types(owner)
            if not types or (kind is not None and kind not in types):
                wanted = f"{rdtype} of {name!r}" if types else repr(name)
                raise ZoneError(f"dns.remove: no records {wanted}{amongst(name, types or self._zones.names)}")
            self._version += 1
            self._zones.remove(owner, kind)

    def sign(self, name: str) -> None:
        """Let answers from a domain count as validated, as `Dns.sign` describes."""
        owner = checked_name(name)
        if not self.knows(owner):
            raise ZoneError(f"dns.sign({name!r}): no zone of that name{amongst(name, self.names)}")
        with self._lock:
            self._version += 1
            self._signed.add((owner,))

    def fail(
        self, name: str, fault: DnsFailure | DnsFault, *, rdtype: str | None = None, times: int | None = None
    ) -> Disruption:
        """Let look-ups of a name go wrong, as `Dns.fail` describes."""
        known, owner = self.prepared(name, fault), checked_name(name)
        if times is not None and not (is_whole(times) and times >= 1):
            raise ZoneError(f"dns.fail({name!r}, {str(fault)!r}, times={times!r}): it fails 1 time or more")
        kind = None if rdtype is None else parse_rdtype(rdtype)
        with self._lock:
            self._version += 1
            end = self._faults.add(owner, known, kind, times)
        return Disruption(f"{known.id} of {owner}", functools.partial(self._end, end))

    def prepared(self, name: str, fault: DnsFailure | DnsFault) -> DnsFault:
        """Find a fault by name, and add the records that it needs: an alias, or localhost.

        Args:
            name: the name whose look-ups will fail.
            fault: the fault, its id, or an rcode.

        Returns:
            The fault.

        Raises:
            ZoneError: for an unknown fault, or a fault of MX records where the name has none.
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
        """A number that grows with each change: a finding stays true as long as the version does."""
        return self._version

    @property
    def has_localhost(self) -> bool:
        """Whether a fault lets an MX record lead to localhost, so that applications connect there."""
        return self._has_localhost

    @property
    def authenticated(self) -> bool:
        """Whether the test has published an SPF, DKIM or DMARC record for any domain."""
        return bool(self._authenticated)

    def authenticates(self, domain: str) -> bool:
        """Whether the test has published an SPF, DKIM or DMARC record for a domain or for a parent of it."""
        return self._authenticated.cover(domain)

    @property
    def names(self) -> list[str]:
        """The names that have records."""
        with self._lock:
            return self._zones.names

    def exchanges(self, name: str) -> list[str]:
        """The hosts in a name's MX records, lowest preference first; faults of look-ups do not count."""
        with self._lock:
            found = self._zones.find(plain_name(name), "MX") or ()
        ranked = sorted((it.rdata.split() for it in found if it.rdtype == "MX"), key=lambda it: int(it[0]))
        return [host.rstrip(".") for _, host in ranked if host != "."]

    def types(self, name: str) -> list[str]:
        """The types of the records that a name has."""
        with self._lock:
            return self._zones.types(plain_name(name))

    def has(self, name: str) -> bool:
        """Whether a name has a fault or records; those of a wildcard count."""
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
        """Look records up; SERVFAIL where a fault keeps the answer from the resolver.

        Args:
            name: the name to look up.
            rdtype: the type of its records, "MX"; "ANY" for all types.
            drawn: a fault for this question alone, before the name's own faults; None for none.
        """
        answer = self.answer(name, rdtype, drawn)
        return DnsAnswer("SERVFAIL", wrong=answer.broken) if answer.broken in UNHEARD else answer

    def answer(self, name: str, rdtype: str, drawn: DnsFault | None = None) -> DnsAnswer:
        """Find the answer of `lookup` before anything happens to it on its way; `broken` says what will.

        Args:
            name: the name to look up.
            rdtype: the type of its records, "MX"; "ANY" for all types.
            drawn: a fault for this question alone, before the name's own faults; None for none.
        """
        asked = plain_name(name)
        answers: list[Record] = []
        broken: DnsManner | None = None
        signed = bool(self._signed)
        for _ in range(_CNAMES + 1):
            self._missing(asked)
            back = self._back(asked)
            with self._lock:
                fault, drawn = drawn or self._faults.at(asked, rdtype), None
                wrong = None if fault is None else wrong_answer(fault.manner, asked, rdtype, self._zones)
                if fault is not None and wrong is not None:
                    return wrong._replace(wrong=fault.manner)
                broken = broken if fault is None else fault.manner
                # A DS is of the zone above.
                signed = signed and self._signed.cover(asked.partition(".")[2] if rdtype == "DS" else asked)
                found = self._found(asked, rdtype, back)
                if not found:
                    rcode = "NXDOMAIN" if found is None else "NOERROR"
                    soa = self._zones.denial(asked, rdtype)
                    return DnsAnswer(rcode, tuple(answers), (soa,), (), broken, signed)
                answers += found
                last = found[-1]
                if last.rdtype != "CNAME" or rdtype in {"CNAME", "ANY"}:
                    if last.rdtype == "DNAME" and last.name != asked:  # RFC 6672, 2.2
                        return DnsAnswer("YXDOMAIN", tuple(answers), (), (), broken, signed)
                    additional = tuple(self._additional(found))
                    return DnsAnswer("NOERROR", tuple(answers), (), additional, broken, signed)
            asked = plain_name(last.rdata)
        return DnsAnswer("SERVFAIL")

    def addresses(self, name: str, version: int, drawn: DnsFault | None = None) -> Addresses:
        """Look up a host's addresses of one IP version.

        Args:
            name: the host.
            version: 4 or 6.
            drawn: a fault for this question alone, before the name's own faults; None for none.
        """
        return addresses_in(plain_name(name), self.lookup(name, "A" if version == 4 else "AAAA", drawn))

    def _end(self, end: Callable[[], object]) -> None:
        with self._lock:
            self._version += 1
            end()

    def _back(self, name: str) -> Record | None:
        """The PTR record of an address of the net. Called without the lock: it may put a provider in."""
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
