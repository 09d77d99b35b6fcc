"""Evidence from production: reads bounces, logs, transcripts and web hooks into failed recipients."""

from __future__ import annotations

from pytest_mailnet.evidence.failure import Failure, NoFailure, Outcome

__all__ = ["Failure", "NoFailure", "Outcome"]
