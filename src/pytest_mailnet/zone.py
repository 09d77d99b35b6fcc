"""The net's DNS: zones, and the answers that a recursive resolver would give from them. Pure."""

from __future__ import annotations

import ipaddress
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_mailnet.errors import ZoneError, amongst
from pytest_mailnet.records import Record, parse_rdata, parse_rdtype, parse_zone, plain_name

if TYPE_CHECKING:
    from pytest_mailnet.journal import Journal, Query

__all__ = ["Addresses", "Answer", "Dns"]

_CNAMES = 8
_FAILURES = ("FORMERR", "NOTIMP", "NXDOMAIN", "REFUSED", "SERVFAIL")
_NAME_SERVER = "ns.mailnet.example"
_ROOT_SOA = "a.root-servers.net. nstld.verisign-grs.com. 2026010100 1800 900 604800 86400"
_REVERSE = (".in-addr.arpa", ".ip6.arpa")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a resolver tells.

    Attributes:
        rcode: "NOERROR", "NXDOMAIN", "SERVFAIL", … (RFC 6895, 2.3).
        answers: a CNAME chain first.
        authority: the zone's SOA, where a name or type is not there (RFC 2308).
        additional: addresses of the hosts that the answers name.
        lasting: whether the same question gets the same answer until the zones change.
    """

    rcode: str
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a look-up of a host's addresses found.

    Attributes:
        rcode: of the answer.
        canonical: the name at the end of the CNAME chain.
        addresses: IP addresses.
        texts: the answer section.
    """

    rcode: str
    canonical: str
    addresses: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(slots=True)
class _Failure:
    rcode: str
    rdtype: str | None
    left: int | None


class Dns:
    """The zones of a net; `mailnet.dns`. A name is in the net once a record was added for it.

    One lock: tests add while the name server and the application's threads look up.

    Args:
        journal: where the questions are recorded.
        missing: told of every name before it is looked up, so that a provider's zone can be put in
            at its first use.
        reverse: what an address of the net resolves back to, None for nothing.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        missing: Callable[[str], None] | None = None,
        reverse: Callable[[str], str | None] | None = None,
    ) -> None:
        self._journal = journal
        self._missing: Callable[[str], object] = missing or str
        self._reverse = reverse
        self._names: dict[str, dict[str, list[Record]]] = {}
        self._apexes: set[str] = set()
        self._nodes: set[str] = set()  # names above others, that exist with no records (RFC 8020)
        self._failures: dict[str, list[_Failure]] = {}
        self._lock = threading.RLock()
        self.version = 0
        self.add(_NAME_SERVER, "A", "192.0.2.53")

    def add(self, name: str, rdtype: str, *values: str, ttl: int = 300) -> None:
        """Add records of one name and type to those that are there.

        Args:
            name: the owner; "*.shop.example" is a wildcard (RFC 4592).
            rdtype: "A", "MX", "TXT", … or "TYPE65280" (RFC 3597).
            values: in presentation form: "10 mx.shop.example", "v=spf1 -all".
            ttl: in seconds.

        Raises:
            ZoneError: for a type or value that is none, or a CNAME beside other records.
        """
        owner, kind = _checked_name(name), parse_rdtype(rdtype)
        if not values:
            raise ZoneError(f"dns.add({name!r}, {rdtype!r}) takes at least one value")
        self.put(Record(owner, kind, ttl, parse_rdata(name, kind, value)) for value in values)

    def put(self, records: Iterable[Record]) -> None:
        """Add records that have been read already.

        Raises:
            ZoneError: for a CNAME beside other records (RFC 1034, 3.6.2).
        """
        with self._lock:
            for record in records:
                types = self._names.setdefault(record.name, {})
                if ("CNAME" in types and record.rdtype != "CNAME") or (
                    record.rdtype == "CNAME" and set(types) - {"CNAME"}
                ):
                    raise ZoneError(
                        f"{record.name!r} cannot have a CNAME and other records (RFC 1034, 3.6.2): "
                        f"it has {', '.join(types)}, {record.rdtype} was to be added; dns.remove({record.name!r}) first"
                    )
                kept = types.setdefault(record.rdtype, [])
                if all(record.rdata != other.rdata for other in kept):
                    kept.append(record)
                self._place(record.name)
            self.version += 1

    def remove(self, name: str, rdtype: str | None = None) -> None:
        """Take away a name's records of one type, or all of them.

        Raises:
            ZoneError: if there are none; names the near misses.
        """
        owner = plain_name(name)
        with self._lock:
            types = self._names.get(owner, {})
            kind = None if rdtype is None else parse_rdtype(rdtype)
            if not types or (kind is not None and kind not in types):
                wanted = f"{rdtype} of {name!r}" if types else repr(name)
                raise ZoneError(f"dns.remove: no records {wanted}{amongst(name, types or self._names)}")
            if kind is None:
                types.clear()
            else:
                del types[kind]
            if not types:
                del self._names[owner]
            self.version += 1

    def load(self, source: str | os.PathLike[str], origin: str) -> None:
        """Add the records of a master file (RFC 1035, 5): a path, or the text itself.

        Raises:
            ZoneError: with the line, for whatever is wrong in it.
        """
        self.put(list(parse_zone(source, origin)))

    def fail(self, name: str, rcode: str, *, rdtype: str | None = None, times: int | None = None) -> None:
        """Answer questions about a name with an error.

        Args:
            name: exactly this name, not those below it.
            rcode: "SERVFAIL", "REFUSED", "NXDOMAIN", "NOTIMP" or "FORMERR".
            rdtype: only questions for this type.
            times: so many times; for good without it.

        Raises:
            ZoneError: for another rcode or type, or a count below 1.
        """
        if rcode not in _FAILURES:
            raise ZoneError(f"dns.fail({name!r}, {rcode!r}): no such failure{amongst(rcode, _FAILURES)}")
        if times is not None and times < 1:
            raise ZoneError(f"dns.fail({name!r}, {rcode!r}, times={times}): it fails 1 time or more")
        failure = _Failure(rcode, None if rdtype is None else parse_rdtype(rdtype), times)
        with self._lock:
            self._failures.setdefault(_checked_name(name), []).append(failure)
            self.version += 1

    def changed(self) -> None:
        """Let no answer from before be given again: something that it came from is another now."""
        with self._lock:
            self.version += 1

    @property
    def queries(self) -> list[Query]:
        """The questions that were asked, in order."""
        return self._journal.queries

    @property
    def names(self) -> list[str]:
        """The names that have records."""
        with self._lock:
            return list(self._names)

    def knows(self, name: str) -> bool:
        """Whether a zone of the net covers a name."""
        asked = plain_name(name)
        self._missing(asked)
        with self._lock:
            return self._apex(asked) is not None

    def lookup(self, name: str, rdtype: str) -> Answer:
        """What a resolver would answer; "ANY" asks for all records of the name."""
        asked = plain_name(name)
        self._missing(asked)
        with self._lock:
            failure = self._failing(asked, rdtype)
            if failure is not None:
                return Answer(failure, lasting=False)
            if asked.endswith(_REVERSE) and asked not in self._names:
                return self._back(asked, rdtype)
        answers: list[Record] = []
        for _ in range(_CNAMES + 1):
            with self._lock:
                found = self._records(asked, rdtype)
                if found is None or not found:
                    return self._nothing(asked, answers, exists=found is not None)
                answers += found
                last = found[-1]
                if last.rdtype != "CNAME" or rdtype in {"CNAME", "ANY"}:
                    return Answer("NOERROR", tuple(answers), additional=tuple(self._additional(answers)))
            asked = plain_name(str(last.rdata))
            self._missing(asked)
        return Answer("SERVFAIL")

    def addresses(self, name: str, version: int) -> Addresses:
        """A host's addresses of one IP version, 4 or 6."""
        answer = self.lookup(name, "A" if version == 4 else "AAAA")
        chain = [record for record in answer.answers if record.rdtype == "CNAME"]
        return Addresses(
            answer.rcode,
            str(chain[-1].rdata).rstrip(".") if chain else plain_name(name),
            tuple(str(record.rdata) for record in answer.answers if record.rdtype != "CNAME"),
            tuple(map(str, answer.answers)),
        )

    def _place(self, owner: str) -> None:
        """Find or make the zone of a name, and note the names above it."""
        apex = self._apex(owner)
        if apex is None:
            apex = ".".join(owner.removeprefix("*.").split(".")[-2:])
            self._apexes.add(apex)
            self._nodes.add(apex.partition(".")[2])  # "example" exists: there is something below it
        above = owner
        while above != apex and "." in above:
            above = above.partition(".")[2]
            if above in self._nodes:
                break
            self._nodes.add(above)

    def _apex(self, name: str) -> str | None:
        while name:
            if name in self._apexes:
                return name
            name = name.partition(".")[2]
        return None

    def _failing(self, name: str, rdtype: str) -> str | None:
        for failure in self._failures.get(name, ()):
            if failure.rdtype in (None, rdtype) and failure.left != 0:
                if failure.left is not None:
                    failure.left -= 1
                return failure.rcode
        return None

    def _records(self, name: str, rdtype: str) -> list[Record] | None:
        """Records of a name, a CNAME in place of others; [] for none of that type, None for no such name."""
        types = self._names.get(name)
        owner = name
        if types is None and name not in self._nodes and name not in self._apexes:
            types = self._wildcard(name)
            if types is None:
                return None
        if types is None:
            types = {}
        if rdtype == "ANY":
            found = [record for records in types.values() for record in records]
        else:
            found = types.get(rdtype) or types.get("CNAME") or []
        if not found and name in self._apexes:
            found = self._implied(name, rdtype)
        return [
            record if record.name == owner else Record(owner, record.rdtype, record.ttl, record.rdata)
            for record in found
        ]

    def _wildcard(self, name: str) -> dict[str, list[Record]] | None:
        """The records of the wildcard below the closest name that exists (RFC 4592, 3.3.1)."""
        above = name
        while "." in above:
            above = above.partition(".")[2]
            wild = self._names.get(f"*.{above}")
            if wild is not None:
                return wild
            if above in self._names or above in self._nodes or above in self._apexes:
                return None
        return None

    def _implied(self, apex: str, rdtype: str) -> list[Record]:
        """The SOA and NS that every zone has, given or not."""
        if rdtype == "SOA":
            value = f"{_NAME_SERVER}. hostmaster.{apex}. 1 7200 3600 1209600 300"
        elif rdtype == "NS":
            value = f"{_NAME_SERVER}."
        else:
            return []
        return [Record(apex, rdtype, 3600, parse_rdata(apex, rdtype, value))]

    def _nothing(self, name: str, answers: list[Record], *, exists: bool) -> Answer:
        apex = self._apex(name)
        if apex is not None:
            soa = self._names.get(apex, {}).get("SOA") or self._implied(apex, "SOA")
        else:
            soa = [Record("", "SOA", 86400, parse_rdata(".", "SOA", _ROOT_SOA))]
        return Answer("NOERROR" if exists else "NXDOMAIN", tuple(answers), tuple(soa))

    def _additional(self, answers: list[Record]) -> Iterator[Record]:
        given = set()
        for record in answers:
            target = getattr(record.rdata, "exchange", None) or getattr(record.rdata, "target", None)
            if record.rdtype in {"MX", "SRV", "NS"} and target is not None:
                host = plain_name(target.to_text())
                if host not in given:
                    given.add(host)
                    types = self._names.get(host, {})
                    yield from types.get("A", ())
                    yield from types.get("AAAA", ())

    def _back(self, name: str, rdtype: str) -> Answer:
        ip = _reversed(name)
        back = self._reverse(ip) if self._reverse is not None and ip is not None else None
        soa_owner = "in-addr.arpa" if name.endswith("in-addr.arpa") else "ip6.arpa"
        soa = (Record(soa_owner, "SOA", 3600, self._implied(soa_owner, "SOA")[0].rdata),)
        if back is None:
            return Answer("NXDOMAIN", authority=soa, lasting=False)
        if rdtype not in {"PTR", "ANY"}:
            return Answer("NOERROR", authority=soa, lasting=False)
        record = Record(name, "PTR", 3600, parse_rdata(name, "PTR", f"{back}."))
        return Answer("NOERROR", (record,), lasting=False)


def _checked_name(name: str) -> str:
    owner = plain_name(name)
    if (
        not owner
        or len(owner) > 253
        or any(not label or len(label) > 63 or " " in label for label in owner.split("."))
    ):
        raise ZoneError(f"{name!r} is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'")
    return owner


def _reversed(name: str) -> str | None:
    """The address of a name below in-addr.arpa or ip6.arpa (RFC 1035, 3.5; RFC 3596, 2.5)."""
    labels = name.split(".")[:-2][::-1]
    text = ".".join(labels)
    if name.endswith("ip6.arpa"):
        nibbles = "".join(labels)
        text = ":".join(nibbles[start : start + 4] for start in range(0, len(nibbles), 4))
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
