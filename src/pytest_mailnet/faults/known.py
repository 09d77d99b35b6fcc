"""All faults, by their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pytest_mailnet.errors import InvalidSetting, UnknownName, amongst
from pytest_mailnet.faults.dns_fault import DnsFault, DnsManner
from pytest_mailnet.faults.fault import OF_A_DIAL, OF_TLS, Fault, Manner
from pytest_mailnet.handles.names import FaultKind, FaultName, StageName
from pytest_mailnet.values import Stage

__all__ = ["FAULTS", "fault_named", "faults_of"]

_AMID_CONTENT = (Manner.CLOSED, Manner.RESET, Manner.STALLED)
_KINDS = ("dns", "connection", "reply", "tls")
_STAGES = ("lookup", *map(str, Stage))


def _all() -> Iterator[Fault | DnsFault]:
    yield from map(DnsFault, DnsManner)
    for stage in Stage:
        if stage is Stage.MESSAGE:
            yield from (Fault(manner, stage, in_content=True) for manner in _AMID_CONTENT)
        yield from (Fault(manner, stage) for manner in Manner if _can_happen(manner, stage))


def _can_happen(manner: Manner, stage: Stage) -> bool:
    if manner in OF_A_DIAL or manner is Manner.SLOW:
        return stage is Stage.CONNECT
    if manner in OF_TLS:
        return stage is Stage.STARTTLS
    return (manner, stage) != (Manner.EARLY, Stage.CONNECT)


FAULTS: Mapping[FaultName, Fault | DnsFault] = MappingProxyType({fault.id: fault for fault in _all()})
"""Every fault by its id, in the order of the stages."""


def fault_named(fault: FaultName | Fault | DnsFault) -> Fault | DnsFault:
    """A fault by its id. A fault itself is returned as it is.

    Raises:
        UnknownName: if no fault has that id; names the near misses.
        InvalidSetting: for a fault that cannot happen at its stage.
    """
    if isinstance(fault, (Fault, DnsFault)):
        if fault != FAULTS.get(fault.id):
            able = ", ".join(it.id for it in FAULTS.values() if it.manner is fault.manner)
            raise InvalidSetting(f"{fault.id!r} cannot happen; what can is {able}")
        return fault
    if not isinstance(fault, str):
        raise InvalidSetting(f"{fault!r} is no fault; it takes one, or its id as in 'reset-after-dot'")
    if fault not in FAULTS:
        raise UnknownName("fault", str(fault), FAULTS, "pytest_mailnet.FAULTS has them all.")
    return FAULTS[fault]


def faults_of(
    *, stage: StageName | Stage | None = None, kind: FaultKind | None = None
) -> list[Fault | DnsFault]:
    """The faults of a stage, of a kind, or of both; all without either.

    Args:
        stage: "lookup", "connect", "rcpt", …
        kind: "dns", "connection", "reply" or "tls".

    Raises:
        InvalidSetting: for an unknown stage or kind (names the near misses), or if no fault is of both.
    """
    for what, given, known in (("stage", stage, _STAGES), ("kind", kind, _KINDS)):
        if given is not None and str(given) not in known:
            raise InvalidSetting(f"no {what} {given!r}{amongst(str(given), known)}")
    found = [it for it in FAULTS.values() if stage in (None, it.stage) and kind in (None, it.kind)]
    if not found:
        kinds = ", ".join(dict.fromkeys(it.kind for it in FAULTS.values() if it.stage == stage))
        raise InvalidSetting(f"no fault at {stage} is of the kind {kind!r}; there it is {kinds}")
    return found
