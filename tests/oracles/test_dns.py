"""BIND 9 beside the net's name server: the same zones, the same questions, the same answers."""

from __future__ import annotations

import re

import pytest

from .dns_bind import Bind, missing
from .dns_comparison import KNOWN, NET, differences, net, of_name, of_packet
from .dns_questions import NAMES, packets
from .dns_record import PAGE, section


@pytest.fixture(scope="module")
def bind(tmp_path_factory):
    """A BIND that is running, with the zones; skips where it is not installed."""
    if reason := missing():
        pytest.skip(reason)
    with Bind.started(tmp_path_factory.mktemp("bind")) as running:
        yield running


def told(found):
    """The differences that are not known, one line each."""
    return [str(it) for it in found if it.asked not in KNOWN]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_answered_as_by_bind_for_every_type_and_way(bind, name):
    theirs = of_name(bind.address, name)

    with net():
        ours = of_name(NET, name)

    assert told(differences(theirs, ours)) == []


@pytest.mark.parametrize("name", packets())
def test_an_odd_packet_is_answered_as_by_bind(bind, name):
    packet = packets()[name]
    theirs = of_packet(bind.address, name, packet)

    with net():
        ours = of_packet(NET, name, packet)

    assert told(differences(theirs, ours)) == []


def test_a_difference_that_is_known_is_one(bind):
    odd, asked = packets(), {it.partition(" ")[0] for it in KNOWN if it not in packets()}
    theirs = [*(of_packet(bind.address, it, odd[it]) for it in KNOWN if it in odd)]
    theirs += [of_name(bind.address, it) for it in asked]

    with net():
        ours = [*(of_packet(NET, it, odd[it]) for it in KNOWN if it in odd)]
        ours += [of_name(NET, it) for it in asked]

    found = {it.asked for one, other in zip(theirs, ours, strict=True) for it in differences(one, other)}
    assert found == set(KNOWN)


def test_the_page_tells_what_is_compared_and_what_differs():
    page = PAGE.read_text("utf-8")

    [version] = re.findall(r"writes\. (BIND 9[^ ]*) and", page)
    assert page == section(version)
