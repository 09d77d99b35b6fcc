"""The page that draws lanes: what it has, and that nothing in a mail can make it do anything else."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st

from pytest_mailnet.record.journal import ClockMoved, Incident, Journal, Query
from pytest_mailnet.record.session import Exchange, Finding, note
from pytest_mailnet.timeline.lane_page import NetRecord, lane_page
from pytest_mailnet.timeline.page_frame import page
from pytest_mailnet.values import Endpoint, Stage

SERVER = Endpoint("192.0.2.10", 25)
OURS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "div", "b", "i", "small"),
    *("details", "summary", "pre", "nav", "ul", "li", "a"),
}


class Page(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = set(), set(), [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.texts.append(data)


def lines(text):
    """The page's lines between its first heading and its end."""
    return text.partition("<h1>")[2].splitlines()


def test_a_net_that_was_asked_one_question_is_this_page():
    journal = Journal()
    journal.add(Query(0.0125, "shop.example", "MX", "NXDOMAIN", (), "udp", None, "203.0.113.7"))
    journal.add(ClockMoved(0.02, 60, "2026-11-28 13:00:00"))

    told = lane_page(
        "test_it.py::test_it[<&>]", "AssertionError: <it>", [NetRecord(journal, unmet=("a < b",))]
    )

    assert lines(told) == [
        "test_it.py::test_it[&lt;&amp;&gt;]</h1>",
        '<div class="lanes n2">',
        '<div class="heads">',
        '<div class="p0-0"><b>application</b><small>203.0.113.7</small></div>',
        '<div class="p1-1"><b>DNS</b><small></small></div>',
        "</div>",
        '<div class="lines"><i class="p0-0"></i><i class="p1-1"></i></div>',
        '<div class="row" id="n1-0"><div class="at">     12.5 ms <b></b></div>',
        '<div class="question p0-1 arrow right between">shop.example MX?  (udp)</div>',
        '<div class="refusal p0-1 arrow left between">NXDOMAIN</div></div>',
        '<div class="row" id="n1-1"><div class="at">     20.0 ms <b></b></div>',
        '<div class="time p0-1">clock: 1 min on, to 2026-11-28 13:00:00 UTC</div></div>',
        "</div>",
        "<h2>Expected, and not met</h2>",
        '<div class="box">a &lt; b</div>',
        "<details><summary>every line as text</summary><pre>"
        "     12.5 ms  dns  shop.example MX? NXDOMAIN  (udp)",
        "     20.0 ms  clock  1 min on, to 2026-11-28 13:00:00 UTC</pre></details>",
        "<h2>The test failed</h2>",
        '<div class="box">AssertionError: &lt;it&gt;</div>',
        "</body>",
        "</html>",
    ]


def test_a_long_reply_unfolds_at_a_click():
    journal = Journal()
    made = journal.open_session(Endpoint("203.0.113.7", 40000), SERVER, "mx.shop.example", "shop")
    made.exchanges.append(Exchange(1, Stage.EHLO, b"EHLO a\r\n", b"250-a\r\n250-B\r\n250-C\r\n250 <D>\r\n"))
    note(made, ended="client quit", tls="TLSv1.3")

    told = lines(lane_page("test_it", "", [NetRecord(journal)]))

    at = told.index('<div class="row tls" id="n1-2"><div class="at">   1000.0 ms <b>[1] TLS</b></div>')
    assert told[at + 1 : at + 5] == [
        '<div class="command p0-1 arrow right between">EHLO a</div>',
        '<div class="reply p0-1 arrow left between"><details><summary>250-a <small>and 3 lines</small></summary>'
        "<pre>250-B",
        "250-C",
        "250 &lt;D&gt;</pre></details></div></div>",
    ]


def test_a_long_timeline_begins_with_links_to_what_went_wrong():
    journal = Journal()
    made = journal.open_session(Endpoint("203.0.113.7", 40000), SERVER, "mx.shop.example", "shop")
    for number in range(100):
        reply = b"550 <no>" if number in {7, 90} else b"250 OK"
        made.exchanges.append(Exchange(1, Stage.RCPT, b"RCPT TO:<%d@a>\r\n" % number, reply + b"\r\n"))
    note(made, ended="client quit")

    told = lane_page("test_it", "", [NetRecord(journal)])

    assert lines(told)[1:5] == [
        "<nav>what went wrong:<ul>",
        '<li><a href="#n1-9">[1] RCPT TO:&lt;7@a&gt;: 550 &lt;no&gt;</a></li>',
        '<li><a href="#n1-92">[1] RCPT TO:&lt;90@a&gt;: 550 &lt;no&gt;</a></li>',
        "</ul></nav>",
    ]
    assert 'id="n1-92"><div class="at">   1000.0 ms <b>[1]</b></div>\n<div class="command p0-1' in told


def test_what_the_net_has_stopped_is_told_in_full():
    journal = Journal()
    journal.add(Incident(0, "leak", "one\ntwo\nthree\nfour"))

    told = lane_page("test_it", "", [NetRecord(journal)])

    assert '<div class="incident p0-0">leak: one\ntwo\nthree\nfour</div>' in told


def test_each_net_of_a_test_is_told():
    journal = Journal()
    journal.add(Query(0, "shop.example", "MX", "NXDOMAIN", (), "udp"))

    told = Page(lane_page("test_it", "", [NetRecord(journal, notes=("a note",)), NetRecord(Journal())])).texts

    assert {"net 1", "a note", "net 2", "nothing was looked up, and nobody connected"} <= set(told)


def test_mails_in_the_queue_are_told():
    told = Page(lane_page("test_it", "", [NetRecord(Journal(), waiting=("gmail <mail>",))])).texts

    assert "in the queue\ngmail <mail>" in told


@given(said=st.binary(), words=st.text(), stage=st.sampled_from([None, *Stage]))
@example(
    b"</pre></details></style><script>alert(1)</script>\r\n", '"><img src=x onerror=alert(1)>', Stage.MESSAGE
)
@example(
    b"\xe2\x80\xae\xe2\x80\x8f\x1b[2J\xc2\x9b\x00\r\n", "\u202e\u2066\x00\ud800 &lt;b&gt; \u2028", Stage.RCPT
)
def test_nothing_that_anybody_says_becomes_part_of_the_page(said, words, stage):
    journal = Journal()
    journal.add(Query(0, words, words, words, (f"x 1 {words}",), words, None, words, words))
    journal.add(Incident(0, "leak", words))
    journal.not_connected(words, SERVER, words, 111, words)
    made = journal.open_session(Endpoint("203.0.113.7", 40000), SERVER, words, words)
    made.exchanges.extend([Exchange(0, stage, said, said, Finding(words, words))] * 70)
    note(made, user=words, ended=words, tls=words)
    record = NetRecord(journal, (words,), (words,), (words,), {"203.0.113.7": words})

    told = lane_page(words, words, [record])

    reader = Page(told)
    assert reader.tags <= OURS
    assert reader.attributes <= {
        "lang",
        "dir",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "href",
    }
    assert reader.open == []
    assert all(line.isprintable() for line in told.split("\n"))


def test_the_browser_is_told_to_run_nothing_load_nothing_and_take_no_other_style():
    told = page("a title", "p { color: red }\n", [])

    [style] = re.findall(r"(?s)<style>(.*)</style>", told)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert (
        '<meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'sha256-{digest}'\">" in told
    )
