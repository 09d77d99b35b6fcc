"""Blocklists of addresses and domains in DNS (RFC 5782): names of entries, and meanings of answers."""

from __future__ import annotations

import functools
import ipaddress
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Any, NamedTuple

from pytest_mailnet.errors import InvalidSetting, amongst

__all__ = ["Listing", "listings", "meaning_of", "reversed_name", "zones"]

_LONGEST_ZONE = 253 - len(".".join("0" * 32)) - 1  # with the nibbles of an IPv6 address before it
_LABEL = 63


class Listing(NamedTuple):
    """An entry for an address on a list.

    Attributes:
        zone: the zone of the list.
        code: the address in the entry's A record.
        text: the text of the entry's TXT record, with {ip} for the listed address; "" for none.
    """

    zone: str
    code: str
    text: str = ""


def listings(given: Iterable[str] | Mapping[str, str]) -> tuple[Listing, ...]:
    """The entries of an address on several lists.

    Args:
        given: names or zones of known lists ("xbl", which is also part of zen.spamhaus.org), or zones of
            any lists, each with the code of its answers ({"bl.shop.example": "127.0.0.2"}).

    Raises:
        InvalidSetting: for an unknown name, with near misses; for a malformed zone; for a code outside of
            127/8.
    """
    if isinstance(given, str):
        raise InvalidSetting(f"listed_in takes several lists, as in [{given!r}], not {given!r}")
    if isinstance(given, Mapping):
        found = [_with_text(_zone(zone), _code(zone, code)) for zone, code in given.items()]
    else:
        found = [listing for name in given for listing in _known(str(name).lower().rstrip("."))]
    return tuple(dict.fromkeys(found))


def zones() -> frozenset[str]:
    """The zones of all known lists."""
    kinds = (_lists()[kind] for kind in ("addresses", "domains"))
    return frozenset(zone for kind in kinds for entry in kind.values() for zone in entry["zones"])


def meaning_of(zone: str, code: str) -> str:
    """The meaning of a list's answer, in the words of its operator.

    Args:
        zone: the zone of the list.
        code: the address in the answer.

    Returns:
        The meaning; "" for an unknown zone or code.
    """
    for kind in ("addresses", "domains", "errors"):
        for entry in _lists()[kind].values():
            if zone in entry["zones"] and code in entry["codes"]:
                return str(entry["codes"][code])
    return ""


@functools.lru_cache(maxsize=1024)
def reversed_name(ip: str, zone: str) -> str:
    """The name of an address's entry in a list (RFC 5782, 2.1 and 2.4): 7.113.0.203.zen.spamhaus.org.

    Args:
        ip: the address, IPv4 or IPv6.
        zone: the zone of the list.
    """
    pointer = ipaddress.ip_address(ip).reverse_pointer
    return f"{pointer.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{zone}"


def _known(name: str) -> Iterator[Listing]:
    known = _lists()["addresses"]
    # A zone that combines several lists means the first of them.
    entry = known.get(name) or next((it for it in known.values() if name in it["zones"]), None)
    if entry is None:
        names = [*known, *dict.fromkeys(zone for it in known.values() for zone in it["zones"])]
        raise InvalidSetting(
            f"no list {name!r}{amongst(name, names)}. Any other one is a zone with its code: "
            "{'bl.shop.example': '127.0.0.2'}"
        )
    code = next(iter(entry["codes"]))
    for zone in entry["zones"] if name in known else [name]:
        yield Listing(zone, code, entry["text"])


def _with_text(zone: str, code: str) -> Listing:
    texts = (
        it["text"] for it in _lists()["addresses"].values() if zone in it["zones"] and code in it["codes"]
    )
    return Listing(zone, code, next(texts, ""))


def _zone(given: str) -> str:
    zone = str(given).lower().rstrip(".")
    labels = zone.split(".")
    if len(labels) < 2 or len(zone) > _LONGEST_ZONE or not all(map(_is_label, labels)):
        raise InvalidSetting(f"listed_in {given!r}: no zone of a list; one looks like 'bl.shop.example'")
    return zone


def _is_label(label: str) -> bool:
    return 0 < len(label) <= _LABEL and label.replace("-", "").replace("_", "").isalnum() and label.isascii()


def _code(zone: str, code: str) -> str:
    try:
        if ipaddress.IPv4Address(str(code)) in ipaddress.IPv4Network("127.0.0.0/8"):
            return code
    except ValueError:
        pass
    raise InvalidSetting(f"listed_in {zone!r}: {code!r} is no code of a list; they are in 127.0.0.0/8")


@functools.cache
def _lists() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    file = resources.files(__name__.rpartition(".")[0]) / "blocklists.toml"
    return tomllib.loads(file.read_text("utf-8"))
