"""The same clients meet the same net both ways: by patches, and in a namespace, where nothing is patched."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("namespaces")

MX = "gmail-smtp-in.l.google.com"
ROOT = Path(__file__).parents[2]
CLIENTS = (
    *(f"entry/test_{it}.py" for it in ("smtplib", "asyncio", "libraries", "dnspython", "pycares", "twisted")),
    *(f"entry/test_{it}.py" for it in ("sockets", "names", "ipv6", "datagrams", "datagram_calls", "trust")),
    *(f"faults/test_{it}.py" for it in ("connections", "lived_time", "twisted_time", "wire", "resets")),
)


def test_the_tests_of_clients_pass_in_a_namespace():
    """Tests that hold in this process by patches; those that skip say what is different there."""
    words = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "-rs",
        "--mailnet-namespace",
    ]

    done = subprocess.run(
        [sys.executable, *words, *(f"tests/{it}" for it in CLIENTS)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 0, done.stdout[-10000:] + done.stderr


SESSIONS = f"""
import asyncio, json, os, smtplib, ssl
from datetime import datetime, UTC
import aiosmtplib, dns.resolver, pytest, trio, uvloop

SENT = "bob@app.example", ["alice@gmail.com", "carl@gmail.com"], "From: bob@app.example\\r\\nSubject: hi\\r\\n\\r\\nhello\\r\\n"

def by_smtplib(host):
    with smtplib.SMTP(host, timeout=10) as client:
        client.starttls(context=ssl.create_default_context())
        client.sendmail(*SENT)

def by_address(host):
    mx = min(dns.resolver.resolve("gmail.com", "MX"), key=lambda it: it.preference)
    [address] = dns.resolver.resolve(mx.exchange, "A")
    smtplib.SMTP(address.address, timeout=10).quit()

async def _aiosmtplib(host):
    async with aiosmtplib.SMTP(hostname=host, port=25, timeout=10) as client:
        await client.sendmail(*SENT)

def by_aiosmtplib(host): asyncio.run(_aiosmtplib(host))
def by_uvloop(host): uvloop.run(_aiosmtplib(host))

def by_trio(host):
    async def talk():
        with trio.fail_after(60):
            stream = await trio.open_tcp_stream(host, 25)
            async with stream:
                for line in (b"", b"HELO app.example\\r\\n", b"QUIT\\r\\n"):
                    await stream.send_all(line)
                    await stream.receive_some()
    trio.run(talk)

@pytest.mark.parametrize("fault", ["", "refused-at-connect", "closed-at-rcpt", "stalled-at-connect", "no-route-at-connect"])
@pytest.mark.parametrize("by", [by_smtplib, by_address, by_aiosmtplib, by_uvloop, by_trio])
def test_it(make_mailnet, by, fault, request):
    with make_mailnet(start=datetime(2026, 11, 29, tzinfo=UTC), seed=1) as net:
        if by is not by_uvloop:  # whose waits cannot be compressed
            net.clock.compress()
        elif fault.startswith("stalled"):
            pytest.skip("waits of uvloop take their time")
        net.gmail.add_mailbox("alice")
        if fault:
            net.fail("gmail.com", fault)
        error = ""
        try:
            by("{MX}")
        except* Exception as caught:
            error = type(caught.exceptions[0]).__name__
        told = dict(
            sessions=[
                [it.client.ip, it.server, it.host, it.tls, it.user]
                # A server that stands still may not have seen its client go yet.
                + ["" if "stalled" in fault else it.ended]
                + [[one.request.decode("latin-1"), one.reply.decode("latin-1")] for one in it.exchanges]
                for it in net.sessions
            ],
            mails=[it.content.decode() for it in net.gmail.mailbox("alice").messages],
            asked=sorted({{(it.name, it.rdtype, it.rcode, it.client) for it in net.dns.queries}}),
            error=error,
        )
    with open(os.environ["RECORD"], "a") as file:
        print(json.dumps([request.node.name, told], default=str), file=file)
"""


def test_the_record_is_the_same_but_for_ports_and_times(pytester, monkeypatch, tmp_path):
    pytester.makepyfile(SESSIONS)

    def recorded(*options):
        file = tmp_path / f"record{len(options)}"
        monkeypatch.setenv("RECORD", str(file))
        result = pytester.runpytest_subprocess("-q", *options)
        result.assert_outcomes(passed=24, skipped=1)
        return dict(map(json.loads, file.read_text().splitlines()))

    here, there = recorded(), recorded("--mailnet-namespace")

    assert here == there
    assert sum(len(it["sessions"]) for it in here.values()) > 10
