"""The audit of an application: what it makes of everything that can happen to a mail."""

from __future__ import annotations

__all__: list[str] = []
