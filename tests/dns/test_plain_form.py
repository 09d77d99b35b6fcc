"""Names and rdata that are read without dnspython: the same as by dnspython, or left to it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_mailnet.dns import presentation_form
from pytest_mailnet.dns.plain_form import plain_labels, plain_rdata
from pytest_mailnet.providers.index import index

PLAIN = [
    ("A", "192.0.2.27", "192.0.2.27"),
    ("AAAA", "2001:db8::27", "2001:db8::27"),
    ("CNAME", "Mx.Shop.example", "Mx.Shop.example."),
    ("MX", "10 mx.shop.example", "10 mx.shop.example."),
    ("NS", "ns.shop.example.", "ns.shop.example."),
    ("PTR", "_x.shop-1.example", "_x.shop-1.example."),
    ("SOA", "ns.a.example h.a.example. 1 2 3 4 0", "ns.a.example. h.a.example. 1 2 3 4 0"),
    ("TXT", "v=spf1 -all", '"v=spf1 -all"'),
    ("TXT", '"v=DKIM1; p=ab" "cd"', '"v=DKIM1; p=ab" "cd"'),
]
LEFT = [
    ("A", "192.0.2.027"),
    ("A", "192.0.2.256"),
    ("A", "192.0.2"),
    ("AAAA", "::ffff:192.0.2.1"),
    ("AAAA", "2001:DB8::27"),
    ("AAAA", "fe80::1%eth0"),
    ("AAAA", "2001:db8:0:0:0:0:0:27"),
    ("CAA", '0 issue "ca.example"'),
    ("CNAME", "."),
    ("CNAME", "a..example"),
    ("CNAME", f"{'a' * 64}.example"),
    ("CNAME", ".".join(["a" * 63] * 4)),
    ("CNAME", r"a\.b.example"),
    ("CNAME", "bücher.example"),
    ("MX", "010 mx.shop.example"),
    ("MX", "10  mx.shop.example"),
    ("MX", "65536 mx.shop.example"),
    ("MX", "mx.shop.example"),
    ("MX", "0 ."),
    ("SOA", "ns.a.example. h.a.example. 1 2h 3 4 5"),
    ("SOA", "ns.a.example. h.a.example. 1 2 3 4"),
    ("SOA", "ns.a.example."),
    ("TXT", ""),
    ("TXT", 'say "hello"'),
    ("TXT", r"a\b"),
    ("TXT", "a" * 256),
    ("TXT", '"a"  "b"'),
    ("TXT", "grüße"),
    ("TXT", "a\nb"),
    ("A", "192.0.2.1\n"),
    ("NS", "ns.a.example\n"),
]


@pytest.mark.parametrize(("rdtype", "value", "expected"), PLAIN)
def test_usual_rdata_is_read_as_by_dnspython(rdtype, value, expected):
    assert plain_rdata(rdtype, value) == expected == presentation_form.rdata(rdtype, value)


@pytest.mark.parametrize(("rdtype", "value"), LEFT)
def test_anything_else_is_left_to_dnspython(rdtype, value):
    assert plain_rdata(rdtype, value) is None


_NUMBERS = st.integers(0, 70_000).map(str)
_NAMES = st.text(st.sampled_from("aZ09-_*.."), max_size=12) | st.sampled_from(
    [name for it in index().values() for name in it.names]
)
_TEXTS = st.text(st.characters(max_codepoint=0x100), max_size=300)
_VALUES = st.one_of(
    _NAMES,
    _TEXTS,
    st.builds('"{}"'.format, _TEXTS),
    st.builds('"{}" "{}"'.format, _TEXTS, _TEXTS),
    st.builds("{} {}".format, _NUMBERS, _NAMES),
    st.builds("{} {} {} {} {} {} {}".format, _NAMES, _NAMES, *[_NUMBERS] * 5),
    st.lists(st.integers(0, 300).map(str) | st.just("01"), min_size=3, max_size=5).map(".".join),
    st.ip_addresses(v=6).map(str),
    st.lists(st.sampled_from(["", "0", "1", "ab", "00f"]), min_size=2, max_size=9).map(":".join),
)


@given(st.sampled_from(["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "TXT"]), _VALUES)
@example("AAAA", "0:0:1::")
@example("AAAA", "1:0:0:1:0:0:0:1")
def test_what_is_read_plainly_is_never_different(rdtype, value):
    plain = plain_rdata(rdtype, value)

    assert plain is None or plain == presentation_form.rdata(rdtype, value)


@given(_NAMES | _TEXTS)
def test_labels_are_never_different(name):
    plain = plain_labels(name)

    assert plain is None or plain == presentation_form.labels(name)


def test_a_plain_name_has_its_labels():
    assert plain_labels("MX.shop.example") == plain_labels("MX.shop.example.") == (b"MX", b"shop", b"example")
    assert plain_labels("") is None
