"""What the tests of an application have met, and what not, counted from the records of their nets."""

from __future__ import annotations

from pytest_mailnet.coverage.cells import COUNTED, TABLES, Cell, Met
from pytest_mailnet.coverage.census import Census, Providers
from pytest_mailnet.coverage.summary import Summary

__all__ = ["COUNTED", "TABLES", "Cell", "Census", "Met", "Providers", "Summary"]
