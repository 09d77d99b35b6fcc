"""How a server is told who connects to it: HAProxy's PROXY protocol, version 1, or Postfix's XCLIENT.

https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, 2.1; https://www.postfix.org/XCLIENT_README.html.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Literal

from pytest_mailnet.dns.records import plain_name

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.values import Endpoint

__all__ = ["Announcement", "proxy_line", "xclient_line", "xclient_offer"]

Announcement = Literal["PROXY", "XCLIENT"]
"""How a server is told who connects."""


def proxy_line(client: Endpoint, server: Endpoint) -> bytes:
    """The line before the server's banner.

    Args:
        client: who connects.
        server: to whom.
    """
    version = 6 if ":" in client.ip else 4
    return f"PROXY TCP{version} {client.ip} {server.ip} {client.port} {server.port}\r\n".encode()


def xclient_offer(hello: bytes) -> list[str] | None:
    """The attributes that a server takes with XCLIENT, by its reply to EHLO or LHLO; None without XCLIENT."""
    lines = hello.decode("utf-8", "replace").upper().splitlines()
    return next((it[4:].split()[1:] for it in lines if it[4:].startswith("XCLIENT ")), None)


def xclient_line(offered: list[str], client: Endpoint, dns: Resolver) -> bytes:
    """The command that says who connects, as far as the server asks for it.

    Args:
        offered: the attributes that the server takes.
        client: who connects.
        dns: where the name of the client's address is looked up, as the server would do it.
    """
    known = {
        "NAME": _verified_name(client.ip, dns),
        "ADDR": f"IPV6:{client.ip}" if ":" in client.ip else client.ip,
        "PORT": str(client.port),
    }
    told = " ".join(f"{name}={value}" for name, value in known.items() if name in offered)
    return f"XCLIENT {told}\r\n".encode()


def _verified_name(ip: str, dns: Resolver) -> str:
    """The name that leads back to the address (FCrDNS), or in its place why there is none."""
    rdtype = "AAAA" if ":" in ip else "A"
    pointer = dns.lookup(ipaddress.ip_address(ip).reverse_pointer, "PTR")
    names = [plain_name(it) for it in pointer.values("PTR")]
    forth = [dns.lookup(it, rdtype) for it in names]
    failed = any(it.failed for it in (pointer, *forth))
    unknown = "[TEMPUNAVAIL]" if failed else "[UNAVAILABLE]"
    return next((name for name, it in zip(names, forth, strict=True) if ip in it.values(rdtype)), unknown)
