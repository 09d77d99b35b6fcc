"""A failure that was overheard and then raised as an exception, told once with what both know."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_mailnet.evidence.failure import Failure

__all__ = ["Witnesses"]

_MOST = 1000


class Witnesses:
    """What the lines of one session and the exceptions around it tell."""

    def __init__(self) -> None:
        self._overheard: list[Failure] = []
        self._excepted: list[Failure] = []

    def overheard(self, failures: Iterable[Failure]) -> None:
        """Note what the session's lines tell."""
        for failure in failures:
            if len(self._overheard) < _MOST:
                self._overheard.append(failure)

    def excepted(self, failures: Iterable[Failure]) -> None:
        """Note what an exception tells."""
        for failure in failures:
            if len(self._excepted) < _MOST:
                self._excepted.append(failure)

    def told(self) -> list[Failure]:
        """Hand out what they tell, each failure once."""
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
    # What stands between a reply's code and text, and behind it, is not kept by libraries.
    return tuple(f"{line[:4]}{line[4:].strip()}" for line in failure.reply)
