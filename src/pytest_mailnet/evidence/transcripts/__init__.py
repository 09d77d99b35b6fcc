"""Transcripts of connections: sessions, debug output of clients, and exceptions."""

from __future__ import annotations

from pytest_mailnet.evidence.formats import LineFormat
from pytest_mailnet.evidence.transcripts.events import EVENTS
from pytest_mailnet.evidence.transcripts.mailnet_report import TIMELINE
from pytest_mailnet.evidence.transcripts.marked import MARKED
from pytest_mailnet.evidence.transcripts.python_output import PYTHON
from pytest_mailnet.evidence.transcripts.unmarked import TERMINAL

__all__ = ["EVENTS", "TRANSCRIPTS"]

TRANSCRIPTS: tuple[LineFormat, ...] = (TIMELINE, PYTHON, MARKED, TERMINAL)
"""The text formats that can be read; the one that is recognised most surely is first."""
