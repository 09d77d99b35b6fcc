"""Reading records: types, values, master files, and what is told about the errors in them."""

from __future__ import annotations

import re

import dns.rdata
import pytest

from pytest_mailnet.dns.presentation_form import octets_of
from pytest_mailnet.dns.records import Record, parse_rdata, parse_rdtype, plain_name, text_of
from pytest_mailnet.dns.zonefile import parse_zone
from pytest_mailnet.errors import ZoneError

ZONE = """\
$ORIGIN shop.example.
$TTL 600
@       IN SOA ns1 hostmaster (
                2026010100 ; serial
                7200 3600
                1209600 300 )
        IN NS  ns1            ; the owner above goes on
        MX     10 mx
        MX     20 mx.elsewhere.test.
ns1     60 IN A 192.0.2.1
mx      IN 30 A 192.0.2.27
@       TXT    ( "v=spf1 "
                 "mx "
                 "-all" )
*       TXT    "a \\"quoted\\" ; no comment"
$ORIGIN eu
WWW     1h CNAME @
@       TYPE65280 \\# 4 0A000001
$TTL 1d
mx      AAAA 2001:DB8::27
"""


def texts(source, origin="shop.example"):
    return [str(record) for record in parse_zone(source, origin)]


def strings(value):
    return dns.rdata.from_text("IN", "TXT", parse_rdata("shop.example", "TXT", value)).strings


@pytest.mark.parametrize(
    ("given", "plain"),
    [("Shop.Example.", "shop.example"), ("shop.example", "shop.example"), (".", ""), ("", "")],
)
def test_a_name_is_kept_in_lower_case_without_the_final_dot(given, plain):
    assert plain_name(given) == plain


@pytest.mark.parametrize(
    ("given", "rdtype"),
    [("mx", "MX"), ("TXT", "TXT"), ("TYPE16", "TXT"), ("type65280", "TYPE65280"), ("TYPE65535", "TYPE65535")],
)
def test_a_type_is_written_as_usual(given, rdtype):
    assert parse_rdtype(given) == rdtype


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("MXX", "no DNS record type 'MXX' (did you mean 'MX'?); RFC 3597 has others as 'TYPE65280'"),
        (
            ["A"],
            "no DNS record type ['A'] (there is: A, AAAA, CAA, CNAME, DNAME, MX, NS, PTR and 4 more); "
            "RFC 3597 has others as 'TYPE65280'",
        ),
        ("TX", "no DNS record type 'TX' (did you mean 'TXT'?); RFC 3597 has others as 'TYPE65280'"),
        (
            "SPAM",
            "no DNS record type 'SPAM' (there is: A, AAAA, CAA, CNAME, DNAME, MX, NS, PTR and 4 more); "
            "RFC 3597 has others as 'TYPE65280'",
        ),
        (
            "TYPE65536",
            "no DNS record type 'TYPE65536' (there is: A, AAAA, CAA, CNAME, DNAME, MX, NS, PTR and 4 more); "
            "RFC 3597 has others as 'TYPE65280'",
        ),
    ],
)
def test_a_type_that_is_none_is_told_with_the_nearest(given, told):
    with pytest.raises(ZoneError) as error:
        parse_rdtype(given)

    assert str(error.value) == told


def test_a_text_needs_no_quotes():
    assert strings("v=spf1 ; \\ -all") == (b"v=spf1 ; \\ -all",)


def test_a_record_of_type_spf_is_a_text():
    assert parse_rdata("shop.example", "SPF", "v=spf1 -all") == '"v=spf1 -all"'


def test_a_text_that_is_quoted_is_read_as_a_master_file_reads_it():
    assert strings(r' "v=DKIM1; " "p=\"a\"\065" ') == (b"v=DKIM1; ", b'p="a"A')


def test_a_text_is_sent_in_utf_8():
    assert strings("bücher") == ("bücher".encode(),)


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize(
    ("length", "pieces"),
    [(255, [255]), (256, [255, 1]), (510, [255, 255]), (700, [255, 255, 190])],
)
def test_a_text_of_more_than_255_octets_is_split(quote, length, pieces):
    value = ("0123456789" * 70)[:length]

    given = strings(f"{quote}{value}{quote}")

    assert [len(piece) for piece in given] == pieces
    assert b"".join(given) == value.encode()


def test_a_text_that_no_packet_can_hold_is_told_by_its_beginning():
    with pytest.raises(ZoneError) as error:
        parse_rdata("shop.example", "TXT", "x" * 65536)

    assert str(error.value) == (
        f"dns.add('shop.example', 'TXT', '{'x' * 80}…'): rdata takes at most 65535 octets; "
        "TXT takes it as in 'v=spf1 -all'"
    )


def test_an_empty_text_is_one_empty_string():
    assert strings("") == (b"",)


@pytest.mark.parametrize(
    ("rdtype", "value", "told"),
    [
        ("A", "192.0.2.270", "Text input is malformed.; A takes it as in '192.0.2.27'"),
        ("A", "mx.shop.example", "Text input is malformed.; A takes it as in '192.0.2.27'"),
        ("A", "", "expecting an identifier; A takes it as in '192.0.2.27'"),
        (
            "A",
            "192.0.2.1 192.0.2.2",
            """expected EOL or EOF, got 3 "192.0.2.2"; A takes it as in '192.0.2.27'""",
        ),
        ("AAAA", "192.0.2.27", "Text input is malformed.; AAAA takes it as in '2001:db8::27'"),
        ("CNAME", "mx..example", "A DNS label is empty.; CNAME takes it as in 'mx.shop.example'"),
        ("MX", "mx.shop.example", "expecting an integer; MX takes it as in '10 mx.shop.example'"),
        (
            "MX",
            "65536 mx.shop.example",
            "65536 is not an unsigned 16-bit integer; MX takes it as in '10 mx.shop.example'",
        ),
        ("SRV", "0 1 587", "expecting an identifier; SRV takes it as in '0 1 587 smtp.shop.example'"),
        ("CAA", "issue ca.example", """expecting an integer; CAA takes it as in '0 issue "ca.example"'"""),
        ("TLSA", "3 1 1 wxyz", "Non-hexadecimal digit found; TLSA takes it as in '3 1 1 " + "ab" * 32 + "'"),
        ("TXT", '"v=spf1', "Text input ended unexpectedly.; TXT takes it as in 'v=spf1 -all'"),
        (
            "TYPE65280",
            "10",
            r"generic rdata does not start with \#; TYPE65280 takes it as in '\\# 4 0A000001'",
        ),
        (
            "TYPE65280",
            r"\# 4 0A00",
            r"generic rdata hex data has wrong length; TYPE65280 takes it as in '\\# 4 0A000001'",
        ),
    ],
)
def test_a_value_that_is_none_is_told_with_one_that_is(rdtype, value, told):
    with pytest.raises(ZoneError) as error:
        parse_rdata("Shop.example", rdtype, value)

    assert str(error.value) == f"dns.add('Shop.example', {rdtype!r}, {value!r}): {told}"


def test_a_master_file_is_read_with_all_that_may_stand_in_one():
    assert texts(ZONE) == [
        "shop.example 600 SOA ns1.shop.example. hostmaster.shop.example. 2026010100 7200 3600 1209600 300",
        "shop.example 600 NS ns1.shop.example.",
        "shop.example 600 MX 10 mx.shop.example.",
        "shop.example 600 MX 20 mx.elsewhere.test.",
        'shop.example 600 TXT "v=spf1 " "mx " "-all"',
        "ns1.shop.example 60 A 192.0.2.1",
        "mx.shop.example 30 A 192.0.2.27",
        r'*.shop.example 600 TXT "a \"quoted\" ; no comment"',
        "www.eu.shop.example 3600 CNAME eu.shop.example.",
        r"eu.shop.example 600 TYPE65280 \# 4 0a000001",
        "mx.eu.shop.example 86400 AAAA 2001:db8::27",
    ]


def test_a_record_is_a_value():
    [record] = parse_zone("@ 60 MX 10 mx\n", "shop.example")

    assert record == Record("shop.example", "MX", 60, parse_rdata("x", "MX", "10 mx.shop.example"))


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("$TTL 60\n@ A 192.0.2.270\n", "<zone text>:2: Text input is malformed."),
        ("$TTL 60\n@ A 192.0.2.1\nwww FOO x\n", "<zone text>:3: unknown rdatatype 'FOO'"),
        ("$TTL 60\n\n; nothing\n@ MX mx 10\n", "<zone text>:4: expecting an integer"),
        ("$TTL 60\n@ MX 10\n@ A 192.0.2.1\n", "<zone text>:2: expecting an identifier"),
        ("www 60 A 192.0.2.1\nx..y 60 A 192.0.2.1\n", "<zone text>:2: A DNS label is empty."),
        (f"{'x' * 64} 60 A 192.0.2.1\n", "<zone text>:1: A DNS label is > 63 octets long."),
        ("@ 60 CH TXT x\n", "<zone text>:1: RR class is not zone's class"),
        ("$INCLUDE other.zone\n", "<zone text>:1: zone file directive '$INCLUDE' is not allowed"),
        (f'www 60 A 192.0.2.1\n@ 60 TXT "{"x" * 256}"\n', "<zone text>:2: string too long"),
        ("$TTL sixty\n", "<zone text>:1: DNS TTL value is not well-formed."),
        ('@ 60 TXT "v=spf1\n@ 60 A 192.0.2.1\n', "<zone text>:1: newline in quoted string"),
    ],
)
def test_an_error_in_a_master_file_is_told_with_its_line(zone, told):
    with pytest.raises(ZoneError) as error:
        texts(zone)

    assert str(error.value) == f"zone file for 'shop.example': {told}"


def test_a_record_without_a_ttl_is_told_with_its_line():
    with pytest.raises(ZoneError) as error:
        texts("; no $TTL\nmx A 192.0.2.2\n; the end\n")

    assert str(error.value).startswith(
        "zone file for 'shop.example': <zone text>:2: Missing default TTL value"
    )


def test_parentheses_that_are_not_closed_are_told():
    with pytest.raises(ZoneError) as error:
        texts('@ 60 TXT ( "v=spf1 "\n"-all"\n')

    assert str(error.value) == "zone file for 'shop.example': <zone text>:1: unbalanced parentheses"


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_an_error_in_a_file_is_told_with_the_file_and_the_line(tmp_path, kind):
    path = tmp_path / "shop.zone"
    path.write_text("$TTL 60\n@ A 192.0.2.1\nwww A 192.0.2\n")

    with pytest.raises(ZoneError) as error:
        texts(kind(path))

    assert str(error.value) == f"zone file for 'shop.example': {path}:3: Text input is malformed."


def test_a_file_that_is_not_in_utf_8_is_told_with_the_file(tmp_path):
    path = tmp_path / "shop.zone"
    path.write_bytes(b"$TTL 60\n@ A 192.0.2.1 ; B\xfccher\n")

    with pytest.raises(ZoneError, match=r"shop\.zone"):
        texts(path)


def test_a_record_of_another_domain_is_told_with_its_line():
    told = "zone file for 'shop.example': <zone text>:2: this record's owner is not in shop.example."

    with pytest.raises(ZoneError, match=re.escape(told)):
        texts("@ 60 A 192.0.2.1\nother.test. 60 A 192.0.2.2\n")


def test_an_soa_of_another_name_is_told_with_its_line():
    with pytest.raises(ZoneError, match=r"<zone text>:2: .*SOA"):
        texts("@ 60 A 192.0.2.1\neu 60 SOA ns1 dns 7 1 2 3 4\n")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ZoneError, match=r"zone file '.*/shop\.zone' cannot be read: .*No such file"):
        texts(tmp_path / "shop.zone")


def test_an_alias_beside_other_records_is_told_with_its_line():
    with pytest.raises(ZoneError, match=r"<zone text>:2: .*CNAME"):
        texts("www 60 A 192.0.2.1\nwww 60 CNAME @\n@ 60 A 192.0.2.2\n")


def test_an_origin_that_is_no_name_is_told():
    with pytest.raises(ZoneError) as error:
        texts("@ 60 A 192.0.2.1\n", "shop..example")

    assert str(error.value) == "zone file for 'shop..example': A DNS label is empty."


@pytest.mark.parametrize(
    "rdtype", ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TLSA", "TXT"]
)
def test_what_a_message_gives_as_an_example_is_right(rdtype):
    with pytest.raises(ZoneError) as error:
        parse_rdata("shop.example", rdtype, '"')
    example = str(error.value).partition(f"{rdtype} takes it as in '")[2].removesuffix("'")

    assert octets_of(rdtype, parse_rdata("shop.example", rdtype, example))


@pytest.mark.parametrize(
    ("rdata", "text"),
    [
        (r'"a \"b\" c"', 'a "b" c'),
        (r'"v=DKIM1\; k=rsa\; " "p=x"', "v=DKIM1; k=rsa; p=x"),
        (r'"\065\092"', "A\\"),
    ],
)
def test_the_text_of_a_record_is_without_quotes_and_escapes(rdata, text):
    assert text_of(rdata) == text
