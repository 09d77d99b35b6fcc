"""What the zones of a net answer, before anything is packed for the wire."""

from __future__ import annotations

import pytest

from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.dns.zone import Zones
from pytest_mailnet.dns.zonefile import parse_zone
from pytest_mailnet.errors import ZoneError

# An SOA that says what is not there lives as long as its last field allows (RFC 2308, 3).
SHOP_SOA = "shop.example 300 SOA ns.mailnet.example. hostmaster.shop.example. 1 7200 3600 1209600 300"
ROOT_SOA = " 86400 SOA a.root-servers.net. nstld.verisign-grs.com. 2026010100 1800 900 604800 86400"
GIVEN_SOA = "shop.example 60 SOA ns1.shop.example. dns.shop.example. 7 1 2 3 4"


def texts(section):
    return [str(record) for record in section]


def negative(answer):
    """The outcome and the SOA, of an answer that holds no more than these."""
    assert (answer.answers, answer.additional) == ((), ())
    [soa] = texts(answer.authority)
    return answer.rcode, soa


@pytest.fixture
def net_with():
    """Zones whose provider is put in at the first look-up of a name below provider.example."""

    def put_in(name):
        if name.endswith("provider.example") and "mx.provider.example" not in made.names:
            made.merge(Zones(parse_zone("mx 300 A 198.51.100.25\n", "provider.example")))

    made = Resolver(missing=put_in)
    return made


@pytest.fixture
def addressed():
    """Zones of a net with a host of two addresses."""
    hosts = {"192.0.2.27": "mx.shop.example", "2001:db8::27": "mx.shop.example"}
    return Resolver(reverse=hosts.get)


@pytest.mark.parametrize(
    ("rdtype", "value", "presented"),
    [
        ("A", "192.0.2.27", "192.0.2.27"),
        ("AAAA", "2001:DB8:0:0::27", "2001:db8::27"),
        ("MX", "10 mx.shop.example", "10 mx.shop.example."),
        ("MX", "0 .", "0 ."),
        ("TXT", "v=spf1 -all", '"v=spf1 -all"'),
        ("CNAME", "elsewhere.example", "elsewhere.example."),
        ("PTR", "mx.shop.example", "mx.shop.example."),
        ("NS", "ns.shop.example.", "ns.shop.example."),
        ("SRV", "0 1 587 smtp.shop.example", "0 1 587 smtp.shop.example."),
        ("CAA", '0 issue "ca.example"', '0 issue "ca.example"'),
        ("TLSA", "3 1 1 " + "AB" * 32, "3 1 1 " + "ab" * 32),
        (
            "SOA",
            "ns1.shop.example dns.shop.example 7 1 2 3 4",
            "ns1.shop.example. dns.shop.example. 7 1 2 3 4",
        ),
        ("TYPE65280", r"\# 4 0A000001", r"\# 4 0a000001"),
    ],
)
def test_a_record_is_found_by_its_name_and_type(zones, rdtype, value, presented):
    zones.add("www.shop.example", rdtype, value, ttl=77)

    answer = zones.lookup("www.shop.example", rdtype)

    assert (answer.rcode, texts(answer.answers)) == ("NOERROR", [f"www.shop.example 77 {rdtype} {presented}"])
    assert answer.authority == ()


def test_a_name_is_compared_without_case_or_final_dot(zones):
    zones.add("Shop.EXAMPLE.", "A", "192.0.2.27")

    assert texts(zones.lookup("sHOP.example.", "A").answers) == ["shop.example 300 A 192.0.2.27"]


def test_an_international_name_is_found_by_its_a_label(zones):
    zones.add("bücher.example", "A", "192.0.2.27")

    assert zones.lookup("xn--bcher-kva.example", "A").rcode == "NOERROR"


def test_records_of_one_name_and_type_keep_their_order_and_none_is_there_twice(zones):
    zones.add("shop.example", "MX", "20 b.example", "10 a.example")
    zones.add("shop.example", "mx", "20 b.example.", "5 c.example")

    assert [record.rdata for record in zones.lookup("shop.example", "MX").answers] == [
        "20 b.example.",
        "10 a.example.",
        "5 c.example.",
    ]


def test_a_name_that_is_not_there_is_nxdomain_with_the_soa_of_its_zone(zones):
    zones.add("shop.example", "A", "192.0.2.27")

    assert negative(zones.lookup("no.shop.example", "A")) == ("NXDOMAIN", SHOP_SOA)


def test_a_name_with_no_record_of_that_type_is_nodata_with_the_soa_of_its_zone(zones):
    zones.add("www.shop.example", "A", "192.0.2.27")

    assert negative(zones.lookup("www.shop.example", "AAAA")) == ("NOERROR", SHOP_SOA)


@pytest.mark.parametrize("name", ["nobody.test", "nobody.example", "test"])
def test_a_name_in_no_zone_is_nxdomain_with_the_soa_of_the_root(zones, name):
    assert negative(zones.lookup(name, "MX")) == ("NXDOMAIN", ROOT_SOA)


def test_the_root_is_there(zones):
    assert negative(zones.lookup(".", "MX")) == ("NOERROR", ROOT_SOA)


def test_the_root_has_an_soa_and_a_name_server(zones):
    assert texts(zones.lookup(".", "SOA").answers) == [ROOT_SOA]
    assert texts(zones.lookup(".", "NS").answers) == [" 3600 NS ns.mailnet.example."]


def test_what_is_said_of_a_delegation_is_said_by_the_zone_above(zones):
    zones.load("@ 60 SOA ns1 dns 7 1 2 3 4\n", "eu.shop.example")
    zones.add("shop.example", "A", "192.0.2.27")

    assert negative(zones.lookup("eu.shop.example", "DS")) == ("NOERROR", SHOP_SOA)
    assert negative(zones.lookup("shop.example", "DS")) == ("NOERROR", ROOT_SOA)


def test_a_name_with_names_below_it_is_nodata(zones):
    zones.add("selector._domainkey.eu.shop.example", "TXT", "v=DKIM1")

    for name in ("_domainkey.eu.shop.example", "eu.shop.example", "shop.example"):
        assert negative(zones.lookup(name, "TXT")) == ("NOERROR", SHOP_SOA)
    assert negative(zones.lookup("domainkey.eu.shop.example", "TXT")) == ("NXDOMAIN", SHOP_SOA)


def test_the_names_above_a_zone_are_there(zones):
    zones.add("shop.example", "A", "192.0.2.27")

    assert negative(zones.lookup("example", "A")) == ("NOERROR", ROOT_SOA)


def test_a_zone_has_an_soa_and_a_name_server_without_being_given_any(zones):
    zones.add("www.shop.example", "A", "192.0.2.27")

    name_servers = zones.lookup("shop.example", "NS")
    assert texts(zones.lookup("shop.example", "SOA").answers) == [SHOP_SOA.replace(" 300 ", " 3600 ", 1)]
    assert texts(name_servers.answers) == ["shop.example 3600 NS ns.mailnet.example."]
    assert texts(name_servers.additional) == ["ns.mailnet.example 300 A 192.0.2.53"]
    assert negative(zones.lookup("www.shop.example", "SOA")) == ("NOERROR", SHOP_SOA)


def test_an_soa_that_was_given_is_the_one_told(zones):
    zones.add("shop.example", "SOA", "ns1.shop.example dns.shop.example 7 1 2 3 4", ttl=60)

    assert texts(zones.lookup("shop.example", "SOA").answers) == [GIVEN_SOA]
    assert negative(zones.lookup("no.shop.example", "A")) == ("NXDOMAIN", GIVEN_SOA.replace(" 60 ", " 4 "))
    assert negative(zones.lookup("shop.example", "A")) == ("NOERROR", GIVEN_SOA.replace(" 60 ", " 4 "))


def test_a_zone_below_another_tells_its_own_soa(zones):
    zones.add("shop.example", "A", "192.0.2.27")
    zones.load("@ 60 SOA ns1 dns 7 1 2 3 4\n@ 60 A 192.0.2.28\n", "eu.shop.example")

    given = "eu.shop.example 4 SOA ns1.eu.shop.example. dns.eu.shop.example. 7 1 2 3 4"
    assert negative(zones.lookup("no.eu.shop.example", "A")) == ("NXDOMAIN", given)
    assert negative(zones.lookup("no.shop.example", "A")) == ("NXDOMAIN", SHOP_SOA)


def test_an_alias_is_followed_across_zones(zones):
    zones.add("www.shop.example", "CNAME", "a.cdn.test", ttl=60)
    zones.add("a.cdn.test", "CNAME", "b.cdn.test", ttl=30)
    zones.add("b.cdn.test", "A", "192.0.2.1", "192.0.2.2")

    answer = zones.lookup("www.shop.example", "A")

    assert answer.rcode == "NOERROR"
    assert texts(answer.answers) == [
        "www.shop.example 60 CNAME a.cdn.test.",
        "a.cdn.test 30 CNAME b.cdn.test.",
        "b.cdn.test 300 A 192.0.2.1",
        "b.cdn.test 300 A 192.0.2.2",
    ]


def test_names_below_a_dname_are_those_below_its_target(zones):
    zones.add("old.example", "DNAME", "new.example", ttl=77)
    zones.add("mail.new.example", "MX", "10 mx.new.example")

    assert texts(zones.lookup("mail.old.example", "MX").answers) == [
        "old.example 77 DNAME new.example.",
        "mail.old.example 77 CNAME mail.new.example.",
        "mail.new.example 300 MX 10 mx.new.example.",
    ]


def test_the_owner_of_a_dname_stays_itself(zones):
    zones.add("old.example", "DNAME", "new.example")
    zones.add("old.example", "A", "192.0.2.27")
    zones.add("new.example", "MX", "10 mx.new.example")

    assert texts(zones.lookup("old.example", "A").answers) == ["old.example 300 A 192.0.2.27"]
    assert negative(zones.lookup("old.example", "MX"))[0] == "NOERROR"
    assert texts(zones.lookup("old.example", "DNAME").answers) == ["old.example 300 DNAME new.example."]


def test_a_dname_to_the_root_leaves_the_labels_below_it(zones):
    zones.add("test.shop.example", "DNAME", ".")
    zones.add("www.other.example", "A", "192.0.2.28")

    assert zones.lookup("www.other.example.test.shop.example", "A").values("A") == ("192.0.2.28",)


def test_a_dname_hides_what_is_below_it(zones):
    zones.add("a.old.example", "A", "192.0.2.27")
    zones.add("old.example", "DNAME", "new.example")
    zones.add("b.old.example", "DNAME", "elsewhere.example")

    assert zones.lookup("a.old.example", "A").rcode == "NXDOMAIN"
    assert texts(zones.lookup("x.b.old.example", "A").answers)[0] == "old.example 300 DNAME new.example."


def test_a_dname_that_makes_a_name_too_long_is_yxdomain(zones):
    zones.add("old.example", "DNAME", ".".join(["x" * 63] * 3))

    answer = zones.lookup("y" * 62 + ".old.example", "A")

    assert (answer.rcode, [it.rdtype for it in answer.answers]) == ("YXDOMAIN", ["DNAME"])
    assert answer.failed


def test_a_removed_dname_lets_its_names_be_found_again(zones):
    zones.add("a.old.example", "A", "192.0.2.27")
    zones.add("old.example", "DNAME", "new.example")

    zones.remove("old.example", "DNAME")

    assert zones.lookup("a.old.example", "A").values("A") == ("192.0.2.27",)


def test_a_dname_of_merged_zones_is_followed(zones):
    zones.merge(Zones(parse_zone("old 300 DNAME new\na.new 300 A 192.0.2.27\n", "provider.example")))

    found = zones.addresses("a.old.provider.example", 4)

    assert (found.canonical, found.addresses) == ("a.new.provider.example", ("192.0.2.27",))


def test_a_second_dname_of_one_name_is_told(zones):
    zones.add("old.example", "DNAME", "new.example")

    with pytest.raises(ZoneError) as error:
        zones.add("old.example", "DNAME", "newer.example")

    assert str(error.value) == (
        "'old.example' can have one DNAME (RFC 6672, 2.4), and has 'new.example.'; "
        "dns.remove('old.example', 'DNAME') first"
    )


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        (r"sp\032ace.shop.example", "sp ace.shop.example"),
        (r"sp\ ace.shop.example", r"sp\032ace.shop.example"),
        (r"\097.shop.example", "A.shop.example"),
        (r"a\@b.shop.example", "a@b.shop.example"),
        (r"do\.t.shop.example", r"do\046t.shop.example"),
        (r"b\128in.shop.example", r"B\128IN.shop.example."),
    ],
)
def test_an_escaped_name_and_its_plain_form_are_one(zones, written, asked):
    zones.add(written, "A", "192.0.2.27")

    assert zones.lookup(asked, "A").values("A") == ("192.0.2.27",)
    assert zones.lookup(written, "A").values("A") == ("192.0.2.27",)
    zones.remove(asked)
    assert zones.names == ["ns.mailnet.example"]


@pytest.mark.parametrize(
    ("name", "rdtype", "signed"),
    [
        ("shop.example", "MX", True),
        ("no.shop.example", "MX", True),
        ("in.shop.example", "A", True),
        ("out.shop.example", "A", False),
        ("back.other.example", "A", False),
        ("other.example", "A", False),
        ("ashop.example", "A", False),
        ("shop.example", "DS", False),
    ],
)
def test_an_answer_of_signed_zones_alone_is_signed(zones, name, rdtype, signed):
    zones.add("shop.example", "MX", "10 mx.shop.example")
    zones.add("in.shop.example", "CNAME", "shop.example")
    zones.add("out.shop.example", "CNAME", "other.example")
    zones.add("back.other.example", "CNAME", "shop.example")
    zones.sign("shop.example")

    assert zones.lookup(name, rdtype).signed is signed


def test_a_failure_of_a_signed_zone_is_not_signed(zones):
    zones.add("shop.example", "MX", "10 mx.shop.example")
    zones.sign("shop.example")
    zones.fail("shop.example", "NXDOMAIN")

    assert not zones.lookup("shop.example", "MX").signed


def test_a_zone_that_is_not_there_cannot_be_signed(zones):
    zones.add("shop.example", "A", "192.0.2.27")

    with pytest.raises(ZoneError) as error:
        zones.sign("shop.exmaple")

    assert str(error.value) == (
        "dns.sign('shop.exmaple'): no zone of that name (did you mean 'shop.example'? "
        "There is: ns.mailnet.example, shop.example)"
    )


@pytest.mark.parametrize("rdtype", ["CNAME", "ANY"])
def test_an_alias_that_was_asked_for_is_not_followed(zones, rdtype):
    zones.add("www.shop.example", "CNAME", "shop.example")
    zones.add("shop.example", "A", "192.0.2.27")

    assert texts(zones.lookup("www.shop.example", rdtype).answers) == [
        "www.shop.example 300 CNAME shop.example."
    ]


def test_an_alias_leads_into_a_zone_that_is_put_in_at_its_first_use(net_with):
    net_with.add("mail.shop.example", "CNAME", "mx.provider.example")
    assert "mx.provider.example" not in net_with.names

    assert texts(net_with.lookup("mail.shop.example", "A").answers) == [
        "mail.shop.example 300 CNAME mx.provider.example.",
        "mx.provider.example 300 A 198.51.100.25",
    ]


def test_an_alias_of_a_name_that_is_not_there_is_nxdomain_with_the_alias(zones):
    zones.add("www.shop.example", "CNAME", "gone.other.test")
    zones.add("other.test", "A", "192.0.2.27")

    answer = zones.lookup("www.shop.example", "A")

    assert answer.rcode == "NXDOMAIN"
    assert texts(answer.answers) == ["www.shop.example 300 CNAME gone.other.test."]
    assert texts(answer.authority) == [SHOP_SOA.replace("shop.example", "other.test")]


def test_an_alias_of_a_name_with_no_record_of_that_type_is_nodata_with_the_alias(zones):
    zones.add("www.shop.example", "CNAME", "other.test")
    zones.add("other.test", "A", "192.0.2.27")

    answer = zones.lookup("www.shop.example", "MX")

    assert answer.rcode == "NOERROR"
    assert texts(answer.answers) == ["www.shop.example 300 CNAME other.test."]
    assert texts(answer.authority) == [SHOP_SOA.replace("shop.example", "other.test")]


@pytest.mark.parametrize("ring", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_aliases_in_a_ring_end_in_servfail(zones, ring):
    for label, following in zip(ring, [*ring[1:], ring[0]], strict=True):
        zones.add(f"{label}.shop.example", "CNAME", f"{following}.shop.example")

    answer = zones.lookup("a.shop.example", "A")

    assert (answer.rcode, answer.answers) == ("SERVFAIL", ())


def test_eight_aliases_in_a_row_are_followed(zones):
    for number in range(8):
        zones.add(f"{number}.shop.example", "CNAME", f"{number + 1}.shop.example")
    zones.add("8.shop.example", "A", "192.0.2.27")

    assert texts(zones.lookup("0.shop.example", "A").answers)[-1] == "8.shop.example 300 A 192.0.2.27"


def test_a_wildcard_answers_with_the_name_that_was_asked_for(zones):
    zones.add("*.shop.example", "MX", "10 mx.shop.example", ttl=60)

    for name in ("anything.shop.example", "a.b.c.shop.example"):
        assert texts(zones.lookup(name, "MX").answers) == [f"{name} 60 MX 10 mx.shop.example."]


def test_a_wildcard_does_not_answer_for_its_own_zone(zones):
    zones.add("*.shop.example", "A", "192.0.2.27")

    assert negative(zones.lookup("shop.example", "A")) == ("NOERROR", SHOP_SOA)


def test_a_name_that_is_there_hides_the_wildcard_for_all_types(zones):
    zones.add("*.shop.example", "MX", "10 mx.shop.example")
    zones.add("www.shop.example", "A", "192.0.2.27")

    assert negative(zones.lookup("www.shop.example", "MX")) == ("NOERROR", SHOP_SOA)


@pytest.mark.parametrize("there", ["eu.shop.example", "www.eu.shop.example"])
def test_a_closer_name_hides_the_wildcard_for_all_below_it(zones, there):
    zones.add("*.shop.example", "A", "192.0.2.27")
    zones.add(there, "A", "192.0.2.28")

    assert negative(zones.lookup("no.eu.shop.example", "A")) == ("NXDOMAIN", SHOP_SOA)


def test_the_closest_wildcard_answers(zones):
    zones.add("*.shop.example", "TXT", "far")
    zones.add("*.eu.shop.example", "TXT", "near")

    assert texts(zones.lookup("x.eu.shop.example", "TXT").answers) == ['x.eu.shop.example 300 TXT "near"']
    assert texts(zones.lookup("x.us.shop.example", "TXT").answers) == ['x.us.shop.example 300 TXT "far"']


def test_a_wildcard_with_no_record_of_that_type_is_nodata(zones):
    zones.add("*.shop.example", "A", "192.0.2.27")

    assert negative(zones.lookup("x.shop.example", "AAAA")) == ("NOERROR", SHOP_SOA)


def test_a_wildcard_can_be_an_alias(zones):
    zones.add("*.shop.example", "CNAME", "www.other.test")
    zones.add("www.other.test", "A", "192.0.2.27")

    assert texts(zones.lookup("x.shop.example", "A").answers) == [
        "x.shop.example 300 CNAME www.other.test.",
        "www.other.test 300 A 192.0.2.27",
    ]


def test_a_wildcard_can_be_asked_for_by_its_own_name(zones):
    zones.add("*.shop.example", "A", "192.0.2.27")

    assert texts(zones.lookup("*.shop.example", "A").answers) == ["*.shop.example 300 A 192.0.2.27"]


@pytest.mark.parametrize(
    ("rdtype", "values"),
    [
        ("MX", ["20 b.shop.example", "10 a.shop.example", "30 elsewhere.test"]),
        ("SRV", ["0 1 587 b.shop.example", "0 1 465 b.shop.example", "0 1 25 a.shop.example"]),
        ("NS", ["b.shop.example", "a.shop.example"]),
    ],
)
def test_the_hosts_that_an_answer_names_come_with_their_addresses(zones, rdtype, values):
    zones.add("a.shop.example", "A", "192.0.2.1", ttl=41)
    zones.add("a.shop.example", "AAAA", "2001:db8::1", ttl=42)
    zones.add("b.shop.example", "A", "192.0.2.2", "192.0.2.3")
    zones.add("shop.example", rdtype, *values)

    assert texts(zones.lookup("shop.example", rdtype).additional) == [
        "b.shop.example 300 A 192.0.2.2",
        "b.shop.example 300 A 192.0.2.3",
        "a.shop.example 41 A 192.0.2.1",
        "a.shop.example 42 AAAA 2001:db8::1",
    ]


def test_any_tells_all_records_of_a_name(zones):
    zones.add("shop.example", "A", "192.0.2.27")
    zones.add("shop.example", "MX", "10 mx.shop.example", "20 mx2.shop.example")

    assert texts(zones.lookup("shop.example", "ANY").answers) == [
        "shop.example 300 A 192.0.2.27",
        "shop.example 300 MX 10 mx.shop.example.",
        "shop.example 300 MX 20 mx2.shop.example.",
    ]
    assert negative(zones.lookup("no.shop.example", "ANY")) == ("NXDOMAIN", SHOP_SOA)


@pytest.mark.parametrize(
    "name",
    [
        "27.2.0.192.in-addr.arpa",
        "7.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
        "7.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.IP6.ARPA.",
    ],
)
def test_a_hosts_address_leads_back_to_its_name(addressed, name):
    answer = addressed.lookup(name, "PTR")

    assert texts(answer.answers) == [f"{name.lower().rstrip('.')} 3600 PTR mx.shop.example."]


def test_a_hosts_reverse_name_has_nothing_but_its_ptr(addressed):
    assert negative(addressed.lookup("27.2.0.192.in-addr.arpa", "A")) == (
        "NOERROR",
        SHOP_SOA.replace("shop.example", "in-addr.arpa"),
    )


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("28.2.0.192.in-addr.arpa", "in-addr.arpa"),
        ("1.27.2.0.192.in-addr.arpa", "in-addr.arpa"),
        ("256.2.0.192.in-addr.arpa", "in-addr.arpa"),
        ("x.in-addr.arpa", "in-addr.arpa"),
        ("8" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa", "ip6.arpa"),
        ("7.2.8.b.d.0.1.0.0.2.ip6.arpa", "ip6.arpa"),
        ("x.ip6.arpa", "ip6.arpa"),
    ],
)
def test_an_address_that_nobody_has_leads_nowhere(addressed, name, zone):
    assert negative(addressed.lookup(name, "PTR")) == ("NXDOMAIN", SHOP_SOA.replace("shop.example", zone))


def test_a_given_ptr_goes_before_the_hosts_name(addressed):
    addressed.add("27.2.0.192.in-addr.arpa", "PTR", "generic-27.isp.example")

    assert texts(addressed.lookup("27.2.0.192.in-addr.arpa", "PTR").answers) == [
        "27.2.0.192.in-addr.arpa 300 PTR generic-27.isp.example."
    ]


def test_a_wildcard_names_the_addresses_of_a_network(addressed):
    addressed.add("*.100.51.198.in-addr.arpa", "PTR", "pool.isp.example")

    assert texts(addressed.lookup("9.100.51.198.in-addr.arpa", "PTR").answers) == [
        "9.100.51.198.in-addr.arpa 300 PTR pool.isp.example."
    ]


def test_a_failure_is_told_in_place_of_the_records_of_exactly_that_name(zones):
    zones.add("shop.example", "A", "192.0.2.27")
    zones.add("www.shop.example", "A", "192.0.2.27")
    zones.fail("Shop.example.", "SERVFAIL")

    failed = zones.lookup("shop.example", "A")

    assert (failed.rcode, failed.answers, failed.authority) == ("SERVFAIL", (), ())
    assert zones.lookup("shop.example", "MX").rcode == "SERVFAIL"
    assert zones.lookup("www.shop.example", "A").rcode == "NOERROR"


@pytest.mark.parametrize("rcode", ["FORMERR", "NOTIMP", "NXDOMAIN", "REFUSED", "SERVFAIL"])
def test_a_name_can_fail_that_is_not_there(zones, rcode):
    zones.fail("nobody.test", rcode)

    assert zones.lookup("nobody.test", "A").rcode == rcode


def test_a_failure_of_one_type_leaves_the_others(zones):
    zones.add("shop.example", "A", "192.0.2.27")
    zones.fail("shop.example", "SERVFAIL", rdtype="mx")

    assert zones.lookup("shop.example", "MX").rcode == "SERVFAIL"
    assert zones.lookup("shop.example", "A").rcode == "NOERROR"


def test_a_failure_ends_after_its_times(zones):
    zones.add("shop.example", "A", "192.0.2.27")
    zones.fail("shop.example", "SERVFAIL", rdtype="A", times=2)

    rcodes = [zones.lookup("shop.example", rdtype).rcode for rdtype in ("A", "MX", "A", "A")]

    assert rcodes == ["SERVFAIL", "NOERROR", "SERVFAIL", "NOERROR"]


def test_failures_of_one_name_come_in_turn(zones):
    zones.add("shop.example", "A", "192.0.2.27")
    zones.fail("shop.example", "SERVFAIL", times=1)
    zones.fail("shop.example", "REFUSED", times=1)

    assert [zones.lookup("shop.example", "A").rcode for _ in range(3)] == ["SERVFAIL", "REFUSED", "NOERROR"]


def test_a_failure_can_be_ended(zones):
    zones.add("shop.example", "MX", "10 mx.shop.example")
    failure = zones.fail("shop.example", "SERVFAIL")
    during = zones.lookup("shop.example", "MX").rcode

    failure.end()
    failure.end()

    assert (during, zones.lookup("shop.example", "MX").rcode) == ("SERVFAIL", "NOERROR")


def test_the_end_of_a_failure_leaves_the_others(zones):
    zones.add("shop.example", "MX", "10 mx.shop.example")
    first = zones.fail("shop.example", "SERVFAIL", times=5)
    zones.fail("shop.example", "REFUSED", times=1)
    zones.fail("shop.example", "SERVFAIL", rdtype="A", times=1)

    first.end()

    assert [zones.lookup("shop.example", "MX").rcode for _ in range(2)] == ["REFUSED", "NOERROR"]
    assert zones.lookup("shop.example", "A").rcode == "SERVFAIL"


def test_after_a_failures_end_another_takes_its_place(zones):
    failure = zones.fail("shop.example", "SERVFAIL")
    with pytest.raises(ZoneError, match=r"never happen.*\.end\(\) of what it returned"):
        zones.fail("shop.example", "NXDOMAIN")

    failure.end()
    zones.fail("shop.example", "REFUSED")

    assert zones.lookup("shop.example", "MX").rcode == "REFUSED"


def test_a_failure_that_was_asked_for_twice_is_one(zones):
    zones.add("shop.example", "MX", "10 mx.shop.example")
    zones.fail("shop.example", "SERVFAIL")

    zones.fail("shop.example", "SERVFAIL").end()

    assert zones.lookup("shop.example", "MX").rcode == "NOERROR"


def test_a_reverse_name_can_fail(addressed):
    addressed.fail("27.2.0.192.in-addr.arpa", "SERVFAIL", times=1)

    assert [addressed.lookup("27.2.0.192.in-addr.arpa", "PTR").rcode for _ in range(2)] == [
        "SERVFAIL",
        "NOERROR",
    ]


def test_records_of_one_type_can_be_removed(zones):
    zones.add("shop.example", "A", "192.0.2.27")
    zones.add("shop.example", "MX", "10 mx.shop.example")

    zones.remove("SHOP.example.", "mx")

    assert negative(zones.lookup("shop.example", "MX")) == ("NOERROR", SHOP_SOA)
    assert zones.lookup("shop.example", "A").rcode == "NOERROR"
    assert zones.names == ["ns.mailnet.example", "shop.example"]


@pytest.mark.parametrize("rdtype", [None, "A"])
def test_a_name_without_records_is_gone(zones, rdtype):
    zones.add("shop.example", "A", "192.0.2.27")
    zones.add("www.shop.example", "A", "192.0.2.27")

    zones.remove("www.shop.example", rdtype)

    assert negative(zones.lookup("www.shop.example", "A")) == ("NXDOMAIN", SHOP_SOA)
    assert zones.names == ["ns.mailnet.example", "shop.example"]


def test_the_names_above_a_removed_name_go_with_it(zones):
    zones.add("shop.example", "A", "192.0.2.27")
    zones.add("selector._domainkey.shop.example", "TXT", "v=DKIM1")

    zones.remove("selector._domainkey.shop.example")

    assert negative(zones.lookup("_domainkey.shop.example", "TXT")) == ("NXDOMAIN", SHOP_SOA)


def test_a_domain_whose_last_record_is_removed_is_not_there(zones):
    zones.add("shop.example", "MX", "10 mx.other.test")

    zones.remove("shop.example")

    assert negative(zones.lookup("shop.example", "MX")) == ("NXDOMAIN", ROOT_SOA)
    assert not zones.knows("shop.example")


def test_a_removed_name_lets_the_wildcard_answer_again(zones):
    zones.add("*.shop.example", "A", "192.0.2.27")
    zones.add("www.eu.shop.example", "A", "192.0.2.28")

    zones.remove("www.eu.shop.example")

    assert texts(zones.lookup("x.eu.shop.example", "A").answers) == ["x.eu.shop.example 300 A 192.0.2.27"]


def test_a_removed_name_can_be_added_again(zones):
    zones.add("www.shop.example", "A", "192.0.2.27")
    zones.remove("www.shop.example")

    zones.add("www.shop.example", "CNAME", "shop.example")

    assert texts(zones.lookup("www.shop.example", "CNAME").answers) == [
        "www.shop.example 300 CNAME shop.example."
    ]


def test_a_zone_knows_all_names_below_it(zones):
    zones.add("mx.shop.example", "A", "192.0.2.27")

    known = {
        name: zones.knows(name) for name in ("Shop.example.", "x.y.shop.example", "example", "other.test")
    }

    assert known == {"Shop.example.": True, "x.y.shop.example": True, "example": False, "other.test": False}


def test_a_zone_that_is_put_in_at_its_first_use_is_known(net_with):
    assert net_with.knows("provider.example")


def test_addresses_come_with_the_name_at_the_end_of_the_chain(zones):
    zones.add("www.shop.example", "CNAME", "a.cdn.test")
    zones.add("a.cdn.test", "CNAME", "b.cdn.test")
    zones.add("b.cdn.test", "A", "192.0.2.1", "192.0.2.2")
    zones.add("b.cdn.test", "AAAA", "2001:db8::1")

    found = zones.addresses("WWW.shop.example.", 4)

    assert (found.rcode, found.canonical, found.addresses) == (
        "NOERROR",
        "b.cdn.test",
        ("192.0.2.1", "192.0.2.2"),
    )
    assert found.texts == tuple(texts(zones.lookup("www.shop.example", "A").answers))
    assert zones.addresses("www.shop.example", 6).addresses == ("2001:db8::1",)


def test_addresses_of_a_name_without_any_are_none(zones):
    zones.add("Shop.example", "MX", "10 mx.shop.example")

    nodata, nxdomain = zones.addresses("Shop.example", 4), zones.addresses("no.shop.example", 6)

    assert (nodata.rcode, nodata.canonical, nodata.addresses, nodata.texts) == (
        "NOERROR",
        "shop.example",
        (),
        (),
    )
    assert (nxdomain.rcode, nxdomain.addresses) == ("NXDOMAIN", ())


def test_zones_are_merged_name_by_name(zones):
    zones.add("mx.shop.example", "A", "192.0.2.26")

    zones.merge(Zones(parse_zone("$TTL 60\n@ MX 10 mx\nmx A 192.0.2.27\n", "shop.example")))

    assert texts(zones.lookup("shop.example", "MX").additional) == [
        "mx.shop.example 300 A 192.0.2.26",
        "mx.shop.example 60 A 192.0.2.27",
    ]


def test_zones_that_were_merged_into_two_nets_stay_apart():
    provider = Zones(parse_zone("$TTL 60\n@ MX 10 mx\n", "shop.example"))
    first, second = Resolver(), Resolver()
    first.merge(provider)
    second.merge(provider)

    first.add("shop.example", "MX", "20 mx2.shop.example")
    first.add("new.shop.example", "A", "192.0.2.27")

    assert texts(second.lookup("shop.example", "MX").answers) == ["shop.example 60 MX 10 mx.shop.example."]
    assert second.lookup("new.shop.example", "A").rcode == "NXDOMAIN"
    assert provider.names == ["shop.example"]


def test_a_zone_is_loaded_from_its_text_or_its_path(zones, tmp_path):
    text = "$TTL 60\n@ TXT first\nwww CNAME @\n"
    path = tmp_path / "shop.zone"
    path.write_text(text)

    zones.load(text, "a.example")
    zones.load(path, "b.example")
    zones.load(str(path), "c.example.")

    for domain in ("a.example", "b.example", "c.example"):
        assert texts(zones.lookup(f"www.{domain}", "TXT").answers) == [
            f"www.{domain} 60 CNAME {domain}.",
            f'{domain} 60 TXT "first"',
        ]


def test_a_zone_that_does_not_fit_is_not_loaded_in_part(zones):
    zones.add("www.shop.example", "A", "192.0.2.27")
    before = zones.names

    with pytest.raises(ZoneError, match=r"'www\.shop\.example' can have a CNAME"):
        zones.load("$TTL 60\na A 192.0.2.28\nwww CNAME a\nb A 192.0.2.29\n", "shop.example")

    assert zones.names == before
    assert zones.lookup("a.shop.example", "A").rcode == "NXDOMAIN"


def test_a_value_with_an_error_keeps_out_the_values_before_it(zones):
    with pytest.raises(ZoneError):
        zones.add("shop.example", "A", "192.0.2.27", "192.0.2.270")

    assert not zones.knows("shop.example")


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (
            lambda zones: zones.add("shop.example", "CNAME", "www.shop.example"),
            "'shop.example' can have a CNAME or other records (RFC 1034, 3.6.2): "
            "it has A, MX, CNAME was to be added; dns.remove('shop.example') first",
        ),
        (
            lambda zones: zones.add("WWW.shop.example", "A", "192.0.2.27"),
            "'www.shop.example' can have a CNAME or other records (RFC 1034, 3.6.2): "
            "it has CNAME, A was to be added; dns.remove('www.shop.example') first",
        ),
        (
            lambda zones: zones.add("shop.example", "MXX", "10 mx.shop.example"),
            "no DNS record type 'MXX' (did you mean 'MX'?); RFC 3597 has others as 'TYPE65280'",
        ),
        (
            lambda zones: zones.add("shop.example", "MX"),
            "dns.add('shop.example', 'MX') takes at least one value",
        ),
        (
            lambda zones: zones.add("Shop.example", "mx", "10 mx.shop.example", "mx.shop.example"),
            "dns.add('Shop.example', 'MX', 'mx.shop.example'): expecting an integer; "
            "MX takes it as in '10 mx.shop.example'",
        ),
        (
            lambda zones: zones.remove("shp.example"),
            "dns.remove: no records 'shp.example' (did you mean 'shop.example' or 'www.shop.example' or "
            "'ns.mailnet.example'? There is: ns.mailnet.example, shop.example, www.shop.example)",
        ),
        (
            lambda zones: zones.remove("shop.example", "TXT"),
            "dns.remove: no records TXT of 'shop.example' (there is: A, MX)",
        ),
        (
            lambda zones: zones.remove("shop.example", "TXZ"),
            "no DNS record type 'TXZ' (did you mean 'TXT'?); RFC 3597 has others as 'TYPE65280'",
        ),
        (
            lambda zones: zones.fail("shop.example", "SERVFIAL"),
            "dns.fail('shop.example', 'SERVFIAL'): no such failure "
            "(did you mean 'SERVFAIL' or 'dns-servfail'?)",
        ),
        (
            lambda zones: zones.fail("shop.example", "SERVFAIL", times=0),
            "dns.fail('shop.example', 'SERVFAIL', times=0): it fails 1 time or more",
        ),
        (
            lambda zones: zones.fail("shop.example", "SERVFAIL", rdtype="MXX"),
            "no DNS record type 'MXX' (did you mean 'MX'?); RFC 3597 has others as 'TYPE65280'",
        ),
        (
            lambda zones: zones.fail("shop example", "SERVFAIL"),
            "'shop example' is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'",
        ),
    ],
)
def test_a_mistake_is_told_where_it_is_made(zones, attempt, told):
    zones.add("shop.example", "A", "192.0.2.27")
    zones.add("shop.example", "MX", "10 mx.shop.example")
    zones.add("www.shop.example", "CNAME", "shop.example")

    with pytest.raises(ZoneError) as error:
        attempt(zones)

    assert str(error.value) == told


def test_with_many_names_a_mistaken_one_is_answered_by_the_nearest(zones):
    for number in range(20):
        zones.add(f"host{number}.net.test", "A", "192.0.2.27")
    zones.add("bookshop.test", "A", "192.0.2.27")

    with pytest.raises(ZoneError) as error:
        zones.remove("bokshop.test")

    assert str(error.value) == "dns.remove: no records 'bokshop.test' (did you mean 'bookshop.test'?)"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "shop..example",
        ".shop.example",
        "shop example",
        "x" * 64 + ".example",
        "a." * 125 + "example",
    ],
)
def test_what_cannot_be_a_domain_name_is_told(zones, name):
    with pytest.raises(ZoneError) as error:
        zones.add(name, "A", "192.0.2.27")

    assert str(error.value) == (
        f"{name!r} is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'"
    )


@pytest.mark.parametrize("ttl", [-1, 2**32])
def test_a_ttl_that_no_packet_can_hold_is_told(zones, ttl):
    with pytest.raises(ZoneError, match=str(ttl)):
        zones.add("shop.example", "A", "192.0.2.27", ttl=ttl)


def test_a_second_alias_of_one_name_is_told(zones):
    zones.add("www.shop.example", "CNAME", "a.example")

    with pytest.raises(ZoneError, match=r"'www\.shop\.example'"):
        zones.add("www.shop.example", "CNAME", "b.example")
