"""Names, types and rdata in presentation form, read and written by dnspython (RFC 1035, 5.1; RFC 3597)."""

from __future__ import annotations

from collections.abc import Iterator

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer

__all__ = ["labels", "labels_at", "number_of_type", "octets_of", "rdata", "type_of_number", "usual_type"]

_TEXTS = frozenset({"TXT", "SPF"})  # the latter as in RFC 4408, 3.1.1
_CHUNK = 255
_MOST_OCTETS = 65535  # RFC 1035, 4.1.3


def labels(name: str) -> tuple[bytes, ...]:
    """The labels of a name, without escapes; none for the root.

    Raises:
        ValueError: if that cannot be a name.
    """
    try:
        return dns.name.from_text(name).labels[:-1]
    except dns.exception.DNSException as error:
        raise ValueError(f"{name!r} cannot be a domain name: {error}") from error


def labels_at(packet: bytes, offset: int) -> tuple[tuple[bytes, ...], int]:
    """Read a name in a packet (RFC 1035, 4.1.4).

    Args:
        packet: the whole packet, for pointers.
        offset: where the name begins, in octets.

    Returns:
        The labels of the name, and its length at that place in octets.

    Raises:
        ValueError: if there is no name at that place.
    """
    try:
        name, octets = dns.name.from_wire(packet, offset)
    except dns.exception.DNSException as error:
        raise ValueError(f"no domain name at octet {offset}: {error}") from error
    return name.labels[:-1], octets


def usual_type(rdtype: str) -> str:
    """A record type in its usual form: "MX" for "mx".

    Raises:
        ValueError: for an unknown type.
    """
    try:
        return dns.rdatatype.to_text(dns.rdatatype.from_text(rdtype))
    except dns.rdatatype.UnknownRdatatype as error:
        raise ValueError(f"unknown type: {rdtype!r}") from error


def type_of_number(number: int) -> str:
    """The name of a type by its number in packets; "TYPE65280" for a type without one."""
    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(number))


def number_of_type(rdtype: str) -> int:
    """The number of a type in packets."""
    return int(dns.rdatatype.from_text(rdtype))


def octets_of(rdtype: str, value: str) -> bytes:
    """Rdata as in packets, without compression of names."""
    return dns.rdata.from_text(dns.rdataclass.IN, rdtype, value).to_wire() or b""


def rdata(rdtype: str, value: str) -> str:
    """Rdata as in a `Record`: names end with a dot, texts of more than 255 octets are several.

    Args:
        rdtype: the type.
        value: the rdata; names need no final dot, and texts no quotes.

    Raises:
        ValueError: if the value is malformed for the type.
    """
    try:
        found = _read(rdtype, value)
        octets, text = found.to_wire() or b"", str(found)
    except dns.exception.DNSException as error:
        raise ValueError(str(error)) from error
    if len(octets) > _MOST_OCTETS:
        raise ValueError(f"rdata takes at most {_MOST_OCTETS} octets")
    return text


def _read(rdtype: str, value: str) -> dns.rdata.Rdata:
    kind = dns.rdatatype.from_text(rdtype)
    if rdtype not in _TEXTS:
        return dns.rdata.from_text(dns.rdataclass.IN, kind, value, dns.name.root, relativize=False)
    text = dns.rdata.get_rdata_class(dns.rdataclass.IN, kind)  # type: ignore[no-untyped-call]
    found: dns.rdata.Rdata = text(dns.rdataclass.IN, kind, list(_character_strings(value)))
    return found


def _character_strings(value: str) -> Iterator[bytes]:
    texts = [value.encode()]
    if value.lstrip().startswith('"'):
        tokens, texts = dns.tokenizer.Tokenizer(value), []
        while not (token := tokens.get()).is_eol_or_eof():
            texts.append(token.unescape_to_bytes().value)
    for text in texts:
        for start in range(0, max(len(text), 1), _CHUNK):
            yield text[start : start + _CHUNK]
