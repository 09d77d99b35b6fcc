"""Signatures of providers: on mail of their users (RFC 6376), and on what mailboxes forward (RFC 8617)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_mailnet.errors import MissingExtra
from pytest_mailnet.senders.publishing import publish
from pytest_mailnet.smtp.headers import domain_of

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.providers.facts import ArcSeal

__all__ = ["arc_set", "signed"]

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


def arc_set(dns: Resolver, seal: ArcSeal, host: str, content: bytes) -> bytes:
    """The fields by which a provider seals a mail that it forwards, with what it has found out about it.

    There are none where it has not authenticated the mail or does not seal, and where the libraries of the
    extra `auth` are missing.

    Args:
        dns: the net's, in which the key is published.
        seal: with which key.
        host: who has written the Authentication-Results of the mail.
        content: the mail, trace fields first.
    """
    if not seal.domain or b"Authentication-Results: " not in content.partition(b"\r\n\r\n")[0]:
        return b""
    try:
        import authres  # noqa: F401, PLC0415  # dkimpy reads the results with it
        import dkim  # noqa: PLC0415  # an extra
    except ImportError:
        return b""
    key = publish(dns, seal.domain, ips=(), spf=False, dkim=True, dmarc=None, selector=seal.selector)
    assert key is not None
    try:
        fields: list[bytes] = dkim.arc_sign(
            content, key.selector.encode(), key.domain.encode(), key.private_key.encode(), host.encode()
        )
    except dkim.DKIMException:  # a chain of others that cannot be gone on with
        return b""
    return b"".join(fields)
