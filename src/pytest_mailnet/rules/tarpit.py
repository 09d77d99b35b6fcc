"""Replies that come late."""

from __future__ import annotations

__all__: list[str] = []
