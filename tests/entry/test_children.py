"""Python processes that the application starts."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys

import pytest

from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.timeline.story import timeline

SENDING = """
import smtplib
with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
    client.sendmail("bob@app.example", ["sales@shop.example"], "Subject: hi\\r\\n\\r\\nhello\\r\\n")
    print(client.sock.getpeername(), client.sock.getsockname()[0])
"""

RESOLVING = """
import dns.resolver
for record in dns.resolver.resolve("shop.example", "MX"):
    print(record)
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = ["8.8.8.8"]
for record in resolver.resolve("shop.example", "MX"):
    print(record)
"""

LEAKING = """
import socket
try:
    socket.create_connection(("198.51.100.77", 25), timeout=10)
except OSError as error:
    print(error.errno)
"""

UNKNOWN = """
import socket
try:
    socket.getaddrinfo("mx.shop.exampl", 25)
except socket.gaierror as error:
    print(error)
"""

FORKING = """
import multiprocessing, smtplib

def send(number):
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.sendmail("bob@app.example", ["sales@shop.example"], "Subject: hi\\r\\n\\r\\n")
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        pool.map(send, range(4))
"""


def python(code, **options):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=25, check=False, **options
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.splitlines()


@pytest.fixture(autouse=True)
def _children(mailnet):
    mailnet.include_children()


def test_a_child_delivers_and_sees_the_virtual_addresses(mailnet, resolvable, delivered, asked):
    [line] = python(SENDING)

    delivered()
    assert line == f"('{resolvable}', 25) {mailnet.sender.ip}"
    assert ("mx.shop.example", "A", "NOERROR", "getaddrinfo", None, mailnet.sender.ip) in asked()


def test_a_child_s_resolvers_are_answered(mailnet, mx, asked):
    lines = python(RESOLVING)

    assert sorted(lines) == sorted(["10 mx.shop.example.", "20 mx2.shop.example."] * 2)
    assert asked() == [
        ("shop.example", "MX", "NOERROR", "udp", None, mailnet.sender.ip),
        ("shop.example", "MX", "NOERROR", "udp", ("8.8.8.8", 53), mailnet.sender.ip),
    ]


def test_a_child_of_a_child_delivers(mailnet, delivered):
    python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SENDING!r}], check=True)")

    delivered()


def test_the_workers_of_a_pool_deliver(mailnet, delivered, tmp_path):
    program = tmp_path / "sends.py"
    program.write_text(FORKING)

    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=25, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    delivered(4)


def test_a_child_is_told_of_an_unknown_name_with_the_near_miss(mailnet, shop):
    [line] = python(UNKNOWN)

    assert "did you mean 'mx.shop.example'" in line


@pytest.mark.mailnet(strict=False)
def test_a_leak_of_a_child_is_stopped_and_remembered(mailnet):
    import errno

    assert python(LEAKING) == [str(errno.ENETUNREACH)]

    [leak] = life_of(mailnet).journal.incidents
    assert leak.kind == "leak"
    assert "198.51.100.77:25" in leak.text


def test_a_child_that_stays_after_the_net_cannot_reach_the_next_one(make_mailnet):
    code = "import sys; sys.stdin.readline()\n" + SENDING
    with make_mailnet() as first:
        first.include_children()
        child = subprocess.Popen(
            [sys.executable, "-c", "print('up', flush=True)\n" + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdout.readline() == "up\n"
    with make_mailnet() as second:
        second.add_server("mx.shop.example", domain="shop.example")

        try:
            _, errors = child.communicate("go\n", timeout=10)
        finally:
            child.kill()
            child.communicate()

        assert child.returncode == 1
        assert "Error" in errors.splitlines()[-1]
        assert second.sessions == []
        assert second.dns.queries == []


def test_a_fork_server_that_outlives_its_net_has_its_children_in_the_next(pytester):
    pytester.makepyfile(
        sending="""
        import smtplib

        def send(host, to):
            with smtplib.SMTP(host, 25, timeout=10) as client:
                client.sendmail("bob@app.example", [to], "Subject: hi\\r\\n\\r\\n")
        """,
        test_suite="""
        import multiprocessing
        import pytest
        from sending import send

        @pytest.mark.parametrize("number", range(3))
        def test_a_child_delivers(mailnet, number):
            mailnet.add_server(f"mx.shop{number}.example", domain=f"shop{number}.example")
            mailnet.include_children()

            arguments = [f"mx.shop{number}.example", f"sales@shop{number}.example"]
            child = multiprocessing.get_context("forkserver").Process(target=send, args=arguments)
            child.start()
            child.join()

            assert [it.recipients for it in mailnet.messages] == [(f"sales@shop{number}.example",)]
        """,
    )

    pytester.runpytest_subprocess("-p", "no:randomly", timeout=60).assert_outcomes(passed=3)


def test_the_environment_is_as_before_when_the_net_is_left(make_mailnet):
    before = dict(os.environ)

    with make_mailnet() as net:
        net.include_children()
        during = dict(os.environ)

    assert during != before
    assert dict(os.environ) == before


def test_who_does_not_know_the_secret_is_shown_the_door(shop, mailnet):
    port, secret = os.environ["PYTEST_MAILNET_PARENT"].split()

    with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as wire:
        wire.sendall(b"x" * len(secret) + b'\n["authority", []]\n')

        with contextlib.suppress(ConnectionResetError):
            assert wire.recv(100) == b""


def test_a_child_hears_where_nobody_is_that_mail_goes_to_servers(shop, mailnet):

    told = python(
        "import socket\n"
        "with socket.socket() as silent:\n"
        "    silent.bind(('127.0.0.1', 0))\n"
        "    try:\n"
        "        socket.create_connection(silent.getsockname(), timeout=10)\n"
        "    except ConnectionRefusedError as error:\n"
        "        print(getattr(error, '__notes__', []))\n"
    )

    assert told == ["[]"]


def test_a_child_s_program_that_is_not_in_the_net_is_noted(shop, mailnet):

    python("import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', 'pass'], env={}, check=True)")

    [line] = timeline(life_of(mailnet).journal).splitlines()[1:]
    assert line.startswith(f"  - a process was started outside of the net: `{sys.executable} -S -c pass`. ")


def test_a_child_whose_parent_has_left_the_net_is_told_so(shop, make_mailnet):
    code = (
        "import smtplib, sys\n"
        "smtplib.SMTP('mx.shop.example', 25, timeout=10).close()\n"
        "print('up', flush=True)\n"
        "sys.stdin.readline()\n"
        "try:\n"
        "    smtplib.SMTP('mx.shop.example', 25, timeout=10)\n"
        "except OSError as error:\n"
        "    print(error)\n"
    )
    with make_mailnet() as net:
        net.add_server("mx.shop.example", domain="shop.example")
        net.include_children()
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout.readline() == "up\n"

    told, _ = child.communicate("\n", timeout=25)

    assert "the mailnet of the parent process has been left" in told


def test_a_child_that_forbids_itself_nothing_may_reach_its_parent(shop, mailnet):
    port = int(os.environ["PYTEST_MAILNET_PARENT"].split()[0])

    told = python(
        f"import socket; print(socket.create_connection(('127.0.0.1', {port}), 10).getpeername()[1])"
    )

    assert told == [str(port)]
