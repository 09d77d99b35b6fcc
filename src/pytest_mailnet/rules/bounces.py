"""What servers take from the null sender, whose mails are bounces."""

from __future__ import annotations

__all__: list[str] = []
