"""Faults on the way to a domain, as the test asks for them or at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_mailnet.dns.records import plain_name
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.faults import Chaos, DnsFault, Fault, FaultSchedule, fault_named
from pytest_mailnet.faults.disruption import Disruption
from pytest_mailnet.faults.schedule import Turns
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.record.journal import Incident

if TYPE_CHECKING:
    from pytest_mailnet.net.internet import Internet

__all__ = ["fail", "let_chaos_reign"]


def fail(
    net: Internet,
    name: str,
    fault: FaultName | Fault | DnsFault | FaultSchedule,
    times: int | None,
    seconds: float | None,
) -> Disruption:
    """Let a fault happen on the way to a domain; see `MailNet.fail`."""
    domain = plain_name(name.rpartition("@")[2])
    if isinstance(fault, FaultSchedule):
        if seconds is not None:
            raise InvalidSetting(
                f"mailnet.fail({domain!r}, {fault!r}, seconds={seconds!r}): a schedule takes no seconds; "
                "its late replies come 30 s late"
            )
        return _plan(net, domain, fault, times)
    known = fault_named(fault, seconds)
    if isinstance(known, DnsFault):
        if not net.dns.knows(domain):
            net.directory.host(domain)  # raises UnknownName, with the near misses
        return net.dns.fail(domain, known, times=times)
    failures = [host.fail(known, times) for host in net.directory.hosts_of(domain)]
    return Disruption(f"{known.id} at the hosts of {domain}", *(it.end for it in failures))


def let_chaos_reign(net: Internet, rate: float, seed: int | None) -> Chaos:
    """Let random faults happen; see `MailNet.chaos`."""
    chaos = net.weather.chaos = Chaos(net.random.getrandbits(32) if seed is None else seed, rate)
    net.journal.add(Incident(net.journal.elapsed(), "chaos", repr(chaos), fails=False))
    return chaos


def _plan(net: Internet, domain: str, schedule: FaultSchedule, tries: int | None) -> Disruption:
    steps = schedule.steps
    if tries is not None and len(steps) > tries:
        raise InvalidSetting(
            f"mailnet.fail({domain!r}, {schedule!r}, times={tries}): {len(steps)} steps are more than "
            f"{tries} tries can meet"
        )
    hosts = net.directory.hosts_of(domain)
    for step in steps:
        if isinstance(step, DnsFault):
            net.dns.prepared(domain, step)
        elif step is not None:
            for host in hosts:
                host.check(step)
    turns = Turns(domain, schedule)
    net.weather.plan(turns, (domain, *(host.name for host in hosts)))
    return Disruption(f"{schedule!r} of {domain}", turns.end)
