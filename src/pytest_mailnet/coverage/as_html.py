"""A summary as one HTML page that stands alone: no script, nothing to load, fit to be printed."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mailnet.coverage.cells import COUNTED, TABLES, Cell, CellTable
from pytest_mailnet.coverage.next_test import NextTest
from pytest_mailnet.coverage.summary import NO_NET, Share, Summary
from pytest_mailnet.timeline.page_frame import escaped, page

__all__ = ["html_page"]

_STYLE = """\
th, td { border: 1px solid var(--rule); padding: .25rem .6rem; text-align: right }
th:first-child { text-align: left } thead th { background: var(--pale); font-weight: 600 }
td.met { background: var(--good-pale) } td.unmet { background: var(--bad-pale) }
td.aside { background: var(--pale) }
code { background: var(--pale); padding: .1rem .3rem; overflow-wrap: anywhere }
ul { columns: 14rem; padding-left: 1.2rem } li.met::marker { color: var(--good); content: "\\2713\\20" }
li.unmet::marker { color: var(--bad); content: "\\2717\\20" } li.unmet { color: var(--bad) }
dl { font-size: .9rem } dt { float: left; clear: left; width: 6rem } dd { margin-left: 6.5rem }
@media print { body { margin: 0 } * { print-color-adjust: exact } tr, li { break-inside: avoid } }
"""


def html_page(summary: Summary, following: NextTest | None) -> str:
    """The report of a run as a page.

    Args:
        summary: what it has met.
        following: the most useful next test; None for none.
    """
    return page(f"mailnet coverage: {summary.percent_text}", _STYLE, _body(summary, following))


def _body(summary: Summary, following: NextTest | None) -> Iterator[str]:
    if not summary.nets:
        yield f"<p>{escaped(NO_NET)}</p>"
        return
    nets = "1 net" if summary.nets == 1 else f"{summary.nets:,} nets"
    yield f"<p>{summary.cells_met} of {summary.cells} cells met, in {nets}.</p>"
    if following is not None:
        yield (
            f"<p>The most useful next test: no test meets {escaped(following.told)}.<br>"
            f"<code>{escaped(following.code)}</code></p>"
        )
    for table in TABLES:
        yield from _table(table, summary)
    for name, share in summary.providers.items():
        yield from _share(name, share)
    yield from _share("Faults", summary.faults)


def _table(table: CellTable, summary: Summary) -> Iterator[str]:
    yield f"<h2>{escaped(table.title)}</h2>\n<table>\n<thead><tr><th></th>"
    yield "".join(f'<th scope="col">{escaped(it)}</th>' for it in table.columns) + "</tr></thead>\n<tbody>"
    for row in summary.rows(table):
        cells = "".join(_cell(Cell(table.name, row, it), summary) for it in table.columns)
        yield f'<tr><th scope="row">{escaped(row)}</th>{cells}</tr>'
    yield "</tbody>\n</table>\n<dl>"
    yield "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(what)}</dd>" for name, what in table.columns.items())
    yield "</dl>"


def _cell(cell: Cell, summary: Summary) -> str:
    count = summary.met[cell]
    kind = ("met" if count else "unmet") if cell in COUNTED else "aside"
    return f'<td class="{kind}">{f"{count:,}" if count or cell in COUNTED else ""}</td>'


def _share(name: str, share: Share) -> Iterator[str]:
    yield f"<h2>{escaped(name)}: {share}</h2>\n<ul>"
    for it, count in share.met.items():
        yield f'<li class="met">{escaped(it)} ({count:,})</li>'
    for it in share.unmet:
        yield f'<li class="unmet">{escaped(it)}</li>'
    yield "</ul>"
