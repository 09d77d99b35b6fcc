"""Where there is no net: mail is stopped and noted, and nobody is known."""

from __future__ import annotations

import errno
import socket

import pytest

from pytest_mailnet.entry.nowhere import Nowhere
from pytest_mailnet.values import Endpoint

SERVER = Endpoint("192.0.2.27", 25)
TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM


@pytest.fixture
def noted():
    return []


@pytest.fixture
def nowhere(noted):
    """A world with nobody in it, to which all names belong."""
    return Nowhere("this test has no net", noted.append, every_name=True)


def test_a_connection_is_stopped_with_the_reason(nowhere, noted):
    dialled = nowhere.connections.dial(TCP, 40000, SERVER)

    assert (dialled.where, dialled.errno) == (None, errno.ENETUNREACH)
    assert noted == ["a connection to 192.0.2.27:25 was stopped: this test has no net"]


@pytest.mark.parametrize(
    ("kind", "destination", "taken"),
    [
        (TCP, SERVER, True),
        (TCP, Endpoint("127.0.0.1", 25), True),
        (TCP, Endpoint("127.0.0.1", 8025), False),
        (TCP, Endpoint("192.0.2.27", 80), False),
        (UDP, Endpoint("8.8.8.8", 53), True),
        (UDP, SERVER, False),
    ],
)
def test_mail_and_questions_to_name_servers_are_its_business_alone(nowhere, kind, destination, taken):
    assert nowhere.connections.takes(kind, destination) is taken


@pytest.mark.parametrize(
    ("name", "port", "claimed"),
    [("shop.example", None, True), ("localhost", None, False), ("redis", None, False), ("redis", 25, True)],
)
def test_names_that_can_only_be_the_machine_s_are_left_to_it(nowhere, name, port, claimed):
    assert nowhere.names.claims(name, port) is claimed


def test_names_for_no_port_are_left_to_the_machine_where_they_are_not_its_business(noted):
    nowhere = Nowhere("no net", noted.append, every_name=False)

    assert not nowhere.names.claims("shop.example", None)


def test_nobody_is_known_there(nowhere, noted):
    nowhere.connections.bind(TCP, 40000, None)
    nowhere.connections.connected(40000)
    nowhere.names.passed("shop.example", ["192.0.2.27"])
    nowhere.notes.started("sendmail -t")
    nowhere.after_fork()

    assert nowhere.connections.far_end(TCP, 40000) is nowhere.connections.near_end(TCP, 40000) is None
    assert not nowhere.connections.is_sender("203.0.113.7")
    assert not nowhere.connections.is_engine(SERVER)
    assert not nowhere.tls.serves("mx.shop.example", 25)
    assert nowhere.names.fqdn() == nowhere.tls.authority() == nowhere.instead_of(SERVER) == ""
    assert noted == []


def test_what_is_noticed_there_is_noted(nowhere, noted):
    nowhere.notes.leaked("a leak")
    nowhere.notes.overheard("an error")

    assert noted == ["a leak", "an error"]
