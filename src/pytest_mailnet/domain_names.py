"""Domain names in the one form in which they are compared: small letters, and A-labels (RFC 5890)."""

from __future__ import annotations

import functools

__all__ = ["a_labels", "u_labels"]


def a_labels(name: str) -> str:
    """A domain in small letters, with labels of other scripts as DNS has them: "xn--bcher-kva.example".

    What cannot be a domain name comes back in small letters. The codec is Python's own (IDNA 2003), by which
    getaddrinfo and dnspython look names up, too.
    """
    return name.lower() if name.isascii() else _encoded(name)


def u_labels(name: str) -> str:
    """A domain in small letters, with labels of other scripts as people write them: "bücher.example"."""
    name = name.lower()
    return _decoded(name) if "xn--" in name else name


@functools.lru_cache(maxsize=1024)
def _decoded(name: str) -> str:
    try:
        return name.encode("ascii").decode("idna")
    except UnicodeError:
        return name


@functools.lru_cache(maxsize=1024)
def _encoded(name: str) -> str:
    name = name.lower()
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name
