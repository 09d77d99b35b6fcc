"""Merges a failure in a session's lines with the exception that it raised."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_mailnet.evidence.failure import Failure

__all__ = ["Witnesses"]

_MOST = 1000


class Witnesses:
    """Collects the failures in one session's lines and those in the exceptions around it."""

    def __init__(self) -> None:
        self._overheard: list[Failure] = []
        self._excepted: list[Failure] = []

    def overheard(self, failures: Iterable[Failure]) -> None:
        """Add failures from the session's lines."""
        for failure in failures:
            if len(self._overheard) < _MOST:
                self._overheard.append(failure)

    def excepted(self, failures: Iterable[Failure]) -> None:
        """Add failures from an exception."""
        for failure in failures:
            if len(self._excepted) < _MOST:
                self._excepted.append(failure)

    def take_failures(self) -> list[Failure]:
        """Return all failures since the last call, each once, with the facts of both sides."""
        overheard, excepted = self._overheard, self._excepted
        self._overheard, self._excepted = [], []
        only_excepted = []
        for failure in excepted:
            same = [at for at, it in enumerate(overheard) if _is_same(it, failure)]
            for at in same:
                overheard[at] = overheard[at].completed_by(failure)
            if not same:
                only_excepted.append(failure)
        return overheard + only_excepted


def _is_same(one: Failure, other: Failure) -> bool:
    for name in ("recipient", "stage"):
        values = {getattr(one, name), getattr(other, name)} - {None}
        if len(values) > 1:
            return False
    return _plain(one) == _plain(other)


def _plain(failure: Failure) -> tuple[str, ...]:
    # Libraries do not keep the separator behind a reply's code, nor blanks at the end.
    return tuple(f"{line[:4]}{line[4:].strip()}" for line in failure.reply)
