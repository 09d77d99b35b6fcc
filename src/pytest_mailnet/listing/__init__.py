"""What there is, as a user reads it: replies, rules, providers, faults; as text, JSON, and tables."""

from __future__ import annotations

__all__: list[str] = []
