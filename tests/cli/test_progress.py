"""How far a long reading has come: only where somebody looks, and only when it takes long."""

from __future__ import annotations

import io

import pytest

from pytest_mailnet.cli import progress
from pytest_mailnet.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    moments = iter([0.0, 0.5, 2.0, 2.01, 4.0, 4.0, 4.0, 4.0])
    now = [0.0]

    def monotonic():
        now[0] = next(moments, now[0])
        return now[0]

    monkeypatch.setattr(progress, "monotonic", monotonic)


def test_a_bar_shows_how_much_is_read_and_goes(clock):
    terminal = Terminal()
    bar = Progress(4 << 20, terminal)

    bar.add(1 << 20)
    assert terminal.getvalue() == ""
    bar.add(1 << 20)
    shown = terminal.getvalue()
    bar.clear()

    assert shown.startswith("\r[###############...............]  50% of 4 MiB, ")
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_of_what_has_no_known_size_it_counts(clock):
    terminal = Terminal()
    bar = Progress(0, terminal)

    bar.add(3 << 20)
    bar.add(0)

    assert terminal.getvalue().startswith("\r3 MiB, ")


def test_nothing_is_drawn_where_nobody_looks(clock):
    nowhere = io.StringIO()
    bar = Progress(1, nowhere)

    for _ in range(5):
        bar.add(1)
    bar.clear()

    assert nowhere.getvalue() == ""
