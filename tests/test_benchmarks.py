"""What the benchmarks make of figures: ratios, the page that is landed, and what has become worse. Nothing is measured."""

from __future__ import annotations

import importlib
from datetime import date
from pathlib import Path

import pytest

from pytest_mailnet import NoNamespace
from pytest_mailnet.entry.namespace import nursery

ROOT = Path(__file__).parent.parent
HEAD = {
    "day": date(2026, 11, 28),
    "machine": "a machine, 2 cores",
    "versions": "CPython 3.11.7, pytest 9.2.0",
}


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.fixture
def race():
    return importlib.import_module("benchmarks.race")


@pytest.fixture
def table():
    return importlib.import_module("benchmarks.table")


@pytest.fixture
def page():
    return importlib.import_module("benchmarks.page")


@pytest.fixture
def row(race):
    """A row whose ratios and limit a test chooses."""

    def made(*ratios, what="a mail", wanted=2.0, way="TIME"):
        return race.Row(what, "a thread", "2.00 ms", "1.00 ms", ratios, wanted, race.Way[way])

    return made


def test_the_ratio_of_a_row_is_the_median_of_its_rounds_and_the_spread_their_quartiles(row):
    measured = row(9.0, 1.0, 2.0, 3.0, 4.0)

    assert measured.ratio == 3.0
    assert measured.spread == (2.0, 4.0)


def test_one_round_has_no_spread(row):
    assert row(1.5).spread == (1.5, 1.5)


@pytest.mark.parametrize(
    ("way", "ratio", "passed"),
    [
        ("TIME", 2.0, True),
        ("TIME", 2.01, False),
        ("SIZE", 2.01, False),
        ("NUMBER", 1.0, True),
        ("FASTER", 2.0, True),
        ("FASTER", 1.99, False),
        ("MORE", 2.01, True),
    ],
)
def test_a_limit_is_the_highest_ratio_of_a_time_and_the_lowest_of_a_speed(row, way, ratio, passed):
    assert row(ratio, way=way).passed is passed


@pytest.mark.parametrize(
    ("way", "ratios"), [("TIME", (2.0, 4.0)), ("MORE", (2.0, 4.0)), ("FASTER", (0.5, 0.25))]
)
def test_each_round_is_a_ratio_of_its_own(race, way, ratios):
    made = race.compared("a mail", "a thread", [[4.0, 8.0], [2.0, 2.0]], str, 1, way=race.Way[way])

    assert made.ratios == ratios
    assert (made.ours, made.theirs) == ("6.0", "2.0")


def test_the_faster_peer_is_the_one_with_the_lower_median(race):
    assert race.faster_of({"steady": [2.0, 2.0, 2.0], "often slow": [1.0, 3.0, 3.0]}) == "steady"


def test_a_row_says_how_its_ratio_is_read_and_what_is_wanted(row, table):
    assert table.cells(row(1.5, 1.7, 1.9)) == (
        "a mail",
        "a thread",
        "2.00 ms",
        "1.00 ms",
        "1.70 x its time (1.60 to 1.80)",
        "<= 2 x",
        "kept",
    )
    assert table.cells(row(3.0, wanted=4, way="FASTER"))[4:] == (
        "3.00 x faster (3.00 to 3.00)",
        ">= 4 x",
        "MISSED",
    )


def test_a_row_without_a_limit_is_told(row, table):
    measured = row(30.0, wanted=None)

    assert measured.passed
    assert table.cells(measured)[4:] == ("30.00 x its time (30.00 to 30.00)", "", "told")


def test_programs_in_namespaces_are_left_out_with_the_reason_where_there_are_none(monkeypatch, capsys):
    def refuse():
        raise NoNamespace("namespaces are Linux's, and this is another")

    monkeypatch.setattr(nursery, "mapping", refuse)
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")

    rows = list(importlib.import_module("benchmarks.namespace").rows(quick=True))

    assert rows == []
    assert capsys.readouterr().err == ("namespace is left out: namespaces are Linux's, and this is another\n")


def test_reading_is_left_out_with_the_reason_where_there_is_no_dovecot(monkeypatch, capsys):
    monkeypatch.setattr("shutil.which", lambda _, **__: None)

    rows = list(importlib.import_module("benchmarks.reading").rows(quick=True))

    assert rows == []
    assert capsys.readouterr().err == (
        "reading is left out: Dovecot is not installed (Debian: dovecot-imapd, dovecot-pop3d)\n"
    )


def test_a_limit_near_one_is_shown_with_the_decimals_that_decide(row, table):
    assert table.cells(row(1.016, wanted=1.015))[4:] == (
        "1.016 x its time (1.016 to 1.016)",
        "<= 1.015 x",
        "MISSED",
    )


@pytest.mark.parametrize(
    ("way", "ratio", "slipped"),
    [
        ("TIME", 2.19, False),
        ("TIME", 2.21, True),
        ("SIZE", 1.0, False),
        ("FASTER", 1.83, False),
        ("FASTER", 1.8, True),
    ],
)
def test_a_ratio_is_worse_where_a_tenth_is_lost_in_the_direction_of_its_row(row, table, way, ratio, slipped):
    measured = row(ratio, way=way)

    worse = table.worse([measured], {"a mail": 2.0})

    assert worse == ([(measured, 2.0)] if slipped else [])


def test_a_row_that_the_last_table_does_not_have_is_not_worse(row, table):
    assert table.worse([row(100.0)], {"a look-up": 1.0}) == []


def test_columns_are_as_wide_as_their_widest_cell(table):
    assert table.lines([("what", "wanted", ""), ("a", "<= 2 x", "kept")]) == [
        "what   wanted",
        "a      <= 2 x   kept",
    ]


def test_the_ratios_of_a_page_are_read_back(row, page):
    groups = {
        "mails": [row(1.5), row(4.25, what="mails on 4", way="MORE")],
        "tls": [row(1.0, what="TLS", wanted=1.0)],
    }

    text = page.page_of(groups, quick=False, **HEAD)

    assert page.ratios_in(text) == {"a mail": 1.5, "mails on 4": 4.25, "TLS": 1.0}


def test_the_page_has_a_table_for_each_group_that_measured_something(row, page):
    text = page.page_of({"mails": [row(1.5)], "endurance": []}, quick=True, **HEAD)

    assert text.partition("quartiles.\n")[2] == (
        "\n"
        "- Measured: 2026-11-28 by a quick run, of few rounds\n"
        "- Machine: a machine, 2 cores\n"
        "- Versions: CPython 3.11.7, pytest 9.2.0\n"
        "\n"
        "## mails\n"
        "\n"
        "| what | beside | mailnet | the other | measured | wanted |  |\n"
        "| --- | --- | --- | --- | --- | --- | --- |\n"
        "| a mail | a thread | 2.00 ms | 1.00 ms | 1.50 x its time (1.50 to 1.50) | <= 2 x | kept |\n"
    )


def test_the_landed_page_can_be_read(page):
    if not page.PAGE.exists():
        pytest.skip("no table has been landed")

    ratios = page.ratios_in(page.PAGE.read_text("utf-8"))

    assert "a mail on one connection that stays open" in ratios
    assert all(ratio > 0 for ratio in ratios.values())
