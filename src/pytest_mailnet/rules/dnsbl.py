"""Lists of addresses and domains in DNS (RFC 5782)."""

from __future__ import annotations

__all__: list[str] = []
