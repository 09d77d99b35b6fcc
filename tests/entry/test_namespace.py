"""Programs in the namespaces of a net, which meet it without a patch."""

from __future__ import annotations

import shutil
import sys

import pytest

MX = "gmail-smtp-in.l.google.com"
CONNECT = """
import socket, sys
for ip, port in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        with socket.create_connection((ip, int(port)), timeout=0.5) as sock:
            print(sock.recv(3).decode(), sock.getsockname()[0])
    except OSError as error:
        print(type(error).__name__ if error.errno is None else errno.errorcode[error.errno])
""".replace("socket, sys", "errno, socket, sys")


def with_program(name):
    """Skips a test where a program is not installed."""
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")


@pytest.fixture
def connect(mailnet_process):
    """Connect to addresses and ports from a program; returns what it meets at each."""

    def to(*ends):
        words = [str(it) for end in ends for it in end]
        done = mailnet_process.run([sys.executable, "-I", "-S", "-c", CONNECT, *words])
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return to


@pytest.fixture
def shop(mailnet):
    """A server of the test's, at an address of its own."""
    return mailnet.add_server("mx.shop.example", domain="shop.example", ip=("192.0.2.27", "2001:db8::27"))


@with_program("curl")
def test_a_program_meets_a_provider_by_name(mailnet, mailnet_process):
    alice = mailnet.gmail.add_mailbox("alice")

    done = mailnet_process.run(
        "curl -qsS --mail-from bob@app.example --mail-rcpt alice@gmail.com --upload-file - "
        f"smtp://{MX}/app.example",
        input="Subject: hi\r\n\r\nhello\r\n",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert alice.messages[0].content == b"Subject: hi\r\n\r\nhello\r\n"
    [session] = mailnet.sessions
    assert session.client.ip == mailnet.sender.ip
    assert session.server.port == 25
    assert session.ended == "client quit"


def test_a_program_is_at_home_in_the_net(mailnet, mailnet_process):
    done = mailnet_process.run(["sh", "-c", "hostname; cat /etc/resolv.conf; grep app /etc/hosts"])

    assert done.stdout.splitlines() == [
        "app.sender.example",
        "nameserver 192.0.2.53",
        f"{mailnet.sender.ip} app.sender.example app",
        f"{mailnet.sender.ipv6} app.sender.example app",
    ]


def test_both_kinds_of_ip_lead_to_a_host(mailnet, connect, shop):
    met = connect(("192.0.2.27", 25), ("2001:db8::27", 25))

    assert met == [f"220 {mailnet.sender.ip}", f"220 {mailnet.sender.ipv6}"]
    assert [(str(it.client.ip), it.server.ip) for it in mailnet.sessions] == [
        (mailnet.sender.ip, "192.0.2.27"),
        (mailnet.sender.ipv6, "2001:db8::27"),
    ]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("refused-at-connect", "ECONNREFUSED"),
        ("unreachable-at-connect", "EHOSTUNREACH"),
        ("no-route-at-connect", "ENETUNREACH"),
        ("dropped-at-connect", "TimeoutError"),
    ],
)
def test_a_connection_that_fails_fails_as_often_as_the_test_says(mailnet, connect, shop, fault, error):
    mailnet.host("mx.shop.example").fail(fault, times=1)

    met = connect(("192.0.2.27", 25), ("192.0.2.27", 25), ("2001:db8::27", 25))

    assert met == [error, f"220 {mailnet.sender.ip}", f"220 {mailnet.sender.ipv6}"]
