"""The pages on which an audit tells what it has found."""

from __future__ import annotations

import html.parser

import pytest

from pytest_mailnet.audit.beliefs import Said
from pytest_mailnet.audit.cases import Case
from pytest_mailnet.audit.findings import Audit
from pytest_mailnet.audit.html_page import in_html
from pytest_mailnet.audit.terminal_page import on_terminal
from pytest_mailnet.audit.trial import Trial
from pytest_mailnet.audit.verdicts import Belief, Judgement, Taken, Verdict
from pytest_mailnet.faults import FAULTS
from pytest_mailnet.values import Stage

TO = "alice@shop.example"


@pytest.fixture
def found():
    """The findings of an audit: a mistake in two cases, one thing undecided, one right."""

    def trial(name, verdict, why="", mistake="", text="returned None"):
        said = Said(text, {TO: Belief.SENT})
        taken = Taken((TO,), heard=True, call=0)
        return Trial(
            Case(name, (FAULTS[name],)), (said, said), (taken,), Judgement(verdict, why, mistake), "all"
        )

    return Audit(
        "app.py:deliver",
        (
            trial("reset-at-rcpt", Verdict.RIGHT),
            trial("reset-at-quit", Verdict.DUPLICATED, "twice", "again", "raised <b>\x1b[31m & co</b>"),
            trial("closed-at-quit", Verdict.DUPLICATED, "twice", "again"),
            trial("stalled-at-mail", Verdict.UNDECIDED, "it had not ended"),
            trial("refused-at-connect", Verdict.LOST, "gone", "lost"),
        ),
        searched=7,
        unsaid=(Stage.AUTH,),
        without=("the search",),
        seconds=1.25,
    )


def test_the_terminal_has_the_worst_first_and_what_is_right_in_few_lines(found):
    assert list(on_terminal(found, colour=False)) == [
        "app.py:deliver: 5 cases and 7 schedules in 1.2 s",
        "",
        "lost  refused-at-connect",
        "  wrong        gone",
        "  what happens the connection is refused (ECONNREFUSED)",
        "  it said      returned None (2 times)",
        "  servers took a mail to alice@shop.example in call 1",
        "  again        mailnet audit app.py:deliver --case refused-at-connect",
        "",
        "duplicated  reset-at-quit",
        "  wrong        twice",
        "  what happens the server resets the connection in place of the reply at QUIT",
        "  it said      raised <b>\\x1b[31m & co</b> (2 times)",
        "  servers took a mail to alice@shop.example in call 1",
        "  again        mailnet audit app.py:deliver --case reset-at-quit",
        "  also         closed-at-quit",
        "",
        "undecided  stalled-at-mail",
        "  it had not ended",
        "",
        "right  1 case of 5",
        "  connect 0 of 1, mail 1 of 1, rcpt 1 of 1, quit 0 of 2",
        "not tried: it does not come to AUTH",
        "not tried: the search",
    ]


def test_colours_are_only_added(found):
    lines = list(on_terminal(found, colour=True))

    assert lines[2] == "\x1b[31mlost\x1b[0m  refused-at-connect"


def test_the_page_stands_alone_and_is_escaped(found):
    page = in_html(found)

    reader = _Tags()
    reader.feed(page)
    assert not reader.seen & {"script", "link", "img", "iframe"}
    assert "://" not in page
    assert "raised &lt;b&gt;\\x1b[31m &amp; co&lt;/b&gt;" in page
    assert page.index("refused-at-connect") < page.index("reset-at-rcpt")


class _Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)


def test_the_page_is_written_where_it_is_asked_for(audit, sending, tmp_path):
    audited = audit(sending, "--case", "reset-after-dot", "--html", "page.html")

    assert audited.status == 0
    assert "<title>Audit of app.py:deliver</title>" in (tmp_path / "page.html").read_text("utf-8")


def test_json_has_all_of_a_case(audit, sending):
    found = audit(sending, "--case", "closed-at-rcpt").case("closed-at-rcpt")

    assert found.pop("record").count("connects to mx.shop.example") == 2
    assert found == {
        "case": "closed-at-rcpt",
        "happens": "the server closes the connection in place of the reply at RCPT",
        "verdict": "right",
        "mistake": False,
        "why": "",
        "said": [
            {
                "text": "raised SMTPServerDisconnected: Connection unexpectedly closed",
                "believed": {TO: "not sent"},
            },
            {"text": "returned None", "believed": {TO: "sent"}},
        ],
        "taken": [{"recipients": [TO], "heard": True, "call": 2}],
        "again": "mailnet audit app.py:deliver --case closed-at-rcpt",
    }
