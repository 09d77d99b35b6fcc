"""Which addresses are one: letters, domains of other scripts, and what a provider makes of tags and dots."""

from __future__ import annotations

from typing import Final

from pytest_mailnet.domain_names import a_labels
from pytest_mailnet.errors import InvalidAddress, InvalidSetting
from pytest_mailnet.handles.frozen_fields import FrozenFields
from pytest_mailnet.smtp.paths import CommandError, forward_path

__all__ = ["LITERAL", "Addressing", "checked_address", "same_address", "split_address"]


class Addressing(FrozenFields):
    """What a provider makes of the addresses in its domains.

    Attributes:
        subaddress: the sign after which the rest of a local part is a tag, which does not count: "+"
            delivers alice+shop@ to alice (RFC 5233); "" for none.
        dots: whether a dot in a local part counts.
        same_domains: domains in which the same local part is the same mailbox.
    """

    subaddress: str = ""
    dots: bool = True
    same_domains: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the sign.

        Raises:
            InvalidSetting: if it is longer than a sign, or "@".
        """
        if len(self.subaddress) > 1 or self.subaddress == "@":
            raise InvalidSetting(f"subaddress: {self.subaddress!r} is not one sign, such as '+'")

    def key(self, address: str) -> str:
        """The form of an address by which its mailbox is found."""
        local, _, domain = address.rpartition("@")
        local, domain = _plain_local(local), a_labels(domain)
        if not local.startswith('"'):
            if self.subaddress:
                local = local[: local.find(self.subaddress, 1)] if self.subaddress in local[1:] else local
            if not self.dots:
                local = local.replace(".", "")
        if domain in self.same_domains:
            domain = self.same_domains[0]
        return f"{local}@{domain}"


LITERAL: Final = Addressing()
"""What most servers make of addresses: a local part is all of it."""


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are one by letters and scripts, which all providers have in common."""
    return one == other or LITERAL.key(one) == LITERAL.key(other)


def split_address(address: str) -> tuple[str, str]:
    """Split "Alice@Gmail.COM" into its local part, and its domain in small letters and A-labels.

    Raises:
        InvalidAddress: if one of the two is missing, or the domain has a space.
    """
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or " " in domain:
        raise InvalidAddress(
            f"{address!r} is no mail address: it takes a local part, '@', and a domain, as in "
            "'alice@gmail.com'"
        )
    return local, a_labels(domain)


def checked_address(address: str) -> str:
    """An address in full, after a check that RCPT can name it.

    Raises:
        InvalidAddress: if it cannot.
    """
    if not isinstance(address, str):
        raise InvalidAddress(f"{address!r} is no mail address; it takes a text, as in 'alice@gmail.com'")
    split_address(address)
    try:
        forward_path(f"TO:<{address}>")
    except CommandError:
        raise InvalidAddress(
            f"{address!r} is no mail address: no RCPT command could name it (RFC 5321, 4.1.2)"
        ) from None
    return address


def _plain_local(local: str) -> str:
    if local.isascii():
        return local.lower()
    import unicodedata  # noqa: PLC0415  # few addresses need it

    # RFC 6532, 3.1: an "ö" of one character and one of two are the same.
    return unicodedata.normalize("NFC", local.lower())
