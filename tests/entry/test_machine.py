"""Names that are not the net's: which of them are the machine's, and which do not exist.

The machine's resolver is one that these tests put in place of the real one: it must not be asked.
"""

from __future__ import annotations

import _socket
import errno
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_mailnet.entry import machine
from pytest_mailnet.entry.arguments import host_name
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.net.mailnet import life_of

ELSEWHERE = "198.51.100.5"
HOSTS = """\
127.0.0.1 localhost
127.0.1.1 Me.app.example me # this machine
198.51.100.5  db.corp.example db-alias.corp.example
::1 six.corp.example
nonsense
"""


class Resolver:
    """The machine's resolver: an address for every name, and which it was asked for."""

    def __init__(self):
        self.asked = []
        self._getaddrinfo = _socket.getaddrinfo

    def getaddrinfo(self, host, port, *rest):
        if host is not None and machine.numeric(host) is None:
            self.asked.append(host)
            host = "127.0.1.1" if str(host).lower().startswith("me") else ELSEWHERE
        return self._getaddrinfo(host, port, *rest)

    def gethostbyname(self, host):
        self.asked.append(host)
        return ELSEWHERE

    def gethostbyname_ex(self, host):
        self.asked.append(host)
        return host, [], [ELSEWHERE]


@pytest.fixture
def resolver(monkeypatch, tmp_path):
    """What the machine knows, without a word to the real resolver; before the net is there."""
    resolver = Resolver()
    hosts = tmp_path / "hosts"
    hosts.write_text(HOSTS)
    monkeypatch.setattr(machine, "_HOSTS", hosts)
    monkeypatch.setattr(machine, "getaddrinfo", resolver.getaddrinfo)
    for module in (socket, _socket):
        monkeypatch.setattr(module, "gethostbyname", resolver.gethostbyname)
        monkeypatch.setattr(module, "gethostbyname_ex", resolver.gethostbyname_ex)
    monkeypatch.setattr(_socket, "getaddrinfo", resolver.getaddrinfo)
    return resolver


@pytest.fixture
def net(resolver, make_mailnet):
    """A net that remembers leaks without failing the test for them."""
    with make_mailnet(strict=False) as net:
        yield net


def address(host, port):
    return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]


every_question = pytest.mark.parametrize(
    "ask",
    [
        lambda name: address(name, None),
        lambda name: address(name, 5432),
        lambda name: address(name, "postgresql"),
        lambda name: str(socket.gethostbyname(name)),
        lambda name: socket.gethostbyname_ex(name)[2][0],
    ],
    ids=["getaddrinfo", "port", "service", "gethostbyname", "gethostbyname_ex"],
)
local_names = pytest.mark.parametrize(
    "name", ["redis", "Redis.", "app.localhost", "db.corp.example", "DB-alias.corp.example.", b"redis"]
)
mail_ports = pytest.mark.parametrize("port", [25, 2525, "smtp", "imaps", 53])


@every_question
@local_names
def test_names_of_one_label_and_of_the_hosts_file_are_the_machine_s(net, resolver, ask, name):
    assert ask(name) == ELSEWHERE

    assert len(resolver.asked) == 1
    assert net.dns.queries == []


@mail_ports
@local_names
def test_for_a_mail_port_they_are_the_net_s(net, resolver, name, port):
    with pytest.raises(socket.gaierror, match="is not in this mailnet"):
        address(name, port)

    assert resolver.asked == []
    assert {query.rcode for query in net.dns.queries} == {"NXDOMAIN"}


@every_question
@pytest.mark.parametrize("name", ["redis", "db.corp.example", "me.app.example"])
def test_a_server_of_the_net_is_the_net_s_whatever_its_name(net, resolver, ask, name):
    net.add_server(name, ip="192.0.2.25")

    assert ask(name) == "192.0.2.25"

    assert resolver.asked == []


@every_question
@pytest.mark.parametrize("name", ["redis", "db.corp.example"])
def test_a_name_with_a_fault_is_the_net_s(net, resolver, ask, name):
    net.dns.fail(name, "SERVFAIL")

    with pytest.raises(socket.gaierror) as error:
        ask(name)

    assert error.value.errno == socket.EAI_AGAIN
    assert resolver.asked == []


@every_question
def test_a_name_of_the_hosts_file_is_the_machine_s_beside_servers_of_its_domain(net, resolver, ask):
    net.add_server("mx.corp.example", domain="corp.example")

    assert ask("db.corp.example") == ELSEWHERE


@every_question
def test_a_wildcard_of_the_net_is_the_net_s(net, resolver, ask):
    net.dns.add("*.corp.example", "A", "192.0.2.25")

    assert ask("db.corp.example") == "192.0.2.25"


@every_question
def test_a_name_that_nobody_has_does_not_exist_below_a_domain_of_the_net(net, resolver, ask):
    net.add_server("mx.shop.example", domain="shop.example")

    with pytest.raises(socket.gaierror, match=r"'db\.shop\.example' is not in this mailnet"):
        ask("db.shop.example")

    assert resolver.asked == []


def test_a_name_of_the_internet_does_not_exist_where_it_may_be_for_mail(net, resolver):
    with pytest.raises(socket.gaierror) as error:
        address("db.internal", None)

    assert error.value.strerror == (
        "Name or service not known: 'db.internal' is not in this mailnet. "
        "To have it: mailnet.add_server('db.internal'), or mailnet.dns.add('db.internal', 'A', '192.0.2.27'); "
        "to leave it to the machine: mailnet_pass_names = db.internal"
    )
    assert resolver.asked == []


def test_a_name_that_does_not_exist_is_told_with_the_servers_there_are(net):
    net.add_server("mx.shop.example")

    with pytest.raises(socket.gaierror) as error:
        address("db.internal", 25)

    assert error.value.strerror == (
        "Name or service not known: 'db.internal' is not in this mailnet (there is: mx.shop.example). "
        "To have it: mailnet.add_server('db.internal'), or mailnet.dns.add('db.internal', 'A', '192.0.2.27')"
    )


@pytest.mark.parametrize("port", [25, 587])
@pytest.mark.parametrize("name", ["me", "me.app.example", "ME.app.example."])
def test_this_machine_s_mail_server_is_refused_and_remembered_by_any_of_its_names(net, resolver, name, port):
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect((name, port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((name, port), timeout=10)

    assert f"127.0.1.1:{port} was stopped" in life_of(net).journal.incidents[0].text
    assert len(life_of(net).journal.incidents) == 2


@pytest.fixture
def passing(resolver, make_mailnet):
    """A net that leaves names below "internal", and python.org, to the machine."""
    with make_mailnet(pass_names=["*.Internal", "python.org"], strict=False) as net:
        yield net


@every_question
@pytest.mark.parametrize("name", ["db.internal", "a.db.INTERNAL.", "python.org"])
def test_a_name_that_is_passed_is_the_machine_s(passing, resolver, ask, name):
    assert ask(name) == ELSEWHERE

    assert passing.dns.queries == []


@mail_ports
def test_a_name_that_is_passed_is_the_net_s_for_a_mail_port(passing, resolver, port):
    with pytest.raises(socket.gaierror, match="is not in this mailnet"):
        address("db.internal", port)

    assert resolver.asked == []


@pytest.mark.parametrize("name", ["internal.example", "www.python.org"])
def test_a_name_beside_those_that_are_passed_does_not_exist(passing, resolver, name):
    with pytest.raises(socket.gaierror, match=f"to leave it to the machine: mailnet_pass_names = {name}"):
        address(name, None)

    assert resolver.asked == []


@pytest.mark.parametrize(
    "pattern", ["db.internal:5432", "https://db.internal", "10.0.0.5", "2001:db8::5", "a b", ""]
)
def test_a_pattern_that_no_name_can_match_is_told(make_mailnet, pattern):
    told = f"pass_names takes names and patterns of names, as 'db.internal' and '*.corp', not {pattern!r}"

    with pytest.raises(InvalidSetting, match=re.escape(told)):
        make_mailnet(pass_names=[pattern])


def test_a_server_of_the_net_is_the_net_s_where_its_name_is_passed(passing, resolver):
    passing.add_server("mx.corp.internal", ip="192.0.2.25")

    assert address("mx.corp.internal", None) == "192.0.2.25"
    assert resolver.asked == []
    assert address("db.corp.internal", None) == ELSEWHERE


@pytest.fixture
def closed(resolver, make_mailnet):
    """A net that closes all ports but to db.internal."""
    with make_mailnet(pass_names=["db.internal"], other_ports="closed", strict=False) as net:
        yield net


def test_closed_ports_close_names_of_one_label(closed, resolver):
    for port in (None, 5432):
        with pytest.raises(socket.gaierror, match="mailnet_pass_names = redis"):
            address("redis", port)

    assert resolver.asked == []


def test_closed_ports_leave_the_hosts_file_open_and_stop_what_it_leads_to(closed):
    assert address("db.corp.example", 5432) == ELSEWHERE

    with socket.socket() as sock, pytest.raises(OSError, match="mailnet_pass_names with its name") as error:
        sock.connect((ELSEWHERE, 5432))

    assert error.value.errno == errno.ENETUNREACH
    assert len(life_of(closed).journal.incidents) == 1


@pytest.mark.parametrize(
    "look_up",
    [
        lambda: socket.gethostbyname("db.internal"),
        lambda: socket.gethostbyname_ex("db.internal"),
        lambda: address("db.internal", 8080),
    ],
    ids=["gethostbyname", "gethostbyname_ex", "getaddrinfo"],
)
def test_closed_ports_are_open_to_a_name_that_is_passed(closed, look_up):
    look_up()

    with socket.socket() as sock:
        sock.settimeout(0)
        # In progress, unreachable, or refused: whatever the machine's own network makes of it.
        sock.connect_ex((ELSEWHERE, 8080))
        assert sock.connect_ex((ELSEWHERE, 25)) == errno.ENETUNREACH

    [leak] = life_of(closed).journal.incidents
    assert f"{ELSEWHERE}:25 was stopped" in leak.text


def test_a_name_of_the_net_leads_out_of_it_by_the_net_s_address(net, resolver):
    net.dns.add("api.shop.example", "A", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket() as sock:
        sock.settimeout(10)

        sock.connect(("api.shop.example", listening.getsockname()[1]))

        assert sock.getpeername() == listening.getsockname()
    assert resolver.asked == []


def test_a_child_leaves_to_the_machine_what_is_the_machine_s(mailnet):
    lines = [line.partition("#")[0].split() for line in Path("/etc/hosts").read_text("utf-8").splitlines()]
    known = {name: address for address, *names in filter(None, lines) for name in names if host_name(name)}
    if not known:
        pytest.skip("the hosts file of this machine has no name but localhost")
    mailnet.include_children()
    name = next(iter(known))
    code = (
        f"import socket; print(socket.gethostbyname({name!r}), socket.getaddrinfo({name!r}, 8080)[0][4][0])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=25, check=False
    )

    assert done.stderr == ""
    assert done.stdout.split()[0] in {address for address, *names in filter(None, lines) if name in names}
    assert mailnet.dns.queries == []


@pytest.mark.parametrize(
    ("family", "host", "told"),
    [
        (socket.AF_INET, "<broadcast>", ["255.255.255.255:80"]),
        (socket.AF_INET, "", ["0.0.0.0:80"]),
        (socket.AF_INET6, "", ["[::]:80"]),
        (socket.AF_INET, 5, []),
    ],
)
def test_addresses_that_the_kernel_knows_are_told_without_a_look_up(resolver, family, host, told):
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        assert [str(it) for it in machine.destinations(sock, host, 80)] == told
    assert resolver.asked == []


def test_a_name_that_the_machine_does_not_find_leads_nowhere(resolver, monkeypatch):
    def find_nothing(*_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(machine, "getaddrinfo", find_nothing)

    with socket.socket() as sock:
        assert machine.destinations(sock, "redis", 6379) == []


def test_a_machine_without_a_hosts_file_knows_only_itself(net, resolver, tmp_path):
    (tmp_path / "hosts").unlink()

    assert not machine.knows("db.corp.example")
    with pytest.raises(socket.gaierror, match="is not in this mailnet"):
        socket.gethostbyname("db.corp.example")
