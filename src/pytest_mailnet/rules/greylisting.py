"""Deferring the first mail of senders that are not known (RFC 6647)."""

from __future__ import annotations

__all__: list[str] = []
