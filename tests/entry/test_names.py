"""`socket`'s functions for names are answered from the net's DNS, forth and back."""

from __future__ import annotations

import socket

import pytest

from pytest_mailnet.entry import INTERCEPTION

by_hosts_file = pytest.mark.skipif(
    INTERCEPTION.moved is not None,
    reason="the hosts file there, by which the host finds its own name, goes first",
)


def test_getaddrinfo_finds_both_families_ipv6_first(mailnet, asked, by):
    mailnet.add_server("mx.shop.example", ip=["192.0.2.25", "2001:db8::25"])

    found = socket.getaddrinfo("mx.shop.example", 25, type=socket.SOCK_STREAM)

    assert [(info[0], info[4]) for info in found] == [
        (socket.AF_INET6, ("2001:db8::25", 25, 0, 0)),
        (socket.AF_INET, ("192.0.2.25", 25)),
    ]
    # The C library asks for both at once.
    assert {(name, rdtype, via) for name, rdtype, _, via, *_ in asked()} == {
        ("mx.shop.example", "AAAA", by("getaddrinfo")),
        ("mx.shop.example", "A", by("getaddrinfo")),
    }


def test_getaddrinfo_follows_an_alias_and_tells_the_canonical_name(mailnet, resolvable):
    mailnet.dns.add("mail.shop.example", "CNAME", "mx.shop.example.")

    [found] = socket.getaddrinfo(
        "mail.shop.example", "smtp", socket.AF_INET, socket.SOCK_STREAM, flags=socket.AI_CANONNAME
    )

    assert found[3:] == ("mx.shop.example", (resolvable, 25))


@pytest.mark.parametrize("name", ["MX.Shop.Example", "mx.shop.example.", b"mx.shop.example"])
def test_getaddrinfo_takes_a_name_in_any_case_and_form(mailnet, resolvable, name):
    [found] = socket.getaddrinfo(name, 25, socket.AF_INET, socket.SOCK_STREAM)

    assert found[4] == (resolvable, 25)


def test_gethostbyname(mailnet, resolvable, asked, by):
    assert socket.gethostbyname("mx.shop.example") == resolvable

    assert asked() == [("mx.shop.example", "A", "NOERROR", by("gethostbyname"), None, mailnet.sender.ip)]


def test_gethostbyname_ex_tells_alias_and_all_addresses(mailnet, asked, by):
    mailnet.add_server("mx.shop.example", ip=["192.0.2.25", "192.0.2.26"])
    mailnet.dns.add("mail.shop.example", "CNAME", "mx.shop.example.")

    name, aliases, addresses = socket.gethostbyname_ex("mail.shop.example")

    assert (name, aliases) == ("mx.shop.example", ["mail.shop.example"])
    assert sorted(addresses) == ["192.0.2.25", "192.0.2.26"]
    # Python's function in C asks twice.
    assert set(asked()) == {
        ("mail.shop.example", "A", "NOERROR", by("gethostbyname_ex"), None, mailnet.sender.ip)
    }


@pytest.mark.parametrize("address", ["192.0.2.25", "2001:db8::25"])
def test_gethostbyaddr_finds_the_host_of_an_address(mailnet, asked, by, address):
    mailnet.add_server("mx.shop.example", ip=address)

    assert socket.gethostbyaddr(address) == ("mx.shop.example", [], [address])

    _, rdtype, rcode, via, _, client = asked()[0]
    assert (rdtype, rcode, via, client) == ("PTR", "NOERROR", by("gethostbyaddr"), mailnet.sender.ip)


@by_hosts_file
def test_gethostbyaddr_finds_the_sender_s_reverse_name(mailnet):
    mailnet.sender.ptr = "out.app.example"

    assert socket.gethostbyaddr(mailnet.sender.ip)[0] == "out.app.example"


@by_hosts_file
def test_gethostbyaddr_of_a_sender_without_reverse_name_fails(mailnet):
    mailnet.sender.ptr = None

    with pytest.raises(socket.herror, match="has no PTR"):
        socket.gethostbyaddr(mailnet.sender.ip)


NOBODY_S = "198.51.100.77"


def numbered(address, flags=0):
    return socket.getnameinfo((address, 25), flags)


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda address: socket.gethostbyaddr(address)[0], socket.herror),
        (lambda address: numbered(address, socket.NI_NAMEREQD), socket.gaierror),
    ],
    ids=["gethostbyaddr", "getnameinfo"],
)
def test_an_address_that_no_host_has_has_no_name(mailnet, asked, ask, error, why):
    with pytest.raises(error, match=why(r"198\.51\.100\.77 has no PTR in this mailnet")):
        ask(NOBODY_S)

    [(name, rdtype, rcode, *_)] = asked()
    assert (name, rdtype, rcode) == ("77.100.51.198.in-addr.arpa", "PTR", "NXDOMAIN")


def test_getnameinfo_and_getfqdn_of_an_address_that_no_host_has_are_the_address(mailnet, asked, by):
    assert socket.getnameinfo((NOBODY_S, 25), 0) == (NOBODY_S, "smtp")
    assert socket.getfqdn(NOBODY_S) == NOBODY_S

    assert [(rcode, via) for _, _, rcode, via, *_ in asked()] == [
        ("NXDOMAIN", by("getnameinfo")),
        ("NXDOMAIN", by("gethostbyaddr")),
    ]


def test_loopback_s_reverse_name_is_the_machine_s(mailnet, asked):
    assert socket.gethostbyaddr("127.0.0.1")[2] == ["127.0.0.1"]
    assert socket.getnameinfo(("127.0.0.1", 25), socket.NI_NUMERICHOST)[0] == "127.0.0.1"

    assert asked() == []


def test_getnameinfo_finds_name_and_service(mailnet, resolvable, asked, by):
    assert socket.getnameinfo((resolvable, 25), 0) == ("mx.shop.example", "smtp")

    [(_, rdtype, rcode, via, _, _)] = asked()
    assert (rdtype, rcode, via) == ("PTR", "NOERROR", by("getnameinfo"))


def test_getnameinfo_asked_for_numbers_asks_nobody(mailnet, resolvable, asked):
    numbers = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV

    assert socket.getnameinfo((resolvable, 25), numbers) == (resolvable, "25")

    assert asked() == []


def test_getfqdn_is_what_the_sender_calls_itself(mailnet):
    mailnet.sender.helo = "app.sender.example"

    assert socket.getfqdn() == "app.sender.example"
    assert socket.getfqdn("0.0.0.0") == "app.sender.example"


def test_getfqdn_of_an_address_or_alias_is_the_host_s_name(mailnet, resolvable):
    mailnet.dns.add("mail.shop.example", "CNAME", "mx.shop.example.")

    assert socket.getfqdn(resolvable) == "mx.shop.example"
    assert socket.getfqdn("mail.shop.example") == "mx.shop.example"


def test_localhost_is_left_to_the_machine(mailnet, asked):
    assert ("127.0.0.1", 25) in [info[4] for info in socket.getaddrinfo("localhost", 25, socket.AF_INET)]
    assert socket.gethostbyname("localhost").startswith("127.")

    assert asked() == []


def test_only_numbers_are_taken_where_only_numbers_are_asked_for(mailnet, shop, asked):
    with pytest.raises(socket.gaierror) as error:
        socket.getaddrinfo("mx.shop.example", 25, flags=socket.AI_NUMERICHOST)

    assert error.value.errno == socket.EAI_NONAME
    assert asked() == []


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()


@pytest.mark.parametrize("other_ports", ["open", "closed"])
def test_a_socket_connects_to_localhost_by_name(make_mailnet, listening, other_ports):
    with make_mailnet(other_ports=other_ports), socket.socket() as sock:
        sock.settimeout(10)
        sock.connect(("localhost", listening[1]))

        assert sock.getpeername() == listening


def test_a_host_with_colons_that_is_no_address_is_no_name_either(mailnet):
    with pytest.raises(socket.gaierror):
        socket.create_connection(("no:address", 25), timeout=10)


def test_a_port_without_a_service_is_told_by_its_number(mailnet, shop):
    [address] = shop.addresses

    assert socket.getnameinfo((address, 54321), 0) == ("mx.shop.example", "54321")
