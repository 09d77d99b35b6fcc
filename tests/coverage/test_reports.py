"""The report of a run on a terminal, as JSON and as a page: from counts, without a run."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser

import pytest

from pytest_mailnet import FAULTS
from pytest_mailnet.coverage import COUNTED, TABLES, Cell, Summary
from pytest_mailnet.coverage.as_html import html_page
from pytest_mailnet.coverage.as_json import json_text
from pytest_mailnet.coverage.as_terminal import terminal_lines
from pytest_mailnet.coverage.cells import CONTENT
from pytest_mailnet.coverage.next_test import NextTest

NETS = Cell("nets", "", "")
MET = Counter(
    {
        NETS: 2,
        Cell("stages", "rcpt", "5yz"): 12,
        Cell("stages", "rset", "2yz"): 3,
        Cell("lookups", "MX", "answer"): 1,
        Cell("replies", "gmail", "user_unknown"): 2,
        Cell("replies", "gmail", "mailbox_full"): 0,
        Cell("replies", "a<b>&c", "x<script>"): 0,
        Cell("faults", "", "dns-servfail"): 1,
    }
)
FOLLOWING = NextTest(Cell("stages", "message", "4yz"), "a <refusal>", 'mailnet.provider("a<b>")')


class Page(HTMLParser):
    """The tags of a page, and its texts."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.texts, self.classes = [], Counter(), [], Counter()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.classes.update(value for name, value in attrs if name == "class")
        assert not {name for name, _ in attrs} & {"src", "href", "onclick"}
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_share_is_of_the_cells_that_count():
    summary = Summary(MET)

    assert summary.cells == len(COUNTED) == 76
    assert summary.cells_met == 2
    assert summary.percent_text == "2.63%"


def test_all_but_one_is_not_a_hundred_percent():
    met = Counter(dict.fromkeys(COUNTED, 1))
    assert Summary(met).percent_text == "100.00%"

    del met[next(iter(COUNTED))]

    assert Summary(met).percent_text == "98.68%"


def test_a_reply_amid_the_content_cannot_be_met_and_does_not_count():
    assert {cell.column for cell in COUNTED if cell.row == CONTENT} == {"cut", "silent"}


def test_the_terminal_has_a_line_for_each_row_that_counts():
    lines = list(terminal_lines(Summary(MET), FOLLOWING))

    assert "rcpt                   0       0      12       0       0           0" in lines
    assert "content                .       .       .       0       0           ." in lines
    assert "rset                   3       .       .       .       .           ." in lines
    assert not [line for line in lines if line.startswith("noop")]
    assert "gmail: 1 of 2 met; not mailbox_full" in lines
    assert lines[-3].startswith(f"faults: 1 of {len(FAULTS)} met; not dns-refused, dns-nxdomain, ")
    assert lines[-2] == "mailnet coverage: 2.63%, 2 of 76 cells"
    assert lines[-1] == 'no test meets a <refusal>: mailnet.provider("a<b>")'
    assert max(map(len, lines[: lines.index("")])) < 80


@pytest.mark.parametrize(
    "told", [lambda it: "\n".join(terminal_lines(it, None)), lambda it: html_page(it, None)]
)
def test_a_run_without_a_net_says_so(told):
    assert "no test of this run had a net" in told(Summary(Counter()))


def test_json_has_all_of_it():
    told = json.loads(json_text(Summary(MET), FOLLOWING))

    assert list(told) == [
        "format",
        "nets",
        "percent",
        "met",
        "cells",
        "tables",
        "providers",
        "faults",
        "next",
    ]
    assert (told["format"], told["nets"], told["met"], told["cells"]) == (1, 2, 2, 76)
    assert told["percent"] == pytest.approx(100 * 2 / 76)
    assert list(told["tables"]) == [table.name for table in TABLES]
    assert told["tables"]["stages"]["rcpt"] == {
        "2yz": 0,
        "4yz": 0,
        "5yz": 12,
        "cut": 0,
        "silent": 0,
        "unreadable": 0,
    }
    assert told["tables"]["stages"]["content"] == {"cut": 0, "silent": 0}
    assert told["providers"]["gmail"] == {"met": {"user_unknown": 2}, "unmet": ["mailbox_full"]}
    assert told["faults"]["met"] == {"dns-servfail": 1}
    assert len(told["faults"]["unmet"]) == len(FAULTS) - 1
    assert told["next"] == {"told": "a <refusal>", "code": 'mailnet.provider("a<b>")'}


def test_json_of_a_run_that_lacks_nothing_has_no_next_test():
    assert json.loads(json_text(Summary(MET), None))["next"] is None


def test_the_page_is_whole_and_loads_nothing():
    page = Page(html_page(Summary(MET), FOLLOWING))

    assert page.open == []
    assert page.tags["table"] == len(TABLES)
    assert not {"script", "link", "img", "iframe"} & page.tags.keys()
    assert page.classes["met"] == 2 + 1 + 1  # two cells, a reply, a fault


def test_the_page_escapes_what_others_have_named():
    page = html_page(Summary(MET), FOLLOWING)

    assert "<script>" not in page
    assert {"x<script>", "a<b>&c: 0 of 1 met", 'mailnet.provider("a<b>")'} <= set(Page(page).texts)
