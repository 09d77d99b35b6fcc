"""The header section of a message as it was sent, with errors that a parser of mails would repair."""

from __future__ import annotations

import email.utils
import re
from typing import Any

from pytest_mailnet.domain_names import a_labels

__all__ = ["addresses_of", "domain_of", "header_fields", "mailboxes_of"]

_FOLDS = ((b"\r\n ", b" "), (b"\r\n\t", b"\t"), (b"\n ", b" "), (b"\n\t", b"\t"))
_NAME = re.compile(rb"[!-9;-~]+")
# One address, bare or behind a display name without anything special in it, as almost all are.
_PLAIN = re.compile(r"[\w .-]*<([\w.+=-]+@[\w.-]+)>|([\w.+=-]+@[\w.-]+)")


def header_fields(content: bytes) -> tuple[tuple[str, str], ...]:
    """The fields in order, each as its lower-cased name and its unfolded value (RFC 5322, 2.2)."""
    head = b"" if content.startswith(b"\r\n") else content.partition(b"\r\n\r\n")[0]
    for fold, unfolded in _FOLDS:
        head = head.replace(fold, unfolded)
    lines = (line.partition(b":") for line in head.split(b"\n"))
    return tuple(
        (name.rstrip(b" \t").decode("ascii").lower(), value.decode("utf-8", "replace").strip())
        for name, colon, value in lines
        if colon and _NAME.fullmatch(name.rstrip(b" \t"))
    )


def addresses_of(value: str) -> list[str]:
    """The addresses in a field's value, without display names; none if comments nest too deep."""
    plain = _PLAIN.fullmatch(value)
    if plain:
        return [plain[1] or plain[2]]
    return [address for _, address in mailboxes_of(value) if address]


def mailboxes_of(value: str) -> list[tuple[str, str]]:
    """The display names and addresses in a field's value; none if comments nest too deep.

    Malformed lists are read as far as possible, which newer versions of Python do not do by default.
    """
    lenient: Any = {"strict": False} if hasattr(email.utils, "supports_strict_parsing") else {}
    try:
        return email.utils.getaddresses([value], **lenient)
    except RecursionError:  # the standard library calls itself for each "("
        return []


def domain_of(address: str) -> str:
    """The domain of an address in small letters and A-labels; "" if the address has none."""
    return a_labels(address.rpartition("@")[2]).rstrip(".") if "@" in address else ""
