"""Signatures of providers on the mail of their users (RFC 6376)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_mailnet.errors import MissingExtra
from pytest_mailnet.senders.publishing import publish
from pytest_mailnet.smtp.headers import domain_of

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver

__all__ = ["signed"]

_SELECTOR = "mailnet"  # the key is this run's, and so is not at a name of the provider's


def signed(dns: Resolver, author: str, content: bytes) -> bytes:
    """A mail signed for its author's domain, with a key that is published there in the net.

    Without the libraries of the extra `auth` it is as it was.

    Args:
        dns: the net's.
        author: the author's address.
        content: the mail.
    """
    try:
        key = publish(dns, domain_of(author), ips=(), spf=False, dkim=True, dmarc=None, selector=_SELECTOR)
        return content if key is None else key.sign(content)
    except MissingExtra:
        return content
