"""The false answers of look-up faults, in place of a domain's records (RFC 1912 lists common errors)."""

from __future__ import annotations

from pytest_mailnet.dns.answers import DnsAnswer
from pytest_mailnet.dns.records import Record, parse_rdata
from pytest_mailnet.dns.zone import Zones
from pytest_mailnet.faults.dns_fault import MX_MANNERS, RCODES, DnsManner

__all__ = ["wrong_answer"]

_MANY = 50


def wrong_answer(manner: DnsManner, asked: str, rdtype: str, zones: Zones) -> DnsAnswer | None:
    """The false answer of a fault; None for a fault that leaves the answer as it is.

    Args:
        manner: the kind of fault.
        asked: the name that is looked up.
        rdtype: the type of the records that are looked up.
        zones: the true records; the caller holds their lock.
    """
    if manner in RCODES:
        return DnsAnswer(manner.upper())
    if manner is DnsManner.LAME:
        return DnsAnswer("SERVFAIL")
    if manner is DnsManner.NODATA:
        return DnsAnswer("NOERROR", (), (zones.denial(asked, rdtype),))
    if manner is DnsManner.CNAME_LOOP:
        aliases = (asked, f"loop.{asked}")
        return DnsAnswer(
            "NOERROR",
            tuple(_record(it, "CNAME", f"{to}.") for it, to in zip(aliases, aliases[::-1], strict=True)),
        )
    if manner in MX_MANNERS:
        return DnsAnswer("NOERROR", _exchanges(manner, asked, zones))
    return None


def _exchanges(manner: DnsManner, asked: str, zones: Zones) -> tuple[Record, ...]:
    """Wrong MX records for a domain."""
    true = [it for it in zones.find(asked, "MX") or () if it.rdtype == "MX"]
    gone = f"10 gone.{asked}."
    match manner:
        case DnsManner.CNAME_AT_MX:
            return (_record(asked, "MX", f"10 alias.{asked}."),)
        case DnsManner.MX_IS_ADDRESS:
            hosts = [host for it in true if (host := it.target)]
            addresses = (it.rdata for host in hosts for it in zones.find(host, "A") or ())
            return (_record(asked, "MX", f"10 {next(addresses, '192.0.2.1')}."),)
        case DnsManner.MX_TO_LOCALHOST:
            return (_record(asked, "MX", "10 localhost."),)
        case DnsManner.MANY_MX:
            dead = [_record(asked, "MX", f"{it} gone{it}.{asked}.") for it in range(1, _MANY)]
            return (*dead, *(it._replace(rdata=f"{_MANY} {it.rdata.split()[1]}") for it in true[:1]))
        case _:
            return (_record(asked, "MX", gone),)


def _record(name: str, rdtype: str, value: str) -> Record:
    return Record(name, rdtype, 300, parse_rdata(name, rdtype, value))
