"""Web hooks in which operators report failed mail as JSON: a table of operators, and what reads by it."""

from __future__ import annotations

from pytest_mailnet.evidence.formats import DocumentFormat
from pytest_mailnet.evidence.webhooks.operators import OPERATORS

__all__ = ["WEBHOOKS"]

WEBHOOKS: tuple[DocumentFormat, ...] = tuple(
    DocumentFormat(it.name, it.missing, it.recognises, it.failures) for it in OPERATORS
)
"""The formats that can be read; no document is of two of them."""
