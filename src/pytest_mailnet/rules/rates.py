"""How much an address or a domain may send in a time."""

from __future__ import annotations

__all__: list[str] = []
