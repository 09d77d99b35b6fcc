"""The DNS records of senders: their listings, and the addresses that confirm their reverse names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_mailnet.dns.blocklists import reversed_name
from pytest_mailnet.dns.records import Record, address_record, checked_name, parse_rdata
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.senders.sender import Sender

__all__ = ["SenderRecords"]


class SenderRecords:
    """The DNS records of a net's senders, kept in line with their attributes.

    Only these records change. Records that the test has added or removed stay as the test has left them.

    Args:
        dns: the net's.
    """

    def __init__(self, dns: Resolver) -> None:
        self._dns = dns
        self._published: dict[Sender, Sequence[Record]] = {}

    def publish(self, sender: Sender) -> None:
        """Bring DNS in line with a new or changed sender. Only one thread at a time may call this."""
        before = self._published.get(sender, ())
        listings, confirming = list(_listings(sender)), self._confirming(sender, before)
        if listings:
            self._dns.put(listings)
        if new := [record for record in confirming if record not in before]:
            self._dns.publish(new)
        now = (*listings, *confirming)
        self._withdraw([it for it in before if it not in now])
        self._published[sender] = now

    def _confirming(self, sender: Sender, before: Sequence[Record]) -> list[Record]:
        """The address records that confirm a sender's reverse name (FCrDNS).

        There are none to publish if the test has records of that name.
        """
        if not sender.ptr:
            return []
        name = checked_name(sender.ptr)
        records = [address_record(name, ip) for ip in sender.addresses]
        own = {it.rdtype: it for it in before if it.name == name}
        if not own:
            return [] if self._dns.types(name) else records
        # A record that is gone was removed by the test: it stays in the list, and is not added again.
        return [
            it if (old := own.get(it.rdtype)) is None or old in self._beside(old) else old for it in records
        ]

    def _withdraw(self, records: Iterable[Record]) -> None:
        """Remove these records, and leave others of the same name and type."""
        for record in records:
            found = self._beside(record)
            if record in found:
                self._dns.remove(record.name, record.rdtype)
                self._dns.put(it for it in found if it != record)

    def _beside(self, record: Record) -> list[Record]:
        """The net's records of the same name and type as a record, with that record itself if it is there."""
        if record.rdtype not in self._dns.types(record.name):
            return []
        # By ANY, since a DNS fault of the test is mostly for one type, and this look-up must not use it up.
        return [it for it in self._dns.lookup(record.name, "ANY").answers if it.rdtype == record.rdtype]


def _listings(sender: Sender) -> Iterator[Record]:
    for listing in sender.listed_in:
        for ip in sender.addresses:
            name = reversed_name(ip, listing.zone)
            yield address_record(name, listing.code)
            if listing.text:
                text = parse_rdata(name, "TXT", f'"{listing.text.format(ip=ip)}"')
                yield Record(name, "TXT", 300, text)
