"""Reading commands; the examples are those of RFC 3501, 7888 and 3516."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

import pytest

from pytest_mailnet.imap.command_arguments import Arguments, BadCommand, InvalidName, literal_announced


def test_a_login_has_a_tag_a_command_and_two_strings():
    arguments = Arguments(b'a001 login SMITH "se\\"sa\\\\me"\r\n')

    assert arguments.tag() == "a001"
    arguments.space()
    assert arguments.keyword() == "LOGIN"
    arguments.space()
    assert arguments.astring() == b"SMITH"
    arguments.space()
    assert arguments.astring() == b'se"sa\\me'
    arguments.end()


@pytest.mark.parametrize("announcement", [b"{5}", b"{5+}", b"~{5}", b"~{5+}", b"{005}"])
def test_an_append_has_its_literal_in_place(announcement):
    arguments = Arguments(
        b'a1 APPEND "INBOX" (\\seen $Work) "17-Jul-1996 02:44:25 -0700" %b\r\nhel\r\n\r\n' % announcement
    )

    arguments.tag()
    arguments.space()
    arguments.keyword()
    arguments.space()
    assert arguments.mailbox() == "INBOX"
    arguments.space()
    assert arguments.flags() == ("\\Seen", "$Work")
    arguments.space()
    assert arguments.date_time() == datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)
    arguments.space()
    assert arguments.string() == b"hel\r\n"
    assert arguments.at_end()
    arguments.end()


def test_a_literal_at_the_end_may_end_in_a_line_end_of_its_own():
    arguments = Arguments(b"{2}\r\n\r\n")

    assert arguments.string() == b"\r\n"
    arguments.end()


@pytest.mark.parametrize(
    ("line", "announced"),
    [
        (b"a1 LOGIN {11}\r\n", (11, True)),
        (b"a1 LOGIN {11+}\r\n", (11, False)),
        (b"a1 APPEND x ~{5}", (5, True)),
        (b"{0}", (0, True)),
        (b"{9223372036854775808}\r\n", (2**63, True)),
        (b"{%b}\r\n" % (b"9" * 100_000), (10**20, True)),
        (b"{%b5}\r\n" % (b"0" * 100_000), (5, True)),
        (b"a1 NOOP\r\n", None),
        (b"a1 LOGIN x{y}\r\n", None),
        (b"a1 LOGIN {-1}\r\n", None),
        (b'a1 LOGIN "{5}"\r\n', None),
        (b"}", None),
        (b"", None),
    ],
)
def test_the_end_of_a_line_announces_a_literal(line, announced):
    assert literal_announced(line) == announced


@pytest.mark.parametrize(
    ("command", "read"),
    [
        (b"(", Arguments.atom),
        (b"", Arguments.atom),
        (b"+", Arguments.tag),
        (b'"open', Arguments.astring),
        (b'"a\\b"', Arguments.astring),
        (b'"a\x00b"', Arguments.astring),
        (b"{6}\r\nhello", Arguments.astring),
        (b"{9223372036854775808}\r\nhello", Arguments.astring),
        (b"{%b}\r\nhello" % (b"9" * 10_000), Arguments.astring),
        (b"4294967296", Arguments.number),
        (b"99999999999", Arguments.number),
        (b"-1", Arguments.number),
        (b"9" * 10_000, Arguments.number64),
        (b"1:2:3", Arguments.sequence_set),
        (b"0", Arguments.sequence_set),
        (b"4294967296", Arguments.sequence_set),
        (b"(\\Seen", Arguments.flags),
        (b"(\\Seen  \\Deleted)", Arguments.flags),
        (b'"&&"', Arguments.mailbox),
        (b"&w-", Arguments.mailbox),
        (b'"Entw\xc3\xbcrfe"', Arguments.mailbox),
        (b"31-Feb-1994", Arguments.date),
        (b"1-Fob-1994", Arguments.date),
        (b"1-Feb-0000", Arguments.date),
        (b'"1-Feb-1994', Arguments.date),
        (b'"01-Jan-0001 00:00:00 +2359"', Arguments.date_time),
        (b'"01-Jan-2001 00:00:00 +9999"', Arguments.date_time),
        (b'"01-Jan-2001 25:00:00 +0000"', Arguments.date_time),
        (b"x", Arguments.space),
        (b"x", Arguments.end),
    ],
)
def test_what_is_not_as_expected_is_a_bad_command(command, read):
    arguments = Arguments(command)

    with pytest.raises(BadCommand) as refused:
        read(arguments)

    assert refused.value.text.isascii()
    assert refused.value.text.isprintable()
    assert len(refused.value.text) < 150


def test_a_bad_command_says_what_was_expected_and_what_is_there():
    with pytest.raises(BadCommand, match=r"^Expected an atom, not '\(x'$"):
        Arguments(b"(x").atom()
    with pytest.raises(BadCommand, match=r"^Expected a space at the end of the command$"):
        Arguments(b"").space()


def test_a_name_that_is_not_encoded_is_told_from_other_errors():
    with pytest.raises(InvalidName, match=r"^Mailbox name is not valid mUTF-7$"):
        Arguments(b"a&b").mailbox()
    with pytest.raises(InvalidName, match=r"^Mailbox name is not valid UTF-8$"):
        Arguments(b'"\xff"', utf8=True).mailbox()


def test_flags_can_be_bare():
    assert Arguments(b"\\DELETED $x\r\n").flags() == ("\\Deleted", "$x")
    assert Arguments(b"()").flags() == ()


def test_labels_are_system_labels_or_names():
    assert Arguments(b'(\\Inbox foo "a b" Entw&APw-rfe)').labels() == ("\\Inbox", "foo", "a b", "Entwürfe")
    assert Arguments(b'"\\\\Sent" x').labels() == ("\\Sent", "x")
    assert Arguments(b'("Entw\xc3\xbcrfe")', utf8=True).labels() == ("Entwürfe",)


def test_a_list_has_arguments_of_one_kind():
    arguments = Arguments(b'("name" "x" "version" NIL)')

    assert arguments.list_of(arguments.nstring) == (b"name", b"x", b"version", None)


def test_mailbox_names_are_decoded():
    assert Arguments(b"iNbOx").mailbox() == "INBOX"
    assert Arguments(b'"Entw&APw-rfe"').mailbox() == "Entwürfe"
    assert Arguments(b'"Entw\xc3\xbcrfe & mehr"', utf8=True).mailbox() == "Entwürfe & mehr"
    assert Arguments(b"~peter/mail/%*").pattern() == "~peter/mail/%*"


def test_dates_may_be_quoted():
    assert Arguments(b'"1-Feb-1994"').date() == Arguments(b"01-feb-1994").date() == date(1994, 2, 1)


@pytest.mark.parametrize(
    "command", [b'"' + b"\\\\" * 3_000_000, b'"' + b"a" * 6_000_000, b"{1}\r\n" * 1_000_000]
)
def test_a_string_without_end_takes_no_longer_than_its_length(command):
    started = time.perf_counter()

    with pytest.raises(BadCommand):
        Arguments(command).list_of(Arguments(command).string)

    assert time.perf_counter() - started < 2
