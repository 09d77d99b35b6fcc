"""The questions of child processes: all that the protocols have are carried to the parent, and no others."""

from __future__ import annotations

import json
import socket
from typing import get_type_hints

import pytest

from pytest_mailnet.entry.child import ParentNetwork
from pytest_mailnet.entry.network import Dialled, Network, Resolution
from pytest_mailnet.entry.parent import Parent
from pytest_mailnet.entry.wire import QUESTIONS
from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.values import Endpoint

SMTP = Endpoint("192.0.2.10", 25)

# Every question, with its arguments and an answer.
ASKED = {
    "connections.takes": ((socket.SOCK_STREAM, SMTP), True),
    "connections.bind": ((socket.SOCK_STREAM, 40321, None), None),
    "connections.dial": (
        (socket.SOCK_STREAM, 40321, SMTP),
        Dialled(Endpoint("127.0.0.1", 2525), 0, "", resets=True),
    ),
    "connections.connected": ((40321,), None),
    "connections.far_end": ((socket.SOCK_STREAM, 40321), SMTP),
    "connections.near_end": ((socket.SOCK_STREAM, 40321), None),
    "connections.is_sender": (("203.0.113.7",), False),
    "connections.is_engine": ((Endpoint("127.0.0.1", 2525),), True),
    "names.claims": (("mx.shop.example", None), True),
    "names.resolve": (
        ("mx.shop.example", socket.AF_INET, "getaddrinfo", 25),
        Resolution(("192.0.2.10", "2001:db8::10"), "mx.shop.example"),
    ),
    "names.passed": (("db.internal", ["192.0.2.99"]), None),
    "names.owns": (("192.0.2.10",), True),
    "names.reverse": (("192.0.2.10", "gethostbyaddr"), "mx.shop.example"),
    "names.fqdn": ((), "app.sender.example"),
    "names.own_address": ((), "203.0.113.7"),
    "names.has_ipv6": ((), True),
    "names.name_server": ((), Endpoint("127.0.0.1", 5353)),
    "tls.serves": (("mx.shop.example", 0), True),
    "tls.authority": ((), "-----BEGIN CERTIFICATE-----\n"),
    "notes.leaked": (("a connection",), None),
    "notes.overheard": (("a look-up",), None),
    "notes.started": (("sendmail -t",), None),
}


class Answering:
    """Questions of one kind, answered by the list; remembers which were asked."""

    def __init__(self, kind, asked):
        self._kind, self._asked = kind, asked

    def __getattr__(self, question):
        name = f"{self._kind}.{question}"

        def answer(*arguments):
            self._asked.append((name, arguments))
            return ASKED[name][1]

        return answer


class World:
    """A network whose answers are those of the list."""

    def __init__(self):
        self.asked = []
        for kind in get_type_hints(Network):
            setattr(self, kind, Answering(kind, self.asked))

    def after_fork(self):
        self.asked.append(("after_fork", ()))


@pytest.fixture
def world():
    return World()


@pytest.fixture
def parent(mailnet, world):
    parent = Parent()
    yield parent.open(world, life_of(mailnet).engine)
    parent.close()


def test_the_list_has_every_question():
    assert set(QUESTIONS) == set(ASKED)


@pytest.mark.parametrize("name", ASKED)
def test_arguments_and_answer_come_over_as_they_were(world, parent, name):
    arguments, answer = ASKED[name]
    kind, question = name.split(".")

    found = getattr(getattr(ParentNetwork(parent.port, parent.words), kind), question)(*arguments)

    assert (type(found), found) == (type(answer), answer)
    assert world.asked == [(name, arguments)]
    assert [type(it) for it in world.asked[0][1] if isinstance(it, Endpoint)] == [
        Endpoint for it in arguments if isinstance(it, Endpoint)
    ]


def test_the_connection_to_the_parent_is_left_to_the_kernel_without_a_question(world, parent):
    child = ParentNetwork(parent.port, parent.words)

    assert not child.connections.takes(socket.SOCK_STREAM, Endpoint("127.0.0.1", parent.port))
    assert world.asked == []


@pytest.mark.parametrize("name", ["after_fork", "connections.__init__", "notes.__class__", "asked.clear"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_other_questions_are_not_answered(world, parent, name):
    with socket.create_connection(("127.0.0.1", parent.port), timeout=10) as sock:
        sock.sendall(f"{parent.words}\n{json.dumps([name, []])}\n".encode())

        assert sock.recv(100) == b""

    assert world.asked == []


def test_who_does_not_know_the_secret_is_hung_up_on(world, parent):
    with socket.create_connection(("127.0.0.1", parent.port), timeout=10) as sock:
        sock.sendall(b"guessed\n" + json.dumps(["names.fqdn", []]).encode() + b"\n")

        assert sock.recv(100) == b""

    assert world.asked == []
