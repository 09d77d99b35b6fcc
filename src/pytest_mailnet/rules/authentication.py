"""Whether a mail comes from whom it says: SPF, DKIM and DMARC."""

from __future__ import annotations

__all__: list[str] = []
