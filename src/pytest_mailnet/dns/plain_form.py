"""Names and rdata as they are mostly written, read without dnspython, which takes long to import.

What is written in any other way is left to `presentation_form`, errors too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

__all__ = ["plain_labels", "plain_rdata"]

_TEXT = r"[ !#-\[\]-~]"  # printable, without quotes and backslashes
_IS_NAME = re.compile(r"((?:[A-Za-z0-9_*-]{1,63}\.)*[A-Za-z0-9_*-]{1,63})\.?")
_IS_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_IS_TEXT = re.compile(rf'{_TEXT}{{1,255}}|"{_TEXT}{{0,255}}"(?: "{_TEXT}{{0,255}}")*')
_LONGEST_NAME = 253  # in octets, without the final dot (RFC 1035, 3.1)
_LONGEST_TEXT = 65000  # shorter than rdata may be, written and in octets (RFC 1035, 4.1.4)


def plain_labels(name: str) -> tuple[bytes, ...] | None:
    """The labels of a name; None for one that is not written plainly.

    Args:
        name: the name, with or without the final dot.
    """
    return tuple(name.removesuffix(".").encode().split(b".")) if _host(name) else None


def plain_rdata(rdtype: str, value: str) -> str | None:
    """Rdata as in a `Record`; None for what is not written plainly, or for other types.

    Args:
        rdtype: the type, "MX".
        value: the rdata, in presentation form.
    """
    reader = _READERS.get(rdtype)
    return None if reader is None else reader(value)


def _host(value: str) -> str | None:
    found = _IS_NAME.fullmatch(value)
    return None if found is None or len(found[1]) > _LONGEST_NAME else f"{found[1]}."


def _ipv4(value: str) -> str | None:
    parts = value.split(".")
    known = len(parts) == 4 and all(_IS_NUMBER.fullmatch(it) and int(it) < 1 << 8 for it in parts)
    return value if known else None


def _ipv6(value: str) -> str | None:
    # The end may have the form of an IPv4 address; and Python takes zones.
    if value.startswith("::") or "%" in value:
        return None
    try:
        return value if str(ipaddress.IPv6Address(value)) == value else None
    except ValueError:
        return None


def _mx(value: str) -> str | None:
    preference, _, name = value.partition(" ")
    host = _host(name)
    known = host is not None and _IS_NUMBER.fullmatch(preference) and int(preference) < 1 << 16
    return f"{preference} {host}" if known else None


def _soa(value: str) -> str | None:
    parts = value.split(" ")
    hosts, numbers = [*map(_host, parts[:2])], parts[2:]
    known = None not in hosts and len(numbers) == 5 and all(map(_IS_NUMBER.fullmatch, numbers))
    return " ".join([*map(str, hosts), *numbers]) if known else None


def _txt(value: str) -> str | None:
    if len(value) > _LONGEST_TEXT or not _IS_TEXT.fullmatch(value):
        return None
    return value if value.startswith('"') else f'"{value}"'


_READERS: Mapping[str, Callable[[str], str | None]] = MappingProxyType(
    {
        "A": _ipv4,
        "AAAA": _ipv6,
        "CNAME": _host,
        "MX": _mx,
        "NS": _host,
        "PTR": _host,
        "SOA": _soa,
        "TXT": _txt,
    }
)
