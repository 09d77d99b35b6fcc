"""The command `mailnet reproduce`: reads evidence, and writes the failures as text, tests, TOML or JSON."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import BinaryIO, TextIO, cast

from pytest_mailnet.cli.progress import Progress
from pytest_mailnet.errors import EvidenceError
from pytest_mailnet.evidence import Failure, NoFailure
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.passages import Tape
from pytest_mailnet.evidence.sources import STANDARD_INPUT, EvidenceSource, sources_at
from pytest_mailnet.providers import Catalogue, catalogue_with
from pytest_mailnet.reproduce.anonymise import Anonymity
from pytest_mailnet.reproduce.as_document import as_json, as_toml
from pytest_mailnet.reproduce.as_test import as_test
from pytest_mailnet.reproduce.as_text import as_text
from pytest_mailnet.reproduce.explain import Explanation
from pytest_mailnet.reproduce.match import Recognised, Recogniser
from pytest_mailnet.reproduce.plan import plan_for

__all__ = ["run"]

_WIDTH = 120  # of what is written to no terminal


def run(
    paths: Sequence[str],
    *,
    form: str,
    anonymise: bool,
    explain: bool,
    queue_ids: Sequence[str],
    out: TextIO,
    err: TextIO,
) -> int:
    """Read evidence, and write its failures.

    Args:
        paths: files and folders; "-" is standard input.
        form: "text", "test", "toml" or "json".
        anonymise: whether to replace addresses, hosts, ids and names of files.
        explain: whether to tell of each value where it stands; of form "text", and with real names.
        queue_ids: in logs, read only the mails with these queue ids or Message-IDs; empty for all.
        out: the stream for the failures.
        err: the stream for progress, and for files without a failure.

    Returns:
        The exit status: 2 if a file could not be read; otherwise 0 if a failure was found, 1 if none was.

    Raises:
        EvidenceError: if there is nothing at a path, with near misses; if there is no file in the folders;
            or if standard input is closed or given twice; if `explain` goes with neither form nor names.
    """
    if explain and (anonymise or form != "text"):
        other = "--anonymise, which takes the names out of them" if anonymise else f"--as {form}"
        raise EvidenceError(
            f"--explain shows the lines of the evidence, in a text: it does not go with {other}"
        )
    catalogue = catalogue_with()
    if STANDARD_INPUT in paths and sys.stdin is None:
        raise EvidenceError("there is no standard input: it is closed")
    if STANDARD_INPUT in paths and sys.stdin.isatty():
        err.write("reading from the terminal; Ctrl-D ends it, Ctrl-C breaks off\n")
    sources = list(sources_at(paths, sys.stdin.buffer if STANDARD_INPUT in paths else None))
    if not sources:
        raise EvidenceError(f"there is no file in {' and '.join(paths)}")
    reading = _Reading(sources, err, frozenset(queue_ids), explain=explain)
    recognised: Iterable[Recognised] = map(Recogniser(catalogue).recognise, reading.failures())
    nothing: Iterable[NoFailure] = reading.nothing
    if anonymise:
        anonymity = Anonymity(catalogue)
        recognised = (replace(it, failure=anonymity.nameless(it.failure)) for it in recognised)
        nothing = map(anonymity.nameless_nothing, nothing)
    explained = reading.explained if explain else _unexplained
    for piece in _written(form, recognised, catalogue, explained):
        if out.isatty():  # the bar and the output would mix
            reading.progress.clear()
        out.write(piece)
    reading.progress.clear()
    err.writelines(f"{it}\n" for it in nothing)
    if any(it.unread for it in reading.nothing):
        return 2
    return 0 if reading.found else 1


class _Reading:
    """Reads sources, counts their failures, and keeps the results without one."""

    def __init__(
        self, sources: Sequence[EvidenceSource], err: TextIO, queue_ids: frozenset[str], *, explain: bool
    ) -> None:
        self._sources, self._queue_ids, self._explain = sources, queue_ids, explain
        self._tape = Tape(io.BytesIO())
        self._explanation = Explanation(0)
        self.progress = Progress(sum(it.size for it in sources), err)
        self.nothing: list[NoFailure] = []
        self.found = 0

    def failures(self) -> Iterator[Failure]:
        for source in self._sources:
            taped = replace(source, open=partial(self._opened, source)) if self._explain else source
            for outcome in outcomes_of(taped, self.progress.add, self._queue_ids):
                if isinstance(outcome, NoFailure):
                    self.nothing.append(outcome)
                else:
                    self.found += 1
                    yield outcome

    def explained(self, failure: Failure) -> Iterator[str]:
        """The lines that explain the failure that was read last."""
        return self._explanation.of(failure, self._tape.passages)

    def _opened(self, source: EvidenceSource) -> BinaryIO:
        self._tape = Tape(source.open())
        self._explanation = Explanation(shutil.get_terminal_size((_WIDTH, 24)).columns)
        return cast("BinaryIO", self._tape)


def _unexplained(_: Failure) -> Iterator[str]:
    return iter(())


def _written(
    form: str,
    recognised: Iterable[Recognised],
    catalogue: Catalogue,
    explained: Callable[[Failure], Iterable[str]],
) -> Iterator[str]:
    if form == "json":
        return as_json(recognised)
    if form == "test":
        lines = as_test(plan_for(one, catalogue) for one in recognised)
    else:
        lines = as_toml(recognised) if form == "toml" else as_text(recognised, explained)
    return (f"{line}\n" for line in lines)
