"""What SEARCH finds; the keys are those of RFC 3501, 6.4.4, in the order in which it has them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from pytest_mailnet.imap.command_arguments import Arguments, BadCommand
from pytest_mailnet.imap.searching import UnknownCharset, found_by, search_answer, search_asked

_FIRST = b"""\
Date: Tue, 1 Feb 1994 23:30:00 -0800
From: Fred Smith <smith@a.example>
To: =?utf-8?b?QsO2Yg==?= =?utf-8?q?_Bee?= <bob@b.example>
Cc: carol@c.example
Bcc: dave@d.example
Subject: Re: the
 =?iso-8859-1?q?Entw=FCrfe?=
Message-ID: <One@a.example>
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=
=C3=9Fe hello
""".replace(b"\n", b"\r\n")
_SECOND = b"""\
From: smithers@a.example
Subject: second
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: base64

PGI+R3L832U8L2I+
--b
Content-Type: application/pdf; name=x.pdf
Content-Disposition: attachment; filename=x.pdf

hello
--b
Content-Type: message/rfc822

Subject: inner

within
--b--
""".replace(b"\n", b"\r\n")


@pytest.fixture
def mails(stored):
    return [
        stored(
            _FIRST,
            uid=10,
            flags=frozenset({"\\Seen", "\\Answered", "$Work"}),
            received=datetime(1994, 2, 1, 12, tzinfo=UTC),
            labels=("\\Inbox", "Work"),
        ),
        stored(
            _SECOND,
            uid=20,
            flags=frozenset({"\\Flagged", "\\Deleted", "\\Draft"}),
            recent=True,
            received=datetime(1994, 2, 3, tzinfo=UTC),
            message_id=2,
            thread_id=3,
        ),
        stored(b"Subject: third\r\n\r\n", uid=30, received=datetime(1994, 2, 5, tzinfo=UTC)),
    ]


def search(written, mails):
    return found_by(search_asked(Arguments(written)), mails)


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        (b"2:*", [2, 3]),
        (b"*", [3]),
        (b"ALL", [1, 2, 3]),
        (b"ANSWERED", [1]),
        (b"BCC dave", [1]),
        (b"BEFORE 3-Feb-1994", [1]),
        (b"BODY hello", [1]),
        (b'BODY "GR\xc3\x9cSSE"', [1, 2]),
        (b"BODY within", [2]),
        (b"BODY inner", []),
        (b"TEXT inner", [2]),
        (b"TEXT x.pdf", [2]),
        (b"CC carol", [1]),
        (b"DELETED", [2]),
        (b"DRAFT", [2]),
        (b"FLAGGED", [2]),
        (b"FROM SMITH", [1, 2]),
        (b'FROM "Fred Smith"', [1]),
        (b'HEADER "message-id" "<one@A.example>"', [1]),
        (b'HEADER Message-ID ""', [1]),
        (b"HEADER X y", []),
        (b"KEYWORD $work", [1]),
        (b"LARGER %d" % len(_FIRST), [2]),
        (b"NEW", [2]),
        (b"NOT DELETED", [1, 3]),
        (b"OLD", [1, 3]),
        (b"ON 3-Feb-1994", [2]),
        (b"OR ANSWERED DRAFT", [1, 2]),
        (b"RECENT", [2]),
        (b"SEEN", [1]),
        (b"SENTBEFORE 2-Feb-1994", [1]),
        (b'SENTON "1-Feb-1994"', [1]),
        (b"SENTSINCE 2-Feb-1994", []),
        (b"SINCE 3-Feb-1994", [2, 3]),
        (b"SMALLER %d" % len(_FIRST), [3]),
        (b"SUBJECT {17}\r\nre: the Entw\xc3\xbcrfe", [1]),
        (b"SUBJECT {13}\r\nthe entw\xc3\x9crfe", [1]),
        (b"TEXT second", [2]),
        (b"TEXT within", [2]),
        (b'TO "b\xc3\x96b bee"', [1]),
        (b"UID 20:*", [2, 3]),
        (b"UID 31:*", [3]),
        (b"UNANSWERED", [2, 3]),
        (b"UNDELETED", [1, 3]),
        (b"UNDRAFT", [1, 3]),
        (b"UNFLAGGED", [1, 3]),
        (b"UNKEYWORD $Work", [2, 3]),
        (b"UNSEEN", [2, 3]),
        (b"1:2 unseen", [2]),
        (b"OR (SEEN ANSWERED) (NOT 1:2)\r\n", [1, 3]),
        (b"NOT (OR 1 2) *", [3]),
        (b"CHARSET utf-8 TEXT {2}\r\n\xc3\x9c", [1, 2]),
        (b"X-GM-MSGID 2", [2]),
        (b"X-GM-THRID 3", [2]),
        (b"X-GM-LABELS work", [1]),
        (b"X-GM-LABELS other", []),
        (b"X-GM-LABELS \\Inbox", [1]),
    ],
)
def test_a_key_finds_the_mails_it_is_for(written, numbers, mails):
    assert search(written, mails) == numbers


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("from:smith", [1]),
        ("from:smithers@a.example", [2]),
        ("to:bob -is:unread", [1]),
        ("is:unread", [2, 3]),
        ("is:starred", [2]),
        ("in:inbox", [1]),
        ("in:anywhere", [1, 2, 3]),
        ("label:work", [1]),
        ("has:attachment", [2]),
        ('subject:"the Entwürfe"', [1]),
        ("rfc822msgid:One@a.example", [1]),
        ("hello", [1]),
        ("hell", []),
        ('"grüsse hello"', [1]),
        ("", [1, 2, 3]),
        ("no:operator", []),
        ('"open', []),
    ],
)
def test_gmails_own_search_knows_a_few_operators(query, numbers, mails):
    written = b"X-GM-RAW {%d}\r\n%b" % (len(query.encode()), query.encode())

    assert search(written, mails) == numbers


@pytest.mark.parametrize(
    "written",
    [
        b"", b"FOO", b"NOT", b"OR SEEN", b"(SEEN", b"()", b"SEEN  NEW", b"SEEN)", b"BEFORE yesterday", b"FROM",
        b"HEADER x", b"LARGER x", b"UID x", b"1:2:3", b"RETURN (FOO) ALL", b"RETURN (MIN)", b'SUBJECT "\xff"',
        b"CHARSET UTF-8", b"(" * 100_000, b"NOT " * 100_000 + b"ALL", b"OR " * 100_000,
    ],
    ids=lambda it: it[:20],
)  # fmt: skip
def test_what_is_no_search_is_a_bad_command(written):
    with pytest.raises(BadCommand):
        search_asked(Arguments(written))


def test_keys_can_nest_but_not_without_end(mails):
    assert search(b"(" * 49 + b"2" + b")" * 49, mails) == [2]
    with pytest.raises(BadCommand, match="nest more than 50 deep"):
        search(b"(" * 50 + b"2" + b")" * 50, mails)


def test_a_charset_that_is_not_known_is_refused_with_those_that_are():
    with pytest.raises(UnknownCharset) as refused:
        search_asked(Arguments(b"CHARSET KOI8-R TEXT x"))

    assert refused.value.code == "[BADCHARSET (UTF-8 US-ASCII)]"


@pytest.mark.parametrize(
    ("written", "numbers", "by_uid", "answer"),
    [
        # RFC 3501, 6.4.4.
        (b"FLAGGED", [2, 84, 882], False, b"SEARCH 2 84 882"),
        (b'TEXT "string not in mailbox"', [], True, b"SEARCH"),
        # RFC 4731, 3.1.
        (b"RETURN (MIN COUNT) FLAGGED", [2, 5, 84], False, b'ESEARCH (TAG "A282") MIN 2 COUNT 3'),
        (b"RETURN () FLAGGED", [2, 10, 11], False, b'ESEARCH (TAG "A282") ALL 2,10:11'),
        (b"return (min max) FLAGGED", [7, 3800], True, b'ESEARCH (TAG "A282") UID MIN 7 MAX 3800'),
        (b"RETURN (MIN MAX ALL COUNT) 1", [], False, b'ESEARCH (TAG "A282") COUNT 0'),
    ],
)
def test_a_search_is_answered_as_it_was_asked(written, numbers, by_uid, answer):
    asked = search_asked(Arguments(written))

    assert search_answer(asked, numbers, "A282", by_uid=by_uid) == answer


def test_an_empty_mailbox_has_nothing_to_find():
    assert search(b"OR 1:* (NOT UID *)", []) == []


@pytest.mark.parametrize(
    "header",
    [
        b"Subject: " + b"=?a?q?" * 300_000,
        b"Subject: " + b"=?utf-8?q?a?= " * 100_000,
        b"Subject: =?punycode?q?" + b"a-" * 100_000 + b"?=",
        b"Content-Type: text/plain; charset=idna\r\n\r\n" + b"a." * 300_000,
        b'Content-Type: text/plain; charset="a\0b"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAAA',
        b"Content-Type: text/plain; charset=rot13\r\n\r\nx",
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 1_000_000,
        b"Date: " + b"1 " * 300_000,
        b"Date: 99 Feb 9999999999 00:00:00\r\n\r\n",
        b"Content-Type: message/rfc822\r\n\r\n" * 1000,
    ],
    ids=lambda it: it[:40].decode(errors="replace"),
)
def test_a_hostile_mail_is_searched_in_bounded_time(header, stored):
    started = time.perf_counter()

    assert search(b"OR SENTON 1-Jan-2000 NOT TEXT nowhere", [stored(header)]) == [1]
    assert time.perf_counter() - started < 5


def test_a_set_of_many_ranges_is_looked_up_once(stored):
    mails = [stored(uid=it * 2) for it in range(1, 10_001)]
    ranges = b",".join([b"%d:%d" % (it, it + 1) for it in range(1, 5_000, 2)])
    started = time.perf_counter()

    assert len(search(b"UID " + ranges, mails)) == 2_500
    assert time.perf_counter() - started < 1
