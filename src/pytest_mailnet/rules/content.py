"""What a message must have in it, and must not."""

from __future__ import annotations

__all__: list[str] = []
