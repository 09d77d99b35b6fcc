"""Whether the domain of the reverse-path can be answered to."""

from __future__ import annotations

__all__: list[str] = []
