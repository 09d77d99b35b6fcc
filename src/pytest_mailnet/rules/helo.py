"""The name that a client gives itself in EHLO or HELO."""

from __future__ import annotations

__all__: list[str] = []
