"""The sessions that are held with each server, as data, a file a subject."""

from __future__ import annotations

from . import content, lines, negotiation, order, paths, verbs

__all__ = ["SESSIONS"]

SESSIONS = (
    *verbs.SESSIONS,
    *order.SESSIONS,
    *paths.SESSIONS,
    *lines.SESSIONS,
    *content.SESSIONS,
    *negotiation.SESSIONS,
)
