"""A planned failure, put into a net."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_mailnet.errors import AddressInUse
from pytest_mailnet.model import Stage, literal
from pytest_mailnet.reproduction.plan import PASSWORD, Operated, Own, Plan

if TYPE_CHECKING:
    from pytest_mailnet.population import Population
    from pytest_mailnet.providers import Provider
    from pytest_mailnet.providers.agent import Agent

__all__ = ["ANSWERS", "stage_in"]

ANSWERS: Mapping[Stage, str] = MappingProxyType({stage: f"on_{stage}" for stage in Stage})
"""The method of a provider by which each stage is scripted."""


def stage_in(net: Population, plan: Plan) -> None:
    """Let a failure happen in a net to whoever does what was done in production."""
    server = plan.server
    agent = _operated(net, plan, server) if isinstance(server, Operated) else _own(net, server)
    if plan.fault:
        # A relay of one's own, and a submission server, are no MX of the recipient's.
        net.fail(plan.domain if plan.by_mx else server.host, plan.fault)
    else:
        getattr(agent, ANSWERS[plan.stage])(plan.match).reply(literal(plan.reply))


def _operated(net: Population, plan: Plan, server: Operated) -> Agent:
    provider = net.provider(server.name)
    if server.alias and not net.dns.types(server.alias):
        net.dns.add(server.alias, "CNAME", server.host)
    if server.submission:
        provider.add_mailbox(plan.sender, password=PASSWORD)
        return net.host(server.host).agent
    if server.joins and not provider.is_local(server.joins):
        _join(net, provider, server)
    provider.add_mailbox(plan.recipient)
    return provider


def _join(net: Population, provider: Provider, server: Operated) -> None:
    if server.customer:
        net.add_domain(server.joins, on=server.name)
    else:
        net.dns.add(server.joins, "MX", f"10 {server.host}")
        provider.add_domain(server.joins)


def _own(net: Population, server: Own) -> Agent:
    standing = next((it for it in net.hosts if it.name == server.host), None)
    if standing is None:
        try:
            return net.add_server(server.host, domain=server.domain or (), ip=server.address or ())
        except AddressInUse:  # by another host of this net: two pieces of evidence may name one address
            return net.add_server(server.host, domain=server.domain or ())
    provider = standing.provider
    if server.domain and not provider.is_local(server.domain):
        net.dns.add(server.domain, "MX", f"10 {server.host}")
        provider.add_domain(server.domain)
    return provider
