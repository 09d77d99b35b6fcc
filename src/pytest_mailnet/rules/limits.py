"""How much one session may ask for."""

from __future__ import annotations

__all__: list[str] = []
