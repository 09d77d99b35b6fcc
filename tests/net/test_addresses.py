"""The address book of a net: how many hosts there can be, and to whom an address belongs."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from pytest_mailnet.addresses import Routes, address_pool
from pytest_mailnet.errors import AddressInUse, InvalidAddress


@dataclasses.dataclass(eq=False)
class Host:
    name: str


def test_a_net_that_has_used_up_its_addresses_says_so():
    routes = Routes(iter(["192.0.2.1"]))
    assert routes.allocate(Host("mx1.shop.example")) == "192.0.2.1"

    with pytest.raises(
        AddressInUse, match="this net has used up its addresses; give further hosts theirs by ip="
    ):
        routes.allocate(Host("mx2.shop.example"))


def test_an_address_that_somebody_has_claimed_is_passed_over():
    routes = Routes(iter(["192.0.2.1", "192.0.2.2"]))
    routes.claim("192.0.2.1", Host("mx1.shop.example"))

    assert routes.allocate(Host("mx2.shop.example")) == "192.0.2.2"


@pytest.mark.parametrize(
    ("ip", "kind"),
    [
        ("127.0.0.1", "a loopback"),
        ("127.1.2.3", "a loopback"),
        ("::1", "a loopback"),
        ("::ffff:127.0.0.1", "a loopback"),
        ("0.0.0.0", "the unspecified"),
        ("::", "the unspecified"),
        ("224.0.0.1", "a multicast"),
        ("ff02::1", "a multicast"),
        ("169.254.10.1", "a link-local"),
        ("fe80::1", "a link-local"),
        ("fe80::1%eth0", "a link-local"),
        ("255.255.255.255", "the broadcast"),
    ],
)
def test_an_address_of_no_single_host_is_refused_where_it_is_written(mailnet, ip, kind):
    with pytest.raises(InvalidAddress, match=f"is {kind} address, and no host or sender can have it"):
        mailnet.add_server("mx.app.example", domain="app.example", ip=ip)

    assert mailnet.add_server("mx.app.example").ip == "192.0.2.10"


@pytest.mark.parametrize("ip", ["10.0.0.1", "192.168.1.5", "172.17.0.2", "fd00::5", "100.64.0.1"])
def test_a_host_can_have_an_address_of_a_private_network(mailnet, ip):
    assert mailnet.add_server("mx.app.example", ip=ip).ip == ip


@pytest.mark.parametrize("public", [False, True])
def test_thousands_of_hosts_have_addresses_of_their_own(public):
    some = list(itertools.islice(address_pool(public=public), 5000))

    assert len(set(some)) == 5000
