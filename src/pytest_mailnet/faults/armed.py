"""The faults that a test sets for a host, and how often they happen."""

from __future__ import annotations

import copy
import errno
from collections.abc import Callable, Mapping
from types import MappingProxyType

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.faults.fault import OF_A_DIAL, OF_A_HANDSHAKE, OF_TLS, Fault, Manner
from pytest_mailnet.handles.attributes import is_whole
from pytest_mailnet.system.native import Lock
from pytest_mailnet.values import Stage

__all__ = ["Armed"]

_OF_A_DIAL: Mapping[Fault, int] = MappingProxyType(
    {
        Fault(Manner.REFUSED, Stage.CONNECT): errno.ECONNREFUSED,
        Fault(Manner.UNREACHABLE, Stage.CONNECT): errno.EHOSTUNREACH,
        Fault(Manner.NO_ROUTE, Stage.CONNECT): errno.ENETUNREACH,
        Fault(Manner.DROPPED, Stage.CONNECT): errno.ETIMEDOUT,
    }
)
_RESET_AT_ONCE = Fault(Manner.RESET, Stage.CONNECT)
_UNCLOSED = Fault(Manner.NO_CLOSE_NOTIFY, Stage.QUIT)
_NOT_AT_A_REPLY = frozenset({*OF_A_DIAL, *OF_TLS, Manner.SLOW, Manner.EARLY})
_NOT_WHERE_MAIL_IS_READ = _NOT_AT_A_REPLY | {Manner.MISCONTINUED}

# After which stages a client is at a stage next, where nothing is offered that it would do before.
_BEFORE: Mapping[Stage, tuple[Stage, ...]] = MappingProxyType(
    {
        Stage.EHLO: (Stage.CONNECT,),
        Stage.STARTTLS: (Stage.EHLO,),
        Stage.AUTH: (Stage.EHLO,),
        Stage.MAIL: (Stage.EHLO, Stage.AUTH),
        Stage.RCPT: (Stage.MAIL,),
        Stage.DATA: (Stage.RCPT,),
        Stage.MESSAGE: (Stage.DATA,),
    }
)
_OFFERED_BEFORE: Mapping[Stage, tuple[bytes, ...]] = MappingProxyType(
    {Stage.AUTH: (b"STARTTLS",), Stage.MAIL: (b"STARTTLS", b"AUTH ")}
)
_ORDER = tuple(Stage)
_ALL_PASS = frozenset({Stage.CONNECT, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA})
"""The stages that every session comes to."""


class Armed:
    """The faults of one host.

    Args:
        lock: guards the counts, since the test adds while servers and dialling threads take. All hosts of a
            net share one, because making a lock takes as long as making a host.
    """

    __slots__ = ("_left", "_lock", "_own")

    def __init__(self, lock: Lock) -> None:
        self._left: dict[Fault, int | None] = {}
        self._lock = lock
        self._own: set[Fault] = set()

    def with_drawn(self, drawn: Fault | None) -> Armed:
        """The faults of one connection: the host's, and the one drawn for it."""
        if drawn is None:
            return self
        of_one = copy.copy(self)
        of_one._own = {drawn}  # noqa: SLF001  # the rest is shared
        return of_one

    def add(self, fault: Fault, times: int | None) -> None:
        """Let a fault happen.

        Args:
            fault: the fault.
            times: how often, in addition to the times that are left; None until `end` or `clear`.

        Raises:
            InvalidSetting: if `times` is no whole number from 1, or another fault always happens first.
        """
        if times is not None and not (is_whole(times) and times >= 1):
            raise InvalidSetting(f"fail({fault.id!r}, times={times!r}): a fault happens 1 time or more")
        with self._lock:
            for other, left in self._left.items():
                if left is None and _goes_before(other, fault) and (other != fault or times is not None):
                    raise InvalidSetting(
                        f"fail({fault.id!r}): that would never happen, since {other.id!r} was asked for "
                        "first, for good: that takes times=1, .end() or .accept_connections() to have an end"
                    )
            left = self._left.pop(fault, 0)
            self._left[fault] = None if times is None or left is None else left + times

    def end(self, fault: Fault) -> None:
        """Let a fault happen no more."""
        with self._lock:
            self._left.pop(fault, None)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._left.clear()

    def dial(self) -> tuple[int, str] | None:
        """Count a connection that is made now.

        Returns:
            The errno that it fails with, and why; None if it does not fail. ETIMEDOUT means that it is never
            answered.
        """
        if not self:
            return None
        fault = self._first(lambda fault: fault in _OF_A_DIAL)
        if fault is None:
            return None
        return _OF_A_DIAL[fault], f"{fault.does}, as the test has it: {fault.id}"

    def resets_at_once(self) -> bool:
        """Whether a connection that is made now is reset before it is greeted; not counted."""
        return _RESET_AT_ONCE in self._own or self._left.get(_RESET_AT_ONCE, 0) != 0

    def slow(self) -> Fault | None:
        """The fault of the link, if it has one; counted."""
        return self._first(lambda fault: fault.manner is Manner.SLOW)

    def at(self, stage: Stage, *, in_content: bool = False, smtp: bool = True) -> Fault | None:
        """The fault of a reply, or of the content; counted.

        Args:
            stage: the stage whose reply is due.
            in_content: whether content is being received instead.
            smtp: whether the reply is one of SMTP, which can have a further line with another code.
        """
        without = _NOT_AT_A_REPLY if smtp else _NOT_WHERE_MAIL_IS_READ
        return self._first(
            lambda fault: (
                (fault.stage, fault.in_content) == (stage, in_content) and fault.manner not in without
            )
        )

    def early(self, stage: Stage, reply: bytes) -> Fault | None:
        """The fault that sends the next stage's reply right behind this one; counted.

        Args:
            stage: the stage of this reply.
            reply: its bytes; they show what the client may do next.
        """
        return self._first(
            lambda fault: (
                fault.manner is Manner.EARLY
                and stage in _BEFORE[fault.stage]
                and not any(keyword in reply for keyword in _OFFERED_BEFORE.get(fault.stage, ()))
                and (fault.stage is not Stage.STARTTLS or b"STARTTLS" in reply)
            )
        )

    def stripped(self) -> Fault | None:
        """The fault that hides STARTTLS from a client, if there is one; counted."""
        return self._first(lambda fault: fault.manner is Manner.STRIPPED)

    def tls(self) -> Fault | None:
        """The fault of the handshake that begins, or of what follows it; counted."""
        return self._first(lambda fault: fault.manner in OF_A_HANDSHAKE and fault.stage is Stage.STARTTLS)

    def unclosed(self) -> Fault | None:
        """The fault that ends an encrypted connection without a close_notify after QUIT; counted."""
        return self._first(lambda fault: fault == _UNCLOSED)

    def _first(self, fits: Callable[[Fault], bool]) -> Fault | None:
        for fault in (*self._own, *self._left):
            if fits(fault) and self._take(fault):
                return fault
        return None

    def _take(self, fault: Fault) -> bool:
        if fault in self._own:  # of one connection, which one thread serves
            self._own.discard(fault)
            return True
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
        return bool(self._left or self._own)


def _goes_before(other: Fault, fault: Fault) -> bool:
    """Whether a fault that happens every time leaves no connection for another."""
    if _place(other) == _place(fault):
        return True
    ends = other.taken is not None and other.stage in _ALL_PASS and other.manner not in OF_TLS
    return ends and _ORDER.index(other.stage) < _ORDER.index(fault.stage)


def _place(fault: Fault) -> object:
    """What one fault at a time happens to."""
    if fault.manner in OF_A_DIAL:
        return OF_A_DIAL
    if fault.manner in OF_A_HANDSHAKE and fault.stage is Stage.STARTTLS:
        return OF_A_HANDSHAKE
    apart = fault.manner if fault.manner in _NOT_AT_A_REPLY else None
    return fault.stage, fault.in_content, apart
