"""What the address of a client resolves back to."""

from __future__ import annotations

__all__: list[str] = []
