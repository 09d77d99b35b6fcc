"""Names of mailboxes, strings and the wildcards of LIST."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.imap.command_arguments import Arguments
from pytest_mailnet.imap.mailbox_names import (
    astring,
    decoded_name,
    encoded_name,
    matches_pattern,
    quoted,
    string,
    string_or_nil,
)

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # RFC 3501, 5.1.3
        ("Entwürfe", "Entw&APw-rfe"),
        ("[Gmail]/Корзина", "[Gmail]/&BBoEPgRABDcEOAQ9BDA-"),
        ("R&D", "R&-D"),
        ("é&", "&AOk-&-"),
        ("😀", "&2D3eAA-"),
        ("", ""),
    ],
)
def test_a_name_has_its_form_in_modified_utf_7(name, written):
    assert encoded_name(name) == written
    assert decoded_name(written) == name


@given(_TEXTS)
def test_every_name_comes_back_from_modified_utf_7(name):
    written = encoded_name(name)

    assert decoded_name(written) == name
    assert re.fullmatch("[ -~]*", written)


@pytest.mark.parametrize("written", ["&", "a&b", "&AO", "&A-", "&2D0-", "é", "a\tb", "&AP/8-"])
def test_what_is_no_modified_utf_7_says_so(written):
    with pytest.raises(ValueError, match="is no modified UTF-7"):
        decoded_name(written)


@pytest.mark.parametrize(
    ("pattern", "name", "matching"),
    [
        ("*", "foo/bar", True),
        ("%", "foo/bar", False),
        ("%", "foo", True),
        ("%/%", "foo/bar", True),
        ("foo/%", "foo/bar", True),
        ("foo/%", "foo", False),
        ("foo*", "foo", True),
        ("*r", "foo/bar", True),
        ("f%%r", "foor", True),
        ("%*%", "a/b", True),
        ("inbox", "INBOX", True),
        ("inbox/*", "INBOX/x", True),
        ("*box/x", "INBOX/x", True),
        ("inbox/*", "INBOX/X", True),
        ("INBOX/X", "INBOX/x", False),
        ("inboxes", "INBOXES", False),
        ("Trash", "TRASH", False),
        ("", "", True),
        ("", "foo", False),
        ("foo", "foobar", False),
        ("f.o", "foo", False),
    ],
)
def test_wildcards_match_as_list_has_them(pattern, name, matching):
    assert matches_pattern(pattern, name, "/") is matching


@given(st.text("ab/*%", max_size=12), st.text("ab/", max_size=12))
def test_wildcards_match_as_a_regular_expression_would(pattern, name):
    expression = "".join({"*": ".*", "%": "[^/]*"}.get(it, it) for it in pattern)

    assert matches_pattern(pattern, name, "/") is bool(re.fullmatch(expression, name))


def test_without_levels_both_wildcards_are_one():
    assert matches_pattern("%", "a/b", None)


def test_many_wildcards_take_no_time():
    started = time.perf_counter()

    assert not matches_pattern("*a%" * 5_000 + "b", "a/" * 2_000, "/")
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (b"", b'""'),
        (b'a "b" \\c', b'"a \\"b\\" \\\\c"'),
        (b"a\r\nb", b"{4}\r\na\r\nb"),
        (b"\xc3\xbc", b"{2}\r\n\xc3\xbc"),
        (None, b"NIL"),
    ],
)
def test_a_string_is_quoted_if_it_can_be(value, written):
    assert string_or_nil(value) == written


@given(st.binary())
def test_every_string_is_read_as_it_was_written(value):
    assert Arguments(string(value)).string() == value
    assert Arguments(astring(value)).astring() == value


@given(_TEXTS.filter(lambda it: not set(it) & {"\r", "\n", "\0"}))
def test_every_quoted_text_is_read_as_it_was_written(text):
    assert Arguments(quoted(text)).string().decode() == text


def test_an_atom_needs_no_quotes():
    assert [astring(it) for it in (b"Trash", b"a b", b"nil", b"a[")] == [b"Trash", b'"a b"', b'"nil"', b"a["]


def test_a_quoted_text_has_no_line_end():
    with pytest.raises(ValueError, match="cannot be a quoted string"):
        quoted("a\r\nb")
