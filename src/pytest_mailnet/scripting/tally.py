"""How often a scripted answer is given."""

from __future__ import annotations

from pytest_mailnet.system.native import lock

__all__ = ["Tally"]


class Tally:
    """The counts of one scripted answer. It has a lock: the servers count, the test reads and re-scripts.

    Attributes:
        times: how often the answer is given; None for every time.
        after: how many matches pass first.
        given: how often it was given so far.
    """

    def __init__(self) -> None:
        self.times: int | None = None
        self.after: int = 0
        self.given: int = 0
        self._matched = 0
        self._lock = lock()

    @property
    def spent(self) -> bool:
        """Whether the answer was given as often as it may be."""
        return self.times is not None and self.given >= self.times

    def take(self) -> int | None:
        """Count a match.

        Returns:
            The turn of the answer, from 0; None if the match passes.
        """
        with self._lock:
            if self.spent:
                return None
            self._matched += 1
            if self._matched <= self.after:
                return None
            self.given += 1
            return self.given - 1

    @property
    def missing(self) -> str:
        """The times that are still expected: "was given 0 of 1 time"; "" if there are none."""
        if self.times is None or self.spent:
            return ""
        return f"was given {self.given} of {_in_words(self.times)}"


def _in_words(times: int) -> str:
    return "1 time" if times == 1 else f"{times} times"
