"""The timelines of a test's nets as lanes, on one page of HTML that stands alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from pytest_mailnet.printable import printable_lines
from pytest_mailnet.record.journal import Journal
from pytest_mailnet.timeline.lanes import Arrow, Kind, Lanes, Row, lanes_of
from pytest_mailnet.timeline.page_frame import escaped, page
from pytest_mailnet.timeline.story import timeline

__all__ = ["NetRecord", "lane_page"]

_HEADED: frozenset[Kind] = frozenset({"question", "answer", "connect", "command", "reply", "refusal", "lost"})
_ACROSS: frozenset[Kind] = frozenset({"time", "incident"})
_WRONG: frozenset[Kind] = frozenset({"refusal", "lost", "cut", "incident"})
_IN_SIGHT = 60  # rows; a longer timeline begins with links to what went wrong
_MOST_LINKS = 30
_SHOWN_LINES = 3  # of one arrow; the rest unfolds at a click
_STYLE = """\
body { max-width: none }
h1, h2, .box { max-width: 60em } h1 { font-size: 1.2em; font-family: ui-monospace, monospace }
.lanes { position: relative; z-index: 0; font: 13px/1.35 ui-monospace, monospace; padding-bottom: .5em }
.heads, .row, .lines { display: grid }
.heads { position: sticky; top: 0; z-index: 2; background: var(--paper); border-bottom: 1px solid var(--rule);
text-align: center; padding: .5em 0 }
.heads b { display: block } .heads small { color: var(--names); display: block }
.lines { position: absolute; inset: 0; z-index: -1 }
.lines i { margin-left: 50%; border-left: 1px solid var(--rule) }
.row { padding-top: .3em; scroll-margin-top: 4em }
.at { grid-column: 1; grid-row: 1; white-space: pre; position: sticky; left: 0; background: var(--paper) }
.arrow { position: relative; padding: 0 .9em .1em; border-bottom: 1.5px solid; overflow-wrap: anywhere;
unicode-bidi: isolate; white-space: pre-wrap }
.left { text-align: right }
.right::after, .left::before { content: ""; position: absolute; bottom: -5px;
border: 4.5px solid transparent }
.right::after { right: 0; border-left: 8px solid; border-right: 0 }
.left::before { left: 0; border-right: 8px solid; border-left: 0 }
.self { border: 1.5px solid; border-radius: 4px; background: var(--paper) }
.tls .arrow { border-bottom: 4px double } .tls .at b { color: var(--good) }
.question, .answer { color: var(--names) } .connect, .command { color: var(--asks) }
.reply { color: var(--good) }
.refusal, .lost, .cut { color: var(--bad); font-weight: 600 } .arrow.lost { border-bottom-style: dashed }
.lost.right::after, .lost.left::before { border: 0; content: "\\2715"; bottom: -.75em }
.why, .more { padding: .1em .9em; font-style: italic; overflow-wrap: anywhere; unicode-bidi: isolate }
.why { text-align: right; color: var(--maybe) } .more { opacity: .75 }
.end, .cut { text-align: center; border-bottom: 1.5px dotted; unicode-bidi: isolate }
.time { text-align: center; color: var(--maybe); border-bottom: 1px dotted; unicode-bidi: isolate }
.incident, .box { background: var(--bad-pale); padding: .4em .9em; white-space: pre-wrap;
overflow-wrap: anywhere; border-left: 4px solid var(--bad); unicode-bidi: isolate }
.box { margin: .5em 0; font: 13px/1.4 ui-monospace, monospace }
.box.plain { background: var(--pale); border-color: var(--rule) }
nav ul { margin: .3em 0 1em } nav a { color: var(--bad); overflow-wrap: anywhere }
summary { cursor: pointer } summary small { opacity: .75 } details pre { margin: 0; white-space: pre-wrap }
@media print { .heads { position: static } * { print-color-adjust: exact } .row { break-inside: avoid } }
"""


@dataclass(frozen=True, slots=True)
class NetRecord:
    """What is known of a net at the end of its test.

    Attributes:
        journal: the record.
        notes: lines about the net as a whole, such as that it was never entered.
        waiting: the mails that are still in the queue.
        unmet: texts about scripted answers that nothing has met.
        relays: the names of servers that relay mail, by the addresses from which they do.
    """

    journal: Journal
    notes: tuple[str, ...] = ()
    waiting: tuple[object, ...] = ()
    unmet: tuple[str, ...] = ()
    relays: Mapping[str, str] = field(default_factory=dict)


def lane_page(title: str, failure: str, nets: Sequence[NetRecord]) -> str:
    """The page about a failing test.

    Args:
        title: the test's name.
        failure: the error that it failed with, in words.
        nets: the records of its nets.
    """
    laid_out = [lanes_of(net.journal, net.relays) for net in nets]
    return page(title, _STYLE + _places(laid_out), _body(failure, nets, laid_out))


def _body(failure: str, nets: Sequence[NetRecord], laid_out: Sequence[Lanes]) -> Iterator[str]:
    for number, (net, lanes) in enumerate(zip(nets, laid_out, strict=True), start=1):
        if len(nets) > 1:
            yield f"<h2>net {number}</h2>"
        whole = timeline(net.journal, net.waiting)
        yield from (_box(it, plain=True) for it in net.notes)
        if lanes.rows:
            yield from _drawn(lanes, number)
        else:
            yield _box(whole, plain=True)
        if net.waiting:
            yield _box("\n".join(["in the queue", *map(str, net.waiting)]), plain=True)
        if net.unmet:
            yield "<h2>Expected, and not met</h2>"
            yield from map(_box, net.unmet)
        if lanes.rows:
            yield f"<details><summary>every line as text</summary><pre>{escape(whole)}</pre></details>"
    if failure:
        yield f"<h2>The test failed</h2>\n{_box(failure)}"


def _drawn(lanes: Lanes, net: int) -> Iterator[str]:
    count = len(lanes.lanes)
    if len(lanes.rows) > _IN_SIGHT:
        yield from _gone_wrong(lanes.rows, net)
    yield f'<div class="lanes n{count}">\n<div class="heads">'
    for number, lane in enumerate(lanes.lanes):
        about = escaped(" ".join(lane.addresses[:_SHOWN_LINES]))
        yield f'<div class="{_place(number, number)}"><b>{escaped(lane.name)}</b><small>{about}</small></div>'
    yield "</div>"
    lines = "".join(f'<i class="{_place(it, it)}"></i>' for it in range(count))
    yield f'<div class="lines">{lines}</div>'
    yield from (_row(row, _anchor(net, number)) for number, row in enumerate(lanes.rows))
    yield "</div>"


def _gone_wrong(rows: Sequence[Row], net: int) -> Iterator[str]:
    """Links to what went wrong in a long timeline."""
    wrong = [
        (_anchor(net, number), _told(row, arrow))
        for number, row in enumerate(rows)
        for arrow in row.arrows
        if arrow.kind in _WRONG
    ]
    if wrong:
        yield "<nav>what went wrong:<ul>"
        for anchor, told in wrong[:_MOST_LINKS]:
            yield f'<li><a href="#{anchor}">{escaped(told)}</a></li>'
        if len(wrong) > _MOST_LINKS:
            yield f"<li>and {len(wrong) - _MOST_LINKS:,} more</li>"
        yield "</ul></nav>"


def _told(row: Row, wrong: Arrow) -> str:
    """What went wrong in a row, behind what it was the answer to."""
    first = row.arrows[0]
    asked = [] if first is wrong else [f"{first.lines[0]}:"]
    return " ".join(filter(None, [row.label, *asked, wrong.lines[0]]))


def _anchor(net: int, row: int) -> str:
    return f"n{net}-{row}"


def _row(row: Row, anchor: str) -> str:
    label = f"{row.label} TLS" if row.tls else row.label
    at = f'<div class="at">{row.at * 1000:9.1f} ms <b>{escaped(label)}</b></div>'
    arrows = "\n".join(map(_arrow, row.arrows))
    return f'<div class="{"row tls" if row.tls else "row"}" id="{anchor}">{at}\n{arrows}</div>'


def _arrow(arrow: Arrow) -> str:
    classes = [arrow.kind, _place(arrow.start, arrow.end)]
    if arrow.kind in _HEADED:
        way = "self" if arrow.start == arrow.end else "right" if arrow.start < arrow.end else "left"
        classes += ["arrow", way]
    if arrow.kind not in _ACROSS and arrow.start != arrow.end:
        classes.append("between")
    text = "\n".join(map(escaped, arrow.lines)) if arrow.kind in _ACROSS else _text(arrow.lines)
    return f'<div class="{" ".join(classes)}">{text}</div>'


def _text(lines: Sequence[str]) -> str:
    first, *others = map(escaped, lines)
    if len(lines) <= _SHOWN_LINES:
        return "\n".join([first, *others])
    summary = f"<summary>{first} <small>and {len(others)} lines</small></summary>"
    return "<details>{}<pre>{}</pre></details>".format(summary, "\n".join(others))


def _box(text: str, *, plain: bool = False) -> str:
    return f'<div class="{"box plain" if plain else "box"}">{escape(printable_lines(text))}</div>'


def _place(start: int, end: int) -> str:
    """The class of what reaches from a lane to another."""
    return f"p{min(start, end)}-{max(start, end)}"


def _places(laid_out: Iterable[Lanes]) -> str:
    """The style of as many lanes as there are; the class "between" is for what goes from middle to middle."""
    counts = sorted({len(lanes.lanes) for lanes in laid_out})
    rules = [
        f".n{it} {{ min-width: {13 + 14 * it}em; max-width: {13 + 34 * it}em }}\n"
        f".n{it} > div {{ grid-template-columns: 13em repeat({it}, minmax(0, 1fr)) }}\n"
        for it in counts
    ]
    for start, end in itertools.combinations_with_replacement(range(max(counts, default=0)), 2):
        place, size = _place(start, end), end - start + 1
        rules.append(f".{place} {{ grid-column: {start + 2} / {end + 3} }}\n")
        if size > 1:
            rules.append(f".between.{place} {{ margin: 0 {50 / size:.3f}% }}\n")
    return "".join(rules)
