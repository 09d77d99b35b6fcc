"""CPython's own tests of smtplib, inside a net: with their own servers, and with a host of the net in their place."""

from __future__ import annotations

import gc
import re
import smtplib
import unittest
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # smtpd and asyncore, which are its servers, are deprecated
    cpython = pytest.importorskip("test.test_smtplib", reason="this Python came without its own tests")

HOST = "mail.python.example"
SIMULATED = ("SMTPSimTests", "SMTPUTF8SimTests", "SMTPAUTHInitialResponseSimTests")
"""The classes whose tests are about what a server says, and take one that does as it is told."""

EXEMPT = {
    "testAUTH_BUGGY": "a mechanism that no server has, and that asks without end",
    "testAUTH_PLAIN_initial_response_auth": "it logs in without EHLO, which the net's servers answer 503",
    "testEXPN": "the net's servers tell nobody who is on a list",
    "testVRFY": "the net's servers confirm nobody's address, as RFC 5321, 3.5.3 allows",
}
"""Tests that no host of the net passes, and why. One in here that passes fails."""

DOMAIN = "@home.python.example"
"""What follows the addresses in the tests that have no domain: the net's servers want one (RFC 5321, 4.1.2)."""

PROVIDER = f"""
name = "cpython"
title = "The simulated server of test_smtplib"
domains = ["somewhere.com"]

[submission]
source = "Lib/test/test_smtplib.py of CPython 3.11, SimSMTPChannel"
hosts = ["{HOST}"]
ports = [25]
auth_before_tls = true

[submission.ehlo]
source = "the same"
lines = ["EXPN", "SIZE 20000000", "STARTTLS", "DELIVERBY", "HELP"]

[[submission.rules]]
rule = "wrong_credentials"
"""
REPLIES = {
    "auth_ok": ("auth", "235 Authentication Succeeded"),
    "ok_mail": ("mail", "250 OK"),
    "ok_rcpt": ("rcpt", "250 OK"),
    "ok_queued": ("message", "250 OK"),
}


def flattened(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from flattened(each)
        else:
            yield each


TESTS = {
    re.sub(r"^.*test_smtplib\.", "", it.id()): it
    for it in flattened(unittest.defaultTestLoader.loadTestsFromModule(cpython))
}


def outcome_of(test: unittest.TestCase) -> unittest.TestResult:
    """What became of one test, with what its class and module set up."""
    result = unittest.TestResult()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unittest.TestSuite([type(test)(test._testMethodName)]).run(result)
        gc.collect()  # some leave sockets behind
    return result


@pytest.mark.parametrize("name", TESTS)
def test_what_serves_itself_on_loopback_goes_on_inside_a_net(mailnet, name):
    result = outcome_of(TESTS[name])

    assert not result.failures + result.errors, result.failures + result.errors
    if result.skipped:
        pytest.skip(result.skipped[0][1])


class Channel:
    """The names under which the tests tell their server what to answer, and ask what it was told."""

    rcpt_count = 0

    def __init__(self, net: Any) -> None:
        self.__dict__["net"] = net
        self.__dict__["host"] = net.provider("cpython").submission

    def __setattr__(self, name: str, value: Any) -> None:
        match name:
            case "mail_response":
                self.host.on_mail().reply(value, close=True)
            case "quit_response":
                self.host.on_command("QUIT").reply(value)
            case "rcpt_response":
                for to, reply in zip(("Sally", "Frank"), value, strict=True):
                    self.host.on_rcpt(to + DOMAIN).reply(reply)

    @property
    def all_received_lines(self) -> list[list[str]]:
        asked = [it.request for session in self.net.sessions for it in session.exchanges]
        return [[line.replace(DOMAIN, "")] for each in asked for line in each.decode().splitlines()]

    @property
    def rset_count(self) -> int:
        return sum(line.upper() == "RSET" for [line] in self.all_received_lines)


class Simulated:
    """A host of the net, with the names that the tests' own server has."""

    def __init__(self, net: Any) -> None:
        self._net = net
        self._provider = net.provider("cpython")
        self._provider.add_mailbox("Mr.A@somewhere.com", password="somepassword")
        self._provider.add_mailbox("psu", password="doesnotexist")
        self._SMTPchannel = Channel(net)

    def add_feature(self, feature: str) -> None:
        offered = self._provider.hosts[HOST].extensions
        known = offered.value("AUTH")
        offered.add(feature if known is None else f"AUTH {known} {feature.removeprefix('AUTH ')}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "channel_class":  # one that ends the connection after the content
            self._provider.submission.on_message().reply("421 closing")
        else:
            super().__setattr__(name, value)

    @property
    def _addresses(self) -> dict[str, Any]:
        return {"from": self.last_mailfrom, "tos": self.last_rcpttos}

    @property
    def last_mailfrom(self) -> str:
        return self._net.messages[-1].envelope.mail_from.removesuffix(DOMAIN)

    @property
    def last_rcpttos(self) -> list[str]:
        return [it.removesuffix(DOMAIN) for it in self._net.messages[-1].envelope.rcpt_tos]

    @property
    def last_message(self) -> bytes:
        return self._net.messages[-1].content.replace(b"\r\n", b"\n").removesuffix(b"\n")

    @property
    def last_mail_options(self) -> tuple[str, ...]:
        return self._net.messages[-1].envelope.mail_options

    @property
    def last_rcpt_options(self) -> list[str]:
        return [it for each in self._net.messages[-1].envelope.rcpt_options for it in each]


@pytest.fixture
def net(make_mailnet, tmp_path):
    replies = (
        f'[replies.{name}]\nstage = "{stage}"\nreply = "{reply}"\nsource = "the same"\n'
        for name, (stage, reply) in REPLIES.items()
    )
    (tmp_path / "cpython.toml").write_text("\n".join([PROVIDER, *replies]))
    with make_mailnet(providers=[tmp_path], strict=False) as net:
        yield net


@pytest.mark.parametrize("name", [it for it in TESTS if it.startswith(SIMULATED)])
def test_a_host_of_the_net_stands_in_for_the_simulated_server(net, monkeypatch, name):
    kind, method = type(TESTS[name]), TESTS[name]._testMethodName
    quoted = smtplib.quoteaddr
    monkeypatch.setattr(smtplib, "quoteaddr", lambda it: quoted(it if "@" in it else it + DOMAIN))
    monkeypatch.setattr(cpython, "HOST", HOST)

    class Led(kind):
        def setUp(self):
            self.port = 25
            self.serv = Simulated(net)
            if kind.__name__ == "SMTPUTF8SimTests":
                self.serv.add_feature("SMTPUTF8")
                self.serv.add_feature("8BITMIME")

        def tearDown(self):
            pass

    result = outcome_of(Led(method))

    if result.skipped:
        pytest.skip(result.skipped[0][1])
    wrong = result.failures + result.errors
    assert bool(wrong) == (method in EXEMPT), wrong or f"{method} passes: EXEMPT need not name it"
