"""The header section of a message as it stands, for rules that must see what a parser would mend."""

from __future__ import annotations

import email.utils
import re

__all__ = ["addresses_of", "domain_of", "header_fields"]

_FIELD = re.compile(rb"(?m)^([!-9;-~]+)[ \t]*:((?:.*(?:\r?\n[ \t])?)*)")


def header_fields(content: bytes) -> tuple[tuple[str, str], ...]:
    """The fields in order, each as its lower-cased name and its unfolded value (RFC 5322, 2.2)."""
    head = content.partition(b"\r\n\r\n")[0] if not content.startswith(b"\r\n") else b""
    return tuple((name.decode("ascii").lower(), _unfolded(value)) for name, value in _FIELD.findall(head))


def addresses_of(value: str) -> list[str]:
    """The addresses in a field's value, without display names; none of one that nests comments too deep."""
    try:
        return [address for _, address in email.utils.getaddresses([value]) if address]
    except RecursionError:  # the standard library calls itself for each "("
        return []


def domain_of(address: str) -> str:
    """The lower-cased domain of an address, "" where it has none."""
    return address.rpartition("@")[2].lower().rstrip(".") if "@" in address else ""


def _unfolded(value: bytes) -> str:
    return value.decode("utf-8", "replace").replace("\r", "").replace("\n", "").strip()
