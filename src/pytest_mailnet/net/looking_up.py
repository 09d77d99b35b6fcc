"""What look-ups find: names and addresses of the net, and which names are left to the machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from pytest_mailnet.addresses import MAIL_PORTS, is_loopback
from pytest_mailnet.entry import Resolution, machine
from pytest_mailnet.net.internet import Internet
from pytest_mailnet.printable import printable
from pytest_mailnet.record.journal import Query
from pytest_mailnet.scripting.globs import matches
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.values import Endpoint

__all__ = ["LookingUp", "ascii_name"]

_DNS_PORT = 53


class LookingUp:
    """Answers the `NameQuestions` of one net. Called in the application's threads.

    Args:
        net: its zones, and the record of its questions.
        engine: knows where the name server listens.

    Attributes:
        passed_addresses: the addresses that the machine found for `pass_names`, each with its name. Used by
            single operations of a dict, which need no lock.
    """

    def __init__(self, net: Internet, engine: Engine) -> None:
        self._net = net
        self._engine = engine
        self.passed_addresses: dict[str, str] = {}

    def claims(self, name: str, port: int | None) -> bool:
        net = self._net
        if net.dns.has(ascii_name(name)):
            return True
        if _is_for_mail(port):
            return not machine.is_itself(name)
        if self._passes(name) or machine.knows(name):
            return False
        if net.config.other_ports == "closed":
            return True
        if port is None:
            return not machine.is_local(name)
        return net.dns.knows(ascii_name(name))

    def passed(self, name: str, addresses: Sequence[str]) -> None:
        if self._passes(name):
            self.passed_addresses.update(dict.fromkeys(addresses, name))

    def resolve(self, name: str, family: int, via: str, port: int | None) -> Resolution:
        net = self._net
        asked = ascii_name(name).rstrip(".")
        net.looked_up(via, asked)
        families = {socket.AF_INET: [4], socket.AF_INET6: [6]}.get(socket.AddressFamily(family), [6, 4])
        found: list[str] = []
        canonical, rcode = asked, "NOERROR"
        for version in families:
            fault = net.drawn_for_question(asked, "A" if version == 4 else "AAAA")
            answer = net.dns.addresses(asked, version, fault)
            rcode = answer.rcode
            net.journal.add(
                Query(
                    net.journal.elapsed(),
                    asked,
                    "A" if version == 4 else "AAAA",
                    answer.rcode,
                    answer.texts,
                    via,
                    None,
                    net.sender.ip,
                    f"dns-{answer.fault}" if answer.fault else "",
                )
            )
            if answer.rcode != "NOERROR":
                break
            canonical = answer.canonical
            found += answer.addresses
        if net.sender.ipv6 is None:
            found.sort(key=lambda ip: ":" in ip)  # RFC 6724, 6, rule 1: what cannot be reached comes last
        if found:
            return Resolution(tuple(found), canonical)
        if rcode not in {"NOERROR", "NXDOMAIN"}:
            why = f"Temporary failure in name resolution: {printable(asked)}: {rcode}"
            return Resolution((), asked, socket.EAI_AGAIN, why)
        why = net.directory.unknown_name(asked, rcode, for_mail=_is_for_mail(port))
        return Resolution((), asked, socket.EAI_NONAME, f"Name or service not known: {why}")

    def owns(self, ip: str) -> bool:
        return not is_loopback(ip)

    def reverse(self, ip: str, via: str) -> str | None:
        net = self._net
        asked = ipaddress.ip_address(ip).reverse_pointer
        net.looked_up("PTR", asked)
        answer = net.dns.lookup(asked, "PTR")
        texts = tuple(map(str, answer.answers))
        net.journal.add(
            Query(net.journal.elapsed(), asked, "PTR", answer.rcode, texts, via, None, net.sender.ip)
        )
        return answer.answers[-1].rdata.rstrip(".") if answer.answers else None

    def fqdn(self) -> str:
        return self._net.sender.helo

    def own_address(self) -> str:
        sender = self._net.sender
        return "" if "." in sender.helo else sender.ip

    def has_ipv6(self) -> bool:
        return self._net.sender.ipv6 is not None

    def name_server(self) -> Endpoint:
        return self._engine.dns

    def _passes(self, name: str) -> bool:
        return any(matches(it, name.rstrip(".")) for it in self._net.config.pass_names)


def ascii_name(name: str) -> str:
    """A host name as DNS has it, with labels of other letters encoded (IDNA)."""
    return name if name.isascii() else name.encode("idna").decode("ascii")


def _is_for_mail(port: int | None) -> bool:
    return port in MAIL_PORTS or port == _DNS_PORT
