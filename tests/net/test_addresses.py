"""The address book of a net: how many hosts there can be, and to whom an address belongs."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from pytest_mailnet.addresses import Routes, address_pool
from pytest_mailnet.errors import AddressInUse


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


@pytest.mark.parametrize("public", [False, True])
def test_thousands_of_hosts_have_addresses_of_their_own(public):
    some = list(itertools.islice(address_pool(public=public), 5000))

    assert len(set(some)) == 5000
