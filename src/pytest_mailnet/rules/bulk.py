"""What large providers ask of those who send a lot of mail."""

from __future__ import annotations

__all__: list[str] = []
