"""Sets of message numbers and UIDs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.imap.sequence_set import SequenceSet

_NUMBERS = st.sets(st.integers(1, 60))
_RANGES = st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), min_size=1)


def test_the_example_of_the_rfc_holds_for_fifteen_messages():
    assert SequenceSet.parse("2,4:7,9,12:*").among(range(1, 16)) == [2, 4, 5, 6, 7, 9, 12, 13, 14, 15]


@pytest.mark.parametrize(
    ("written", "existing", "numbers"),
    [
        ("*", [3, 5], [5]),
        ("*", [], []),
        ("9:*", [3, 5], [5]),  # RFC 3501, 6.4.8: "*" is the largest, and the order of a range is nothing
        ("5:3", [1, 3, 4, 9], [3, 4]),
        ("1:3,2:4,3", [1, 2, 3, 4], [1, 2, 3, 4]),
        ("7,1", [1, 7], [1, 7]),
        ("6", [5, 7], []),
    ],
)
def test_only_what_exists_is_in_a_set(written, existing, numbers):
    assert SequenceSet.parse(written).among(existing) == numbers


@pytest.mark.parametrize("written", ["", "0", "1,", "1:", ":2", "1:2:3", "4294967296", "a", "01", "1 2", "²"])
def test_what_is_no_set_says_so(written):
    with pytest.raises(ValueError, match=r"is no range of numbers|is too large"):
        SequenceSet.parse(written)


@given(_RANGES, _NUMBERS)
def test_a_set_has_what_its_ranges_have(ranges, numbers):
    existing = sorted(numbers)
    last = max(existing, default=0)

    found = SequenceSet(tuple(ranges)).among(existing)

    pairs = [sorted((first or last, second or last)) for first, second in ranges]
    assert found == [it for it in existing if any(low <= it <= high for low, high in pairs)]


@given(_NUMBERS)
def test_a_set_that_is_written_is_read_as_the_same(numbers):
    written = str(SequenceSet.of(sorted(numbers or {1})))

    assert SequenceSet.parse(written).among(range(1, 100)) == sorted(numbers or {1})


def test_neighbours_are_written_as_a_range():
    assert str(SequenceSet.of([1, 2, 3, 5, 8, 9])) == "1:3,5,8:9"
    assert str(SequenceSet.parse("4:*,*")) == "4:*,*"


def test_a_huge_range_takes_no_time():
    started = time.perf_counter()

    found = SequenceSet.parse(",".join(["1:4294967295"] * 10_000)).among([5, 4_000_000_000])

    assert found == [5, 4_000_000_000]
    assert time.perf_counter() - started < 1
