"""aiosmtplib's own tests, inside a net: with their own servers, and with a host of the net in their place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .sdists import unpacked

pytest.importorskip("pytest_asyncio")
pytest.importorskip("xdist")

_STARTTLS = "it has STARTTLS answered by its own code, and the net does the handshakes itself"
_TRUSTED = "it wants the server's certificate refused, and the net's hosts are trusted"
_RAISES = "it raises in a hook, which fails the test"
EXEMPT = {
    "test_data_complete_error": _RAISES,
    "test_disconnected_server_raises_on_starttls": _STARTTLS,
    "test_gibberish_raises_exception": _RAISES,
    "test_send_with_start_tls": _STARTTLS,
    "test_server_unexpected_disconnect_on_starttls_then_reconnect": _STARTTLS,
    "test_starttls_advertised_but_not_supported": _STARTTLS,
    "test_starttls_cert_error": _TRUSTED,
    "test_starttls_disconnect_before_upgrade": _STARTTLS,
    "test_starttls_invalid_responses": _STARTTLS,
    "test_starttls_with_invalid_client_cert": _TRUSTED,
    "test_tls_connection_with_cert_error": _TRUSTED,
    "test_tls_get_transport_info": "it wants 127.0.0.1 as the server's address",
}
"""Tests that do not pass with a host of the net, and why. One in here that passes fails."""

NOT_RUN = {
    "injection": "about addresses, without a server; it fails where Python's email package is older than it",
    "smuggle": "the same",
    "unexpected_disconnect_on_command_then_reconnect": "two replies to one command; whether they come at once is chance",
}
"""Tests whose outcome tells nothing of a net, by a part of their names."""

OWN_SERVERS = """

@pytest.fixture(autouse=True)
def net(make_mailnet):
    with make_mailnet(strict=False) as net:
        yield net
"""

HOST_OF_THE_NET = """

import functools


def pytest_collection_modifyitems(items):
    items[:] = [it for it in items if "smtpd_server" in it.fixturenames]


@pytest.fixture(autouse=True)
def net(make_mailnet, request):
    with make_mailnet(strict=False) as net:
        if "command_line" in request.node.name:
            net.include_children()
        yield net


@pytest.fixture(scope="session")
def hostname():
    return "mail.aiosmtplib.example"


@pytest.fixture
def smtpd_server(request, monkeypatch, net, hostname, smtpd_handler, smtpd_auth_callback):
    def marked(name):
        marker = request.node.get_closest_marker(name)
        return {} if marker is None else marker.kwargs

    options = marked("smtpd_options")
    for attribute, function in marked("smtpd_mocks").items():
        monkeypatch.setattr(TestSMTPD, attribute, function)
    factory = functools.partial(
        TestSMTPD,
        hostname=hostname,
        enable_SMTPUTF8=options.get("smtputf8", False),
        decode_data=options.get("7bit", False),
        auth_callback=smtpd_auth_callback,
    )
    return net.add_server(hostname, handler=smtpd_handler, factory=factory)


@pytest.fixture
def smtpd_server_port(request, smtpd_server):
    marker = request.node.get_closest_marker("smtpd_options")
    return 465 if marker is not None and marker.kwargs.get("tls") else 25
"""


@pytest.mark.timeout(600)
def test_servers_on_loopback_go_on_inside_a_net(tmp_path):
    passed, failed, told = outcome(tmp_path, OWN_SERVERS)

    assert not failed, told
    assert passed > 300


@pytest.mark.timeout(600)
def test_a_host_of_the_net_stands_in_for_their_server(tmp_path):
    passed, failed, told = outcome(tmp_path, HOST_OF_THE_NET)

    assert failed == EXEMPT.keys(), told
    assert passed > 150


def outcome(tmp_path: Path, fixtures: str) -> tuple[int, set[str], str]:
    """Run the tests with further fixtures: how many passed, which did not, and what was printed."""
    folder = unpacked("aiosmtplib", tmp_path)
    with (folder / "tests" / "conftest.py").open("a") as conftest:
        conftest.write(fixtures)  # later ones replace those of the same name
    options = ["-q", "-rfE", "-n", "2", "-p", "no:randomly", "-k", f"not ({' or '.join(NOT_RUN)})"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"(\d+) passed", ran.stdout)
    failed = set(re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", ran.stdout, re.MULTILINE))
    return int(passed[1]) if passed else 0, failed, ran.stdout[-10_000:] + ran.stderr
