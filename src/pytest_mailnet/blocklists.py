"""Lists of addresses in DNS (RFC 5782): what an entry looks like, and where it stands."""

from __future__ import annotations

import functools
import ipaddress
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, NamedTuple

from pytest_mailnet.errors import InvalidSetting, amongst

__all__ = ["Listing", "listings", "reversed_name"]


class Listing(NamedTuple):
    """That an address is on a list.

    Attributes:
        zone: the list.
        code: the address that its A record has.
        text: its TXT record, with {ip} for the address; "" for none.
    """

    zone: str
    code: str
    text: str = ""


def listings(given: Iterable[str] | Mapping[str, str]) -> tuple[Listing, ...]:
    """What names of lists mean.

    Args:
        given: names that are known here ("xbl", which stands in zen.spamhaus.org too), or zones of any
            list with the codes that they answer with ({"bl.shop.example": "127.0.0.2"}).

    Raises:
        InvalidSetting: for a name that is not known, with near misses, or a code that is not in 127/8.
    """
    known = _lists()
    if isinstance(given, str):
        raise InvalidSetting(f"listed_in takes several lists, as in [{given!r}], not {given!r}")
    if isinstance(given, Mapping):
        return tuple(Listing(zone.lower().rstrip("."), _code(zone, code)) for zone, code in given.items())
    found = []
    for name in given:
        if name not in known:
            raise InvalidSetting(
                f"no list {name!r}{amongst(name, known)}. Any other one is a zone with its code: "
                "{'bl.shop.example': '127.0.0.2'}"
            )
        found += [Listing(zone, known[name]["code"], known[name]["text"]) for zone in known[name]["zones"]]
    return tuple(found)


def reversed_name(ip: str, zone: str) -> str:
    """Where an address stands in a list (RFC 5782, 2.1 and 2.4): 7.113.0.203.zen.spamhaus.org."""
    pointer = ipaddress.ip_address(ip).reverse_pointer
    return f"{pointer.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{zone}"


def _code(zone: str, code: str) -> str:
    try:
        if ipaddress.ip_address(code) in ipaddress.ip_network("127.0.0.0/8"):
            return code
    except ValueError:
        pass
    raise InvalidSetting(f"listed_in {zone!r}: {code!r} is no code of a list; they are in 127.0.0.0/8")


@functools.cache
def _lists() -> Mapping[str, Mapping[str, Any]]:
    file = resources.files("pytest_mailnet") / "blocklists.toml"
    return tomllib.loads(file.read_text("utf-8"))
