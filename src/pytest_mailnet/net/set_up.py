"""The set-up of production's failures in a net."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_mailnet.dns.records import plain_name
from pytest_mailnet.errors import AddressInUse, EvidenceError
from pytest_mailnet.evidence import Failure, NoFailure
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.sources import sources_at
from pytest_mailnet.providers import Catalogue
from pytest_mailnet.reproduce import Recogniser, plan_for
from pytest_mailnet.reproduce.plan import PASSWORD, Operated, Own, Plan
from pytest_mailnet.values import literal

if TYPE_CHECKING:
    from pytest_mailnet.net.inhabitants import Inhabitants
    from pytest_mailnet.providers import Provider
    from pytest_mailnet.providers.agent import Agent

__all__ = ["reproduce_in"]


def reproduce_in(
    net: Inhabitants, evidence: Iterable[str | os.PathLike[str] | Failure], catalogue: Catalogue
) -> list[Failure]:
    """Make the failures in evidence happen again in a net.

    Args:
        net: the net.
        evidence: paths of files or folders, or failures that have been read already.
        catalogue: the net's providers.

    Returns:
        The failures, one for each failed recipient.

    Raises:
        EvidenceError: for a missing path, a file that cannot be read, or one without a failure.
    """
    __tracebackhide__ = True
    recogniser = Recogniser(catalogue)
    failures: list[Failure] = []
    for given in evidence:
        failures += _failures(given)
    recognised = list(map(recogniser.recognise, failures))
    for one in recognised:
        _set_up(net, plan_for(one, catalogue))
    return [one.failure for one in recognised]


def _failures(given: str | os.PathLike[str] | Failure) -> list[Failure]:
    __tracebackhide__ = True
    if isinstance(given, Failure):
        return [given]
    if not isinstance(given, (str, os.PathLike)):
        raise EvidenceError(
            f"mailnet.reproduce({given!r}): it takes paths of evidence, and failures as it returns them"
        )
    sources = list(sources_at([given]))
    outcomes = [outcome for source in sources for outcome in outcomes_of(source)]
    unread = [str(it) for it in outcomes if isinstance(it, NoFailure) and it.unread]
    if unread:
        raise EvidenceError("; ".join(unread))
    found = [it for it in outcomes if isinstance(it, Failure)]
    if not found:
        told = "; ".join(map(str, outcomes)) or f"{given}: there is no file in it"
        raise EvidenceError(told, section="no-failure-is-found")
    return found


def _set_up(net: Inhabitants, plan: Plan) -> None:
    """Let a failure happen in a net to an application that does what was done in production."""
    server = plan.server
    agent = _operated(net, plan, server) if isinstance(server, Operated) else _own(net, server)
    if plan.fault:
        # A test's own relay, and a submission server, are no MX of the recipient's domain.
        net.fail(plan.domain if plan.by_mx else server.host, plan.fault)
    else:
        getattr(agent, plan.method)(plan.match).reply(literal(plan.reply))


def _operated(net: Inhabitants, plan: Plan, server: Operated) -> Agent:
    provider = net.provider(server.name)
    if server.alias and plain_name(server.alias) not in net.dns.names:
        net.dns.add(server.alias, "CNAME", server.host)
    if server.submission:
        provider.add_mailbox(plan.sender, password=PASSWORD)
        return provider.submission
    if server.joins and plain_name(server.joins) not in provider.domains:
        _join(net, provider, server)
    provider.add_mailbox(plan.recipient)
    return provider


def _join(net: Inhabitants, provider: Provider, server: Operated) -> None:
    if server.customer:
        net.add_domain(server.joins, on=server.name)
    else:
        net.dns.add(server.joins, "MX", f"10 {server.host}")
        provider.add_domain(server.joins)


def _own(net: Inhabitants, server: Own) -> Agent:
    standing = next((it for it in net.hosts if it.name == server.host), None)
    if standing is None:
        try:
            return net.add_server(server.host, domain=server.domain or (), ip=server.address or ())
        except AddressInUse:  # another host of this net has it: two pieces of evidence may name one address
            return net.add_server(server.host, domain=server.domain or ())
    provider = standing.provider
    if server.domain and plain_name(server.domain) not in provider.domains:
        net.dns.add(server.domain, "MX", f"10 {server.host}")
        provider.add_domain(server.domain)
    return provider
