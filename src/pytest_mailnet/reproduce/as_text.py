"""Writes failures as text for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pytest_mailnet.evidence import Failure
from pytest_mailnet.printable import printable
from pytest_mailnet.reproduce.match import Recognised

__all__ = ["as_text"]


def as_text(
    recognised: Iterable[Recognised], explained: Callable[[Failure], Iterable[str]] = lambda _: ()
) -> Iterator[str]:
    """Some printable lines for each failed recipient; unknown facts are left out.

    What it was read as is told once where it is the same for several of a file.

    Args:
        recognised: the failures.
        explained: gives further lines about a failure.
    """
    told: tuple[object, ...] = ()
    for number, one in enumerate(recognised):
        if number:
            yield ""
        failure = one.failure
        yield printable(f"{failure.file}: {failure.recipient or 'recipient not told'}")
        last, told = told, (failure.file, failure.read_as, failure.left_out)
        if told != last:
            yield from _told("read as", ", ".join(failure.read_as))
            yield from _told("left out", "; ".join(failure.left_out))
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
        if lines := list(explained(failure)):
            yield ""
            yield from lines


def _told(label: str, *values: str | None) -> Iterator[str]:
    for value in filter(None, values):
        for line in value.split("\n"):
            yield f"  {label:<10} {printable(line)}"
            label = ""
