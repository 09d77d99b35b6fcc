"""Transcripts of connections: sessions, debug output of clients, and exceptions."""

from __future__ import annotations

from pytest_mailnet.evidence.formats import LineFormat
from pytest_mailnet.evidence.transcripts.error_objects import ERROR_OBJECTS
from pytest_mailnet.evidence.transcripts.events import EVENTS
from pytest_mailnet.evidence.transcripts.library_errors import failures_in as error_failures
from pytest_mailnet.evidence.transcripts.library_errors import failures_said as said_failures
from pytest_mailnet.evidence.transcripts.notations import MARKED, TERMINAL, TIMELINE
from pytest_mailnet.evidence.transcripts.python_output import PYTHON

__all__ = ["ERROR_OBJECTS", "EVENTS", "TRANSCRIPTS", "error_failures", "said_failures"]

TRANSCRIPTS: tuple[LineFormat, ...] = (TIMELINE, PYTHON, MARKED, TERMINAL)
"""The text formats that can be read; the one that is recognised most surely is first."""
