"""The faults that a test has a host give, and how often."""

from __future__ import annotations

import errno
import threading
from collections.abc import Mapping
from types import MappingProxyType

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.faults.catalogue import fault_named
from pytest_mailnet.faults.fault import Fault, Manner
from pytest_mailnet.model import Stage

__all__ = ["Armed"]

_ERRNO: Mapping[Manner, int] = MappingProxyType(
    {
        Manner.REFUSED: errno.ECONNREFUSED,
        Manner.UNREACHABLE: errno.EHOSTUNREACH,
        Manner.NO_ROUTE: errno.ENETUNREACH,
    }
)


class Armed:
    """The faults of one host. One lock: the test adds, servers and dialling threads take."""

    __slots__ = ("_left", "_lock")

    def __init__(self) -> None:
        self._left: dict[Fault, int | None] = {}
        self._lock = threading.Lock()

    def add(self, fault: Fault | str, times: int | None) -> None:
        """Have a fault happen so many times, or (None) until `clear`.

        Raises:
            UnknownName: if there is no such fault.
            InvalidSetting: for a number of times below 1.
        """
        known = fault_named(fault)
        if times is not None and times < 1:
            raise InvalidSetting(f"fail({known.id!r}, times={times!r}): a fault happens 1 time or more")
        with self._lock:
            self._left[known] = times

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._left = {}

    def dial(self) -> tuple[int, str] | None:
        """With which error a connection fails, and why; None where it does not."""
        for manner, number in _ERRNO.items():
            fault = Fault(manner, Stage.CONNECT)
            if self._take(fault):
                return number, f"{fault.does}, as the test has it: {fault.id}"
        return None

    def at(self, stage: Stage, *, in_content: bool = False) -> Fault | None:
        """The fault that happens now, if one does; counted."""
        for fault in list(self._left):
            at = (fault.stage, fault.in_content) == (stage, in_content)
            if at and fault.manner not in _ERRNO and self._take(fault):
                return fault
        return None

    def _take(self, fault: Fault) -> bool:
        if fault not in self._left:
            return False
        with self._lock:
            left = self._left.get(fault, 0)
            if left == 0:
                return False
            if left is not None:
                self._left[fault] = left - 1
            return True

    def __bool__(self) -> bool:
        return bool(self._left)
