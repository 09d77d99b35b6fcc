"""All faults, by their ids."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pytest_mailnet.errors import InvalidSetting, UnknownName, amongst
from pytest_mailnet.faults.dns_fault import DnsFault, DnsManner
from pytest_mailnet.faults.fault import OF_A_DIAL, OF_TLS, Fault, Manner
from pytest_mailnet.handles.attributes import is_number
from pytest_mailnet.handles.names import FaultKind, FaultName, StageName
from pytest_mailnet.values import DELIVERY, OF_READING, Stage

__all__ = ["FAULTS", "READING_FAULTS", "fault_named", "faults_of"]

_AMID_CONTENT = (Manner.CLOSED, Manner.RESET, Manner.STALLED)
_KINDS = ("dns", "connection", "reply", "tls")
_STAGES = ("lookup", *(str(it) for it in Stage if it not in {Stage.OTHER, *OF_READING}))
_OF_A_RESPONSE = (
    Manner.CLOSED,
    Manner.RESET,
    Manner.STALLED,
    Manner.CUT,
    Manner.TRICKLING,
    Manner.UNENDED,
    Manner.RUBBISH,
    Manner.LATE,
)
_NOT_ASIDE = (Manner.EARLY, Manner.HALF_OPEN)


def _all() -> Iterator[Fault | DnsFault]:
    yield from map(DnsFault, DnsManner)
    for stage in map(Stage, _STAGES[1:]):
        if stage is Stage.MESSAGE:
            yield from (Fault(manner, stage, in_content=True) for manner in _AMID_CONTENT)
        yield from (Fault(manner, stage) for manner in Manner if _can_happen(manner, stage))


def _can_happen(manner: Manner, stage: Stage) -> bool:
    if manner in OF_A_DIAL or manner is Manner.SLOW:
        return stage is Stage.CONNECT
    if manner in OF_TLS:
        return stage is Stage.STARTTLS or (manner, stage) == (Manner.NO_CLOSE_NOTIFY, Stage.QUIT)
    if stage not in DELIVERY and manner in _NOT_ASIDE:
        return False
    return (manner, stage) != (Manner.EARLY, Stage.CONNECT)


FAULTS: Mapping[FaultName, Fault | DnsFault] = MappingProxyType({fault.id: fault for fault in _all()})
"""Every fault by its id, in the order of the stages."""


READING_FAULTS: Mapping[FaultName, Fault] = MappingProxyType(
    {fault.id: fault for fault in (Fault(manner, stage) for stage in OF_READING for manner in _OF_A_RESPONSE)}
)
"""The faults of sessions in which mail is read, besides those of connections, TLS and log-ins, by id."""

_KNOWN: Mapping[FaultName, Fault | DnsFault] = MappingProxyType({**FAULTS, **READING_FAULTS})


def fault_named(fault: FaultName | Fault | DnsFault, seconds: float | None = None) -> Fault | DnsFault:
    """A fault by its id. A fault itself is returned as it is.

    Args:
        fault: the fault, or its id.
        seconds: how late a late reply comes; None for the usual time.

    Raises:
        UnknownName: if no fault has that id; names the near misses.
        InvalidSetting: for a fault that cannot happen at its stage, or takes no seconds.
    """
    if seconds is not None:
        return _late(fault_named(fault), seconds)
    if isinstance(fault, Fault) and fault.seconds is not None:
        return _late(fault_named(dataclasses.replace(fault, seconds=None)), fault.seconds)
    if isinstance(fault, (Fault, DnsFault)):
        if fault != _KNOWN.get(fault.id):
            able = ", ".join(it.id for it in _KNOWN.values() if it.manner is fault.manner)
            raise InvalidSetting(f"{fault.id!r} cannot happen; what can is {able}")
        return fault
    if not isinstance(fault, str):
        raise InvalidSetting(f"{fault!r} is no fault; it takes one, or its id as in 'reset-after-dot'")
    if fault not in _KNOWN:
        raise UnknownName("fault", str(fault), _KNOWN, "`mailnet faults` lists them all.")
    return _KNOWN[fault]


def _late(fault: Fault | DnsFault, seconds: float) -> Fault:
    call = f"fail({fault.id!r}, seconds={seconds!r})"
    if not (isinstance(fault, Fault) and fault.manner is Manner.LATE):
        raise InvalidSetting(
            f"{call}: only a late reply takes seconds, as in fail('late-after-dot', seconds=90)"
        )
    if not is_number(seconds) or seconds <= 0:
        raise InvalidSetting(f"{call}: it takes a number of seconds above 0")
    return dataclasses.replace(fault, seconds=seconds)


def faults_of(
    *, stage: StageName | Stage | None = None, kind: FaultKind | None = None
) -> list[Fault | DnsFault]:
    """The faults of a stage, of a kind, or of both; all that a delivery can meet without either.

    Args:
        stage: "lookup", "connect", "rcpt", …; "select", "fetch" or "idle" where mail is read.
        kind: "dns", "connection", "reply" or "tls".

    Raises:
        InvalidSetting: for an unknown stage or kind (names the near misses), or if no fault is of both.
    """
    for what, given, known in (("stage", stage, (*_STAGES, *map(str, OF_READING))), ("kind", kind, _KINDS)):
        if given is not None and str(given) not in known:
            raise InvalidSetting(f"no {what} {given!r}{amongst(str(given), known)}")
    among = READING_FAULTS if stage in OF_READING else FAULTS
    found = [it for it in among.values() if stage in (None, it.stage) and kind in (None, it.kind)]
    if not found:
        kinds = ", ".join(dict.fromkeys(it.kind for it in among.values() if it.stage == stage))
        raise InvalidSetting(f"no fault at {stage} is of the kind {kind!r}; there it is {kinds}")
    return found
