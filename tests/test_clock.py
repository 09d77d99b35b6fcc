"""The clock as a test sees it."""

from __future__ import annotations

from datetime import UTC, datetime

from pytest_mailnet.clock import Clock


def test_a_clock_shows_its_time():
    assert repr(Clock(datetime(2026, 1, 31, 12, 0, tzinfo=UTC))) == "<Clock 2026-01-31 12:00:00 UTC>"


def test_a_clock_of_its_own_can_be_compressed():
    clock = Clock(datetime(2026, 1, 31, 12, 0, tzinfo=UTC))

    clock.compress()

    assert clock.compressed
