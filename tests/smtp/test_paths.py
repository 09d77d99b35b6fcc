"""Paths are read as aiosmtpd reads them, but for what its parser itself calls invalid."""

from __future__ import annotations

from email._header_value_parser import get_addr_spec, get_angle_addr
from email.errors import InvalidHeaderDefect

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pytest_mailnet.smtp.paths import CommandError, forward_path, reverse_path

ATOM = st.text("abcXYZ019!#$%&'*+-/=?^_`{|}~", min_size=1, max_size=8)
LOCAL = st.lists(ATOM, min_size=1, max_size=4).map(".".join)
DOMAIN = st.lists(st.text("abcXYZ019-", min_size=1, max_size=8), min_size=1, max_size=4).map(".".join)
PARAMETERS = st.lists(st.sampled_from(["SIZE=100", "BODY=8BITMIME", "SMTPUTF8", "X"]), max_size=3)


def invalid(written):
    parsed, _ = get_angle_addr(written) if written.startswith("<") else get_addr_spec(written)
    return any(isinstance(defect, InvalidHeaderDefect) for defect in parsed.all_defects)


@given(LOCAL, DOMAIN, PARAMETERS, st.sampled_from([" ", "  ", "\t"]))
def test_an_ordinary_path_is_read_as_aiosmtpd_reads_it(local, domain, parameters, space):
    assume("=?" not in local)
    written = space.join([f"<{local}@{domain}>", *parameters])

    address, rest = SMTP._getaddr(SMTP, written)

    assert reverse_path(f"FROM:{written}") == forward_path(f"to: {written}") == (address, tuple(rest.split()))
    assert address == f"{local}@{domain}"


@given(st.text('<>@.,:;"\\()[] abAB1-_=ä\t', min_size=1, max_size=25))
@example("<@relay.example,@other.example:bob@b.example>")
@example('<"bob \\" b"@b.example> X')
@example("<bob@[192.0.2.1]> X=1")
@example("<bob@[IPv6:2001:db8::1]>")
@example("<(who)bob@b.example> (why) X")
@example("bob@b.example X")
@example("<bob@b.example")
@example("<bob b@b.example>")
@example("<bob>")
@example("<bob@[x>")
@example('<""@b.example>')
@example('"\t"@b.example')  # no tab in a quoted string (RFC 5321, 4.1.2)
def test_any_path_is_read_as_aiosmtpd_reads_it_or_refused_as_invalid(written):
    written = written.strip()
    assume(written and written[:2] != "<>")

    read = as_read(lambda: reverse_path(f"FROM:{written}"))

    theirs = as_read(lambda: SMTP._getaddr(SMTP, written))
    address = None if theirs is None else theirs[0]
    if address is None or address.startswith("@") or not address.isprintable() or invalid(written):
        assert read is None
    else:
        assert read == (theirs[0], tuple(theirs[1].split()))


def as_read(read):
    try:
        return read()
    except Exception:  # noqa: BLE001  # aiosmtpd trips over some paths with whatever exception, and answers 500
        return None


@pytest.mark.parametrize("keyword", ["FROM", "TO", ""])
def test_a_path_without_its_keyword_is_a_syntax_error(keyword):
    with pytest.raises(CommandError) as sender:
        reverse_path(f"{keyword}<a@b.example>")
    with pytest.raises(CommandError) as recipient:
        forward_path(f"{keyword}<a@b.example>")

    assert (sender.value.condition, recipient.value.condition) == ("mail_syntax", "rcpt_syntax")


def test_the_null_path_is_a_sender_and_no_recipient():
    with pytest.raises(CommandError) as refused:
        forward_path("TO:<>")

    assert refused.value.condition == "recipient_empty"
    assert reverse_path("FROM:<> SIZE=1") == ("", ("SIZE=1",))


def test_postmaster_without_a_domain_is_a_recipient_and_no_sender():
    with pytest.raises(CommandError) as refused:
        reverse_path("FROM:<postmaster>")

    assert refused.value.condition == "sender_without_domain"
    assert forward_path("TO:<Postmaster>") == ("Postmaster", ())


def test_an_address_that_looks_like_an_encoded_word_stays_as_it_is():
    assert reverse_path("FROM:<=?utf-8?q?bob?=@b.example>").address == "=?utf-8?q?bob?=@b.example"


@pytest.mark.parametrize(
    "path", ["<a\x00b@b.example>", "<a\x7f@b.example>", "<a\rb@b.example>", "<ä\x85@b.example>"]
)
def test_control_characters_are_in_no_address(path):
    with pytest.raises(CommandError):
        reverse_path(f"FROM:{path}")


def test_a_path_that_nests_without_end_is_refused():
    with pytest.raises(CommandError):
        reverse_path("FROM:<" + "(" * 500 + "a@b.example>")
