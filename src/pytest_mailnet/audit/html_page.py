"""The findings of an audit as one page of HTML, which needs no other file and no script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from pytest_mailnet.audit.findings import Audit, calls_of, taken_of
from pytest_mailnet.audit.trial import Trial
from pytest_mailnet.audit.verdicts import MISTAKES, Verdict
from pytest_mailnet.printable import printable_lines
from pytest_mailnet.timeline.page_frame import escaped, page

__all__ = ["in_html"]

_STYLE = """\
td, th { text-align: left; vertical-align: top; padding: .25em .6em; border-bottom: 1px solid var(--rule) }
.wrong { color: var(--bad); font-weight: 600 } .right { color: var(--good) } .maybe { color: var(--maybe) }
.case { border-left: 4px solid var(--bad); padding: .1em 0 .1em 1em; margin: 1em 0 }
"""


def in_html(audit: Audit) -> str:
    """The page."""
    body = [
        f"<p>{len(audit.trials)} cases and {audit.searched} schedules in {audit.seconds:.1f} s.</p>",
        *_mistakes(audit),
        *_all(audit),
    ]
    return page(f"Audit of {audit.application}", _STYLE, body)


def _mistakes(audit: Audit) -> Iterator[str]:
    mistakes = audit.mistakes
    yield "<h2>Mistakes</h2>"
    if not mistakes:
        yield '<p class="right">None was found.</p>'
    for mistake in mistakes:
        trial = mistake.smallest
        yield '<div class="case">'
        yield f"<p>{_verdict(trial)}: {escaped(trial.judgement.why)}</p><table>"
        yield _row("case", f"<code>{escaped(trial.case.id)}</code>")
        yield _row("what happens", escaped(trial.case.does))
        yield _row("it said", _lines(calls_of(trial)))
        yield _row("servers took", _lines(taken_of(trial) or ["nothing"]))
        yield _row("again", f"<code>{escaped(audit.again(trial))}</code>")
        if mistake.others:
            yield _row("also", ", ".join(f"<code>{escaped(it.case.id)}</code>" for it in mistake.others))
        yield "</table>"
        yield _record(trial)
        yield "</div>"


def _all(audit: Audit) -> Iterator[str]:
    yield "<h2>All cases</h2><table>"
    yield "<tr><th>case</th><th>verdict</th><th>it said</th><th>servers took</th></tr>"
    for trial in audit.trials:
        cells = (
            f"<code>{escaped(trial.case.id)}</code><br>{escaped(trial.case.does)}",
            _verdict(trial),
            _lines(calls_of(trial)),
            _lines(taken_of(trial) or ["nothing"]),
        )
        yield f"<tr>{''.join(f'<td>{it}</td>' for it in cells)}</tr>"
    yield "</table>"
    left_out = [f"it does not come to {it.upper()}" for it in audit.unsaid] + list(audit.without)
    if left_out:
        yield f"<p>Not tried: {escaped('; '.join(left_out))}.</p>"


def _verdict(trial: Trial) -> str:
    verdict = trial.judgement.verdict
    kind = "wrong" if verdict in MISTAKES else "right" if verdict is Verdict.RIGHT else "maybe"
    return f'<span class="{kind}">{escaped(verdict)}</span>'


def _record(trial: Trial) -> str:
    told = escape(printable_lines(trial.record))
    return f"<details><summary>all that was said</summary><pre>{told}</pre></details>"


def _row(label: str, cell: str) -> str:
    return f"<tr><th>{label}</th><td>{cell}</td></tr>"


def _lines(lines: Iterable[str]) -> str:
    return "<br>".join(map(escaped, lines))
