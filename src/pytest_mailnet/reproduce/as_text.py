"""Writes failures as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_mailnet.printable import printable
from pytest_mailnet.reproduce.match import Recognised

__all__ = ["as_text"]


def as_text(recognised: Iterable[Recognised]) -> Iterator[str]:
    """Some printable lines for each failed recipient; unknown facts are left out."""
    for number, one in enumerate(recognised):
        if number:
            yield ""
        failure = one.failure
        yield printable(f"{failure.file}: {failure.recipient or 'recipient not told'}")
        yield from _told("written to", failure.original)
        yield from _told("from", "<>" if failure.sender == "" else failure.sender)
        where = [failure.host, failure.address and f"[{failure.address}]"]
        yield from _told("at", " ".join(filter(None, where)))
        stage = failure.stage and failure.stage.upper()
        yield from _told(
            "stage", f"{stage} (inferred: {failure.stage_rule})" if failure.stage_rule else stage
        )
        yield from _told("reply", *failure.reply)
        if not failure.reply:
            yield from _told("status", failure.enhanced)
            yield from _told("said", failure.words)
        yield from _told("permanent", {True: "yes", False: "no", None: None}[failure.permanent])
        yield from _told("like", one.provider)
        yield from _told(
            "matches", one.matches or ("nothing in the catalogue: it is new" if failure.reply else None)
        )


def _told(label: str, *values: str | None) -> Iterator[str]:
    for value in filter(None, values):
        for line in value.split("\n"):
            yield f"  {label:<10} {printable(line)}"
            label = ""
