"""What is not in the net is not reached, and is remembered; what is not the net's business is left alone."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from socket import gethostbyaddr as early_gethostbyaddr
from socket import gethostbyname as early_gethostbyname
from socket import getnameinfo as early_getnameinfo

import aiosmtplib
import pytest

from pytest_mailnet.errors import ExpectationFailed
from pytest_mailnet.net.mailnet import life_of

UNKNOWN = "198.51.100.77"


@pytest.fixture
def lenient(make_mailnet):
    """A net with mx.shop.example that remembers leaks without failing the test for them."""
    with make_mailnet(strict=False) as net:
        net.add_server("mx.shop.example", domain="shop.example")
        yield net


@pytest.mark.parametrize("port", [25, 465, 587, 2525, 110, 143, 993, 995])
def test_a_mail_port_of_an_unknown_address_is_unreachable_and_remembered(lenient, port):
    with pytest.raises(OSError, match="no host of this mailnet has that address") as error:
        socket.create_connection((UNKNOWN, port), timeout=10)

    assert error.value.errno == errno.ENETUNREACH
    [leak] = life_of(lenient).journal.incidents
    assert leak.kind == "leak"
    assert f"{UNKNOWN}:{port}" in leak.text
    assert not leak.fails


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["TLS", "QUIC"])
def test_dns_over_tls_is_stopped_and_told_where_the_net_answers(lenient, kind):
    with socket.socket(type=kind) as sock:
        assert sock.connect_ex((UNKNOWN, 853)) == errno.ENETUNREACH

    [leak] = life_of(lenient).journal.incidents
    assert leak.text.endswith("; the net answers DNS on port 53")


def test_a_leak_that_the_application_swallows_fails_a_strict_net(make_mailnet):
    def swallow():
        with make_mailnet(), socket.socket() as sock:
            sock.connect_ex((UNKNOWN, 25))

    with pytest.raises(ExpectationFailed, match=r"198\.51\.100\.77:25 was stopped"):
        swallow()


def test_connect_ex_tells_a_leak_by_number(lenient):
    with socket.socket() as sock:
        assert sock.connect_ex((UNKNOWN, 25)) == errno.ENETUNREACH

    assert len(life_of(lenient).journal.incidents) == 1


def test_a_leak_names_the_addresses_that_there_are(lenient):
    with pytest.raises(OSError, match=r"192\.0\.2\.10 \(mx\.shop\.example\)"):
        socket.create_connection(("192.0.2.1", 25), timeout=10)


def test_a_leak_is_stopped_on_every_loop(lenient, run):
    async def leak():
        with pytest.raises(OSError, match="unreachable") as error:
            await asyncio.open_connection(UNKNOWN, 25)
        assert error.value.errno == errno.ENETUNREACH

    run(leak)

    assert [incident.kind for incident in life_of(lenient).journal.incidents] == ["leak"]


def test_an_unknown_ipv6_address_is_unreachable(lenient):
    with socket.socket(socket.AF_INET6) as sock:
        assert sock.connect_ex(("2001:db8::77", 25)) == errno.ENETUNREACH

    [leak] = life_of(lenient).journal.incidents
    assert "[2001:db8::77]:25" in leak.text


@pytest.mark.parametrize("port", [25, 465, 587])
def test_loopback_s_own_mail_server_is_refused_and_remembered(lenient, port):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("localhost", port), timeout=10)

    assert {incident.kind for incident in life_of(lenient).journal.incidents} == {"leak"}
    assert f"127.0.0.1:{port}" in life_of(lenient).journal.incidents[0].text


def test_a_socket_that_connects_to_localhost_s_mail_server_is_refused_and_remembered(lenient):
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect(("localhost", 25))

    [leak] = life_of(lenient).journal.incidents
    assert "127.0.0.1:25" in leak.text


@pytest.mark.parametrize("host", ["localhost", None])
def test_localhost_s_mail_server_is_refused_and_remembered_on_every_loop(lenient, run, host):
    async def leak():
        with pytest.raises(OSError, match=r"127\.0\.0\.1"):
            await asyncio.open_connection(host, 25, family=socket.AF_INET)

    run(leak)

    [leak] = life_of(lenient).journal.incidents
    assert "127.0.0.1:25 was stopped" in leak.text


def test_no_host_at_all_is_no_name_on_every_loop(lenient, run):
    async def leak():
        with pytest.raises(socket.gaierror):
            await asyncio.open_connection("", 25)

    run(leak)


def test_aiosmtplib_s_default_host_is_refused_and_remembered_on_every_loop(lenient, run, letter):
    async def leak():
        with pytest.raises(aiosmtplib.SMTPConnectError):
            await aiosmtplib.send(letter, sender="bob@app.example", recipients=["sales@shop.example"])

    run(leak)

    assert {incident.kind for incident in life_of(lenient).journal.incidents} == {"leak"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "", b"localhost"])
def test_the_kernel_s_own_connect_to_loopback_s_mail_server_is_stopped(lenient, host):
    with socket.socket() as sock, pytest.raises(OSError, match="got past the patches"):
        super(socket.socket, sock).connect((host, 25))

    assert len(life_of(lenient).journal.incidents) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_other_ports_of_loopback_are_left_alone(mailnet, echo, host):
    with socket.create_connection((host, echo[1]), timeout=10) as sock:
        sock.sendall(b"hello")
        assert sock.recv(100) == b"hello"
        assert sock.getpeername() == echo
        assert sock.getsockname()[0] == "127.0.0.1"

    assert life_of(mailnet).journal.entries == ()


def test_other_ports_of_loopback_are_left_alone_when_others_are_closed(make_mailnet, echo):
    with make_mailnet(other_ports="closed") as net:
        with socket.create_connection(echo, timeout=10) as sock:
            sock.sendall(b"hello")
            assert sock.recv(100) == b"hello"

        assert life_of(net).journal.entries == ()


def test_datagrams_on_loopback_are_left_alone(mailnet):
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        one.bind(("127.0.0.1", 0))
        one.settimeout(10)
        other.sendto(b"hello", one.getsockname())
        other_s_port = other.getsockname()[1]

        assert one.recvfrom(100) == (b"hello", ("127.0.0.1", other_s_port))

    assert life_of(mailnet).journal.entries == ()


def test_a_unix_socket_is_left_alone(mailnet, tmp_path):
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        client.connect(str(tmp_path / "s"))
        taken, _ = listening.accept()
        with taken:
            client.sendall(b"hello")
            assert taken.recv(100) == b"hello"

    assert life_of(mailnet).journal.entries == ()


def test_other_ports_of_unknown_addresses_are_left_to_the_machine(mailnet):
    with socket.socket() as sock:
        sock.settimeout(0)
        # In progress, unreachable, or refused: whatever the machine's own network makes of it.
        sock.connect_ex((UNKNOWN, 8080))
        _, port = sock.getsockname()

    assert life_of(mailnet).journal.entries == ()
    assert life_of(mailnet).engine.calls.noted(socket.SOCK_STREAM, port) is None


def test_other_ports_of_unknown_addresses_can_be_closed(make_mailnet):
    with make_mailnet(other_ports="closed", strict=False) as net:
        with socket.socket() as sock:
            assert sock.connect_ex((UNKNOWN, 8080)) == errno.ENETUNREACH

        [leak] = life_of(net).journal.incidents
        assert f"{UNKNOWN}:8080" in leak.text


def test_an_unknown_name_does_not_exist_and_the_near_miss_is_told(mailnet, shop, asked):
    with pytest.raises(socket.gaierror) as error:
        socket.create_connection(("mx.shop.exampel", 25), timeout=10)

    assert error.value.errno == socket.EAI_NONAME
    assert "'mx.shop.exampel' is not in this mailnet (did you mean 'mx.shop.example'" in str(error.value)
    assert {(name, rcode) for name, _, rcode, *_ in asked()} == {("mx.shop.exampel", "NXDOMAIN")}
    assert life_of(mailnet).journal.incidents == []


def connect(name):
    with socket.socket() as sock:
        sock.connect((name, 25))


@pytest.mark.parametrize(
    "ask",
    [
        lambda: socket.gethostbyname("mx.shop.exampel"),
        lambda: socket.gethostbyname_ex("mx.shop.exampel"),
        lambda: socket.gethostbyaddr("mx.shop.exampel"),
        lambda: socket.getaddrinfo("mx.shop.exampel", None),
        lambda: connect("mx.shop.exampel"),
    ],
    ids=["gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getaddrinfo", "connect"],
)
def test_every_function_tells_the_near_miss(mailnet, shop, ask):
    with pytest.raises(socket.gaierror, match=r"did you mean 'mx\.shop\.example'") as error:
        ask()

    assert error.value.errno == socket.EAI_NONAME


def test_a_name_server_that_fails_is_told_as_temporary(mailnet):
    mailnet.dns.fail("mx.shop.example", "SERVFAIL")

    with pytest.raises(socket.gaierror) as error:
        socket.getaddrinfo("mx.shop.example", 25)

    assert error.value.errno == socket.EAI_AGAIN


def test_a_function_bound_early_is_stopped_and_told(lenient):
    with pytest.raises(socket.gaierror, match="bound before the net was there"):
        early_gethostbyname("mx.shop.example")

    [leak] = life_of(lenient).journal.incidents
    assert "socket.gethostbyname to mx.shop.example got past the patches" in leak.text


@pytest.mark.parametrize(
    ("event", "ask"),
    [
        ("socket.gethostbyaddr", early_gethostbyaddr),
        ("socket.getnameinfo", lambda ip: early_getnameinfo((ip, 25), 0)),
    ],
    ids=["gethostbyaddr", "getnameinfo"],
)
def test_a_reverse_look_up_bound_early_is_stopped_and_told(lenient, event, ask):
    [address] = lenient.host("mx.shop.example").addresses

    for ip in (address, UNKNOWN):
        with pytest.raises(socket.gaierror, match="bound before the net was there"):
            ask(ip)

    assert [leak.text.partition(" and was")[0] for leak in life_of(lenient).journal.incidents] == [
        f"{event} to {ip} got past the patches of this mailnet" for ip in (address, UNKNOWN)
    ]


def test_a_port_that_is_none_is_told_before_the_name_is_looked_up(mailnet, shop):
    with socket.socket() as sock, pytest.raises(OverflowError, match="port must be 0-65535"):
        sock.connect(("mx.shop.example", 99999))

    assert mailnet.dns.queries == []


@pytest.mark.parametrize("written", ["127.1", "0x7f000001", "2130706433"])
def test_loopback_in_other_notations_is_the_machine_s(lenient, written):
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect((written, 25))

    [leak] = life_of(lenient).journal.incidents
    assert "127.0.0.1:25" in leak.text


def test_an_address_nearly_a_host_s_is_told_with_the_host_s_name(lenient):
    lenient.add_server("mx2.shop.example", ip="203.0.113.25")

    with socket.socket() as sock, pytest.raises(OSError, match="Network is unreachable"):
        sock.connect(("203.0.113.52", 25))

    [leak] = life_of(lenient).journal.incidents
    assert "did you mean 203.0.113.25 (mx2.shop.example)" in leak.text


def test_the_kernel_s_own_connect_is_stopped_and_told(lenient):
    [address] = lenient.host("mx.shop.example").addresses
    with socket.socket() as sock:
        sock.settimeout(0)
        with pytest.raises(OSError, match="got past the patches") as error:
            super(socket.socket, sock).connect((address, 25))

    assert error.value.errno == errno.ENETUNREACH
    assert len(life_of(lenient).journal.incidents) == 1


@pytest.fixture
def outliving(make_mailnet):
    """A connection to mx.shop.example whose net has been left; the active one has the same host."""
    with make_mailnet() as first:
        first.add_server("mx.shop.example", domain="shop.example")
        sock = socket.create_connection(("mx.shop.example", 25), timeout=10)
        assert sock.recv(1000).startswith(b"220 ")
    [session] = first.sessions
    assert session.ended == "reset: its net was left"
    with sock, make_mailnet() as second:
        second.add_server("mx.shop.example", domain="shop.example")
        yield sock
    assert second.sessions == []


def test_a_connection_that_outlives_its_net_is_reset(outliving):
    with pytest.raises(ConnectionResetError):
        outliving.recv(1000)


def test_a_connection_that_outlives_its_net_can_say_nothing_in_the_next(outliving):
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        outliving.sendall(b"NOOP\r\n")


def test_a_connection_under_way_when_its_net_is_left_reaches_no_other(make_mailnet):
    with make_mailnet() as first:
        first.add_server("mx.shop.example", ip="192.0.2.25")
        with socket.socket() as early:
            early.settimeout(0)
            early.connect_ex(("192.0.2.25", 25))
            sock = early.dup()
    with sock, make_mailnet() as second:
        second.add_server("mx.shop.example", ip="192.0.2.25")
        sock.settimeout(10)
        with contextlib.suppress(ConnectionError):
            while sock.recv(1000):
                pass

        assert second.sessions == []
