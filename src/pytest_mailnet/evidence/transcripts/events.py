"""Events of error trackers and structured logs: JSON that contains an exception, or the text of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import DocumentFormat
from pytest_mailnet.evidence.transcripts.exceptions import Frame, Raised, failures_of
from pytest_mailnet.evidence.transcripts.one_mail import each_once
from pytest_mailnet.evidence.transcripts.python_code import Call, sending
from pytest_mailnet.evidence.transcripts.python_output import PYTHON

__all__ = ["EVENTS"]

_MOST_VALUES = 20_000
_DEEPEST = 12
_MOST_IN_CHAIN = 50
_MOST_FRAMES = 300
_LONGEST = 1 << 16
_OF_TRACKERS = frozenset({"event_id", "eventID", "culprit", "logentry", "level", "logger"})
_OF_EXCEPTIONS = frozenset(
    {"exc_info", "exception", "traceback", "stack_trace", "stacktrace", "stack", "exc_text", "exc_value"}
)


def _objects(document: Any, *, exceptions: bool = True) -> Iterator[Any]:
    """A document and the objects and arrays in it, outer ones first, with or without Sentry's exceptions."""
    level, seen = [document], 0
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for it in level:
            if not exceptions and _is_exception(it):
                continue
            yield it
            values = it.values() if isinstance(it, dict) else it
            inner += [value for value in values if isinstance(value, dict | list)]
            seen += len(values)
            if seen > _MOST_VALUES:
                return
        level = inner


def _chains(document: Any) -> Iterator[list[dict[str, Any]]]:
    """The chains of exceptions in Sentry's form: a cause stands before the exception that it caused."""
    for it in _objects(document):
        values = it if isinstance(it, list) else [it] if "stacktrace" in it else []
        chain = [value for value in values[:_MOST_IN_CHAIN] if _is_exception(value)]
        if chain:
            yield chain


def _is_exception(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("type"), str)
        and isinstance(value.get("value"), str)
        and (not value.keys().isdisjoint({"stacktrace", "mechanism", "module"}) or len(value) == 2)
    )


def _frames(value: dict[str, Any]) -> list[dict[str, Any]]:
    trace = value.get("stacktrace")
    frames = trace.get("frames") if isinstance(trace, dict) else None
    return [it for it in frames[-_MOST_FRAMES:] if isinstance(it, dict)] if isinstance(frames, list) else []


def _frame(value: dict[str, Any]) -> Iterator[Frame]:
    named = (value.get(name) for name in ("abs_path", "absPath", "filename", "module"))
    file = next((it for it in named if isinstance(it, str) and it), None)
    function, lines = value.get("function"), value.get("context")
    code = value.get("context_line")
    # Sentry's API has pairs of a number and a line.
    for it in lines[:50] if isinstance(lines, list) and not isinstance(code, str) else ():
        match it:
            case [int(number), str(line)] if number == value.get("lineNo"):
                code = line
    if file is not None and isinstance(function, str):
        yield Frame(file[:1000], function[:200], code.strip()[:2000] if isinstance(code, str) else "")


def _calls(value: dict[str, Any]) -> Iterator[Call]:
    """Calls of `sendmail`, from the local variables in its frames."""
    for frame in _frames(value):
        variables = frame.get("vars")
        if isinstance(variables, dict) and frame.get("function") == "sendmail":
            yield sending(
                variables.get("from_addr", variables.get("sender")),
                variables.get("to_addrs", variables.get("recipients")),
            )


def _texts(document: Any) -> Iterator[str]:
    for it in _objects(document, exceptions=False):
        yield from (
            value for value in (it.values() if isinstance(it, dict) else it) if isinstance(value, str)
        )
        if isinstance(it, list) and it and all(isinstance(line, str) for line in it):
            yield "\n".join(it)  # a traceback as an array of its lines


def _told(document: Any) -> Iterator[Failure]:
    for values in _chains(document):
        chain = [
            Raised(
                it["type"][:200].rpartition(".")[2],
                it["value"][:_LONGEST],
                tuple(frame for one in _frames(it) for frame in _frame(one)),
            )
            for it in values
        ]
        for failure in failures_of(chain, [call for it in values for call in _calls(it)]):
            yield dataclasses.replace(failure, read_as=("a Sentry event",))
    for text in _texts(document):
        if PYTHON.recognises(text[:_LONGEST]):
            yield from PYTHON.failures(text[: 1 << 20].splitlines())


def _recognises(document: Any) -> bool:
    if not isinstance(document, dict | list):
        return False
    if isinstance(document, dict) and not _OF_TRACKERS.isdisjoint(document):
        return True
    named = (isinstance(it, dict) and not _OF_EXCEPTIONS.isdisjoint(it) for it in _objects(document))
    if any(named) or next(_chains(document), None) is not None:
        return True
    return any(PYTHON.recognises(text[:_LONGEST]) for text in _texts(document))


EVENTS = (
    DocumentFormat(
        name="an event of an error tracker or a structured log",
        missing="no exception in it tells of a mail that failed",
        recognises=_recognises,
        failures=lambda document: iter(each_once(_told(document))),
    ),
)
"""Events of Sentry and similar trackers, and objects of structured logs."""
