"""A summary as one HTML page that stands alone: no script, nothing to load, fit to be printed."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from pytest_mailnet.coverage.cells import COUNTED, TABLES, Cell, CellTable
from pytest_mailnet.coverage.next_test import NextTest
from pytest_mailnet.coverage.summary import NO_NET, Share, Summary

__all__ = ["html_page"]

_STYLE = """\
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #c9d1d9; padding: .25rem .6rem; text-align: right }
th:first-child { text-align: left } thead th { background: #eef1f4; font-weight: 600 }
td.met { background: #d8f3dc } td.unmet { background: #ffdcd7 } td.aside { background: #f6f8fa }
code { background: #eef1f4; padding: .1rem .3rem; overflow-wrap: anywhere }
ul { columns: 14rem; padding-left: 1.2rem } li.met::marker { color: #1a7f37; content: "\\2713\\20" }
li.unmet::marker { color: #b42318; content: "\\2717\\20" } li.unmet { color: #b42318 }
dl { font-size: .9rem } dt { float: left; clear: left; width: 6rem } dd { margin-left: 6.5rem }
@media print { body { margin: 0 } * { print-color-adjust: exact } tr, li { break-inside: avoid } }
"""


def html_page(summary: Summary, following: NextTest | None) -> str:
    """The report of a run as a page.

    Args:
        summary: what it has met.
        following: the most useful next test; None for none.
    """
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>mailnet coverage: {summary.percent_text}</title>",
            f"<style>\n{_STYLE}</style>\n</head>\n<body>",
            f"<h1>mailnet coverage: {summary.percent_text}</h1>",
            *_body(summary, following),
            "</body>\n</html>\n",
        )
    )


def _body(summary: Summary, following: NextTest | None) -> Iterator[str]:
    if not summary.nets:
        yield f"<p>{escape(NO_NET)}</p>"
        return
    nets = "1 net" if summary.nets == 1 else f"{summary.nets:,} nets"
    yield f"<p>{summary.cells_met} of {summary.cells} cells met, in {nets}.</p>"
    if following is not None:
        yield (
            f"<p>The most useful next test: no test meets {escape(following.told)}.<br>"
            f"<code>{escape(following.code)}</code></p>"
        )
    for table in TABLES:
        yield from _table(table, summary)
    for name, share in summary.providers.items():
        yield from _share(name, share)
    yield from _share("Faults", summary.faults)


def _table(table: CellTable, summary: Summary) -> Iterator[str]:
    yield f"<h2>{escape(table.title)}</h2>\n<table>\n<thead><tr><th></th>"
    yield "".join(f'<th scope="col">{escape(it)}</th>' for it in table.columns) + "</tr></thead>\n<tbody>"
    for row in summary.rows(table):
        cells = "".join(_cell(Cell(table.name, row, it), summary) for it in table.columns)
        yield f'<tr><th scope="row">{escape(row)}</th>{cells}</tr>'
    yield "</tbody>\n</table>\n<dl>"
    yield "".join(f"<dt>{escape(name)}</dt><dd>{escape(what)}</dd>" for name, what in table.columns.items())
    yield "</dl>"


def _cell(cell: Cell, summary: Summary) -> str:
    count = summary.met[cell]
    kind = ("met" if count else "unmet") if cell in COUNTED else "aside"
    return f'<td class="{kind}">{f"{count:,}" if count or cell in COUNTED else ""}</td>'


def _share(name: str, share: Share) -> Iterator[str]:
    yield f"<h2>{escape(name)}: {share}</h2>\n<ul>"
    for it, count in share.met.items():
        yield f'<li class="met">{escape(it)} ({count:,})</li>'
    for it in share.unmet:
        yield f'<li class="unmet">{escape(it)}</li>'
    yield "</ul>"
