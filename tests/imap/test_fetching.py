r"""What FETCH answers, to the letter; envelopes and numbers of parts are the examples of RFC 3501."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_mailnet.imap.command_arguments import Arguments, BadCommand
from pytest_mailnet.imap.fetching import fetch_items, fetched, marks_seen, with_uid
from pytest_mailnet.imap.header_fields import values_named
from pytest_mailnet.imap.structure import structure_of

# RFC 3501, 8.
_RFC_MAIL = b"""\
Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
From: Terry Gray <gray@cac.washington.edu>
Subject: IMAP4rev1 WG mtg summary and minutes
To: imap@cac.washington.edu
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
Message-Id: <B27397-0100000@cac.washington.edu>
MIME-Version: 1.0
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

A
B
""".replace(b"\n", b"\r\n")
_RFC_ENVELOPE = (
    b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" '
    b'(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) '
    b'(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) '
    b'((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL '
    b'"<B27397-0100000@cac.washington.edu>")'
)

# The mail whose parts RFC 3501, 6.4.5, numbers.
_NESTED = b"""\
Subject: outer
Content-Type: multipart/mixed; boundary="a"

preamble
--a
Content-Type: text/plain

one
--a
Content-Type: application/octet-stream; name=x.bin
Content-Transfer-Encoding: base64

AAAA
--a
Content-Type: message/rfc822

Subject: three
Content-Type: multipart/mixed; boundary=ab

--ab
Content-Type: text/plain; charset=utf-8

three-one
--ab
Content-Type: application/octet-stream

three-two
--ab--
--a
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: image/gif
Content-ID: <gif@x>
Content-Description: a picture
Content-Disposition: attachment; filename="a b.gif"
Content-Language: de, en
Content-Location: http://x/y
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==

four-one
--b
Content-Type: message/rfc822

Subject: four-two

four-two-one
--b--
--a--
epilogue
""".replace(b"\n", b"\r\n")


def answer(items, mail):
    return fetched(fetch_items(Arguments(items)), mail)


def section(content, written, stored):
    answered = answer(b"BODY.PEEK[%b]" % written, stored(content)).removesuffix(b")")
    head, _, value = answered.partition(b"}\r\n")
    return value if value or head.endswith(b"{0") else head.rpartition(b" ")[2]


def test_flags_and_uid_are_written_in_the_order_of_the_command(stored):
    mail = stored(uid=7, flags=frozenset({"$Work", "\\Seen", "\\Answered"}), recent=True)

    assert answer(b"(FLAGS UID)", mail) == b"(FLAGS (\\Answered \\Seen $Work \\Recent) UID 7)"
    assert answer(b"(uid flags uid)", stored()) == b"(UID 1 FLAGS ())"


def test_a_macro_stands_for_its_items(stored):
    mail = stored(_RFC_MAIL)
    fast = b'FLAGS () INTERNALDATE "17-Jul-1996 09:44:25 +0000" RFC822.SIZE %d' % len(_RFC_MAIL)
    body = b'BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 6 2)'

    assert answer(b"fast", mail) == b"(%b)" % fast
    assert answer(b"ALL", mail) == b"(%b ENVELOPE %b)" % (fast, _RFC_ENVELOPE)
    assert answer(b"FULL", mail) == b"(%b ENVELOPE %b %b)" % (fast, _RFC_ENVELOPE, body)


def test_the_old_names_are_answered_by_their_names(stored):
    mail = stored(b"Subject: x\r\n\r\nhello\r\n")

    assert answer(b"RFC822", mail) == b"(RFC822 {21}\r\nSubject: x\r\n\r\nhello\r\n)"
    assert answer(b"RFC822.HEADER", mail) == b"(RFC822.HEADER {14}\r\nSubject: x\r\n\r\n)"
    assert answer(b"RFC822.TEXT", mail) == b"(RFC822.TEXT {7}\r\nhello\r\n)"


def test_gmails_items_are_written_as_gmail_writes_them(stored):
    mail = stored(labels=("()", "[foobar]", "\\Draft", "\\Important", "fav", "Entwürfe"))

    # The labels but the last are those of github.com/ruby/net-imap, issue 272.
    assert answer(b"(X-GM-MSGID X-GM-THRID X-GM-LABELS)", mail) == (
        b"(X-GM-MSGID 1278455344230334865 X-GM-THRID 1266894439832287888 "
        b'X-GM-LABELS ("()" "[foobar]" "\\\\Draft" "\\\\Important" fav Entw&APw-rfe))'
    )


@pytest.mark.parametrize(
    ("items", "seen"),
    [
        (b"BODY[]", True),
        (b"BODY.PEEK[]", False),
        (b"RFC822", True),
        (b"RFC822.TEXT", True),
        (b"RFC822.HEADER", False),
        (b"(FLAGS BODY BODYSTRUCTURE ENVELOPE)", False),
        (b"(FLAGS BODY[HEADER])", True),
    ],
)
def test_who_reads_the_text_has_seen_the_mail(items, seen):
    assert marks_seen(fetch_items(Arguments(items))) is seen


def test_uid_fetch_answers_with_the_uid(stored):
    assert fetched(with_uid(fetch_items(Arguments(b"FLAGS"))), stored(uid=9)) == b"(UID 9 FLAGS ())"
    assert fetched(with_uid(fetch_items(Arguments(b"(FLAGS UID)"))), stored()) == b"(FLAGS () UID 1)"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"", _NESTED),
        (b"HEADER", b'Subject: outer\r\nContent-Type: multipart/mixed; boundary="a"\r\n\r\n'),
        (b"TEXT", _NESTED.partition(b"\r\n\r\n")[2]),
        (b"HEADER.FIELDS (subject X)", b"Subject: outer\r\n\r\n"),
        (b"HEADER.FIELDS.NOT (Content-Type)", b"Subject: outer\r\n\r\n"),
        (b"HEADER.FIELDS (X)", b"\r\n"),
        (b"1", b"one"),
        (b"1.MIME", b"Content-Type: text/plain\r\n\r\n"),
        (b"2", b"AAAA"),
        (b"3", _NESTED.partition(b"message/rfc822\r\n\r\n")[2].partition(b"\r\n--a\r\n")[0]),
        (b"3.HEADER", b"Subject: three\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n"),
        (b"3.HEADER.FIELDS (SUBJECT)", b"Subject: three\r\n\r\n"),
        (b"3.MIME", b"Content-Type: message/rfc822\r\n\r\n"),
        (b"3.1", b"three-one"),
        (b"3.1.MIME", b"Content-Type: text/plain; charset=utf-8\r\n\r\n"),
        (b"3.2", b"three-two"),
        (b"4.1", b"four-one"),
        (b"4.2", b"Subject: four-two\r\n\r\nfour-two-one"),
        (b"4.2.HEADER", b"Subject: four-two\r\n\r\n"),
        (b"4.2.TEXT", b"four-two-one"),
        (b"4.2.1", b"four-two-one"),
        (b"4.2.1.1", b"NIL"),
        (b"4.2.2", b"NIL"),
        (b"1.1", b"NIL"),
        (b"1.HEADER", b"NIL"),
        (b"5", b"NIL"),
        (b"99999999", b"NIL"),
    ],
)
def test_a_section_is_cut_from_the_bytes_of_the_mail(written, value, stored):
    assert section(_NESTED, written, stored) == value


def test_the_body_of_a_mail_without_parts_is_part_one(stored):
    content = b"Subject: x\r\n\r\nhello"

    assert section(content, b"1", stored) == b"hello"
    assert section(content, b"1.MIME", stored) == b"Subject: x\r\n\r\n"
    assert section(content, b"1.1", stored) == b"NIL"
    assert section(content, b"2", stored) == b"NIL"


def test_an_answer_names_the_section_and_the_offset(stored):
    mail = stored(b"Subject: x\r\nTo: b@x\r\n\r\nhello")

    assert answer(b'body.peek[header.fields (to "Subject")]', mail) == (
        b"(BODY[HEADER.FIELDS (to Subject)] {23}\r\nSubject: x\r\nTo: b@x\r\n\r\n)"
    )
    assert answer(b"BODY[TEXT]<1.3>", mail) == b"(BODY[TEXT]<1> {3}\r\nell)"
    assert answer(b"BODY[]<9999.3>", mail) == b"(BODY[]<9999> {0}\r\n)"
    assert answer(b"BODY[7]<0.3>", mail) == b"(BODY[7]<0> NIL)"


@pytest.mark.parametrize(
    "items",
    [
        b"", b"()", b"(FLAGS", b"(FLAGS  UID)", b"(ALL)", b"XYZ", b"BODY[", b"BODY[0]", b"BODY[1.]", b"BODY[.1]",
        b"BODY[MIME]", b"BODY[HEADER.FIELDS]", b"BODY[HEADER.FIELDS ()]", b"BODY[TEXT]<0>", b"BODY[TEXT]<0.0>",
        b"BODY[TEXT]<a.1>", b"FLAGS[]", b"BODY[FOO]", b"BODY[01]", b"BODY[%b]" % b".".join([b"1"] * 100 + [b"x"]),
    ],
)  # fmt: skip
def test_what_is_no_item_is_a_bad_command(items):
    with pytest.raises(BadCommand):
        fetch_items(Arguments(items))


def test_the_structure_of_nested_parts_is_described(stored):
    third = _NESTED.partition(b"message/rfc822\r\n\r\n")[2].partition(b"\r\n--a\r\n")[0]

    assert answer(b"BODYSTRUCTURE", stored(_NESTED)) == (
        b'(BODYSTRUCTURE (("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3 0 NIL NIL NIL NIL)'
        b'("APPLICATION" "OCTET-STREAM" ("NAME" "x.bin") NIL NIL "BASE64" 4 NIL NIL NIL NIL)'
        b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" %d (NIL "three" NIL NIL NIL NIL NIL NIL NIL NIL) '
        b'(("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 9 0 NIL NIL NIL NIL)'
        b'("APPLICATION" "OCTET-STREAM" NIL NIL NIL "7BIT" 9 NIL NIL NIL NIL) '
        b'"MIXED" ("BOUNDARY" "ab") NIL NIL NIL) %d NIL NIL NIL NIL)'
        b'(("IMAGE" "GIF" NIL "<gif@x>" "a picture" "7BIT" 8 "Q2hlY2sgSW50ZWdyaXR5IQ==" '
        b'("ATTACHMENT" ("FILENAME" "a b.gif")) ("de" "en") "http://x/y")'
        b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 33 (NIL "four-two" NIL NIL NIL NIL NIL NIL NIL NIL) '
        b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 12 0 NIL NIL NIL NIL) 2 NIL NIL NIL NIL) '
        b'"MIXED" ("BOUNDARY" "b") NIL NIL NIL) "MIXED" ("BOUNDARY" "a") NIL NIL NIL))'
        % (len(third), third.count(b"\n"))
    )


def test_the_short_structure_has_no_extension_data(stored):
    mail = stored(b"Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n")

    assert answer(b"BODY", mail) == (
        b'(BODY (("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3 0) "X"))'
    )


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b'name*0=long; name*1="er name"', b'("NAME" "longer name")'),
        (b"name*1=b; x=y; name*0=a", b'("NAME" "ab" "X" "y")'),
        (b"NAME*0=a; name*1=b; name*3=d", b'("NAME" "ab" "NAME*3" "d")'),
        (b"name*1=b; name*2=c", b'("NAME*1" "b" "NAME*2" "c")'),
        (b"name*0*=utf-8''caf%C3%A9; name*1=\" 100%\"", b'("NAME*" "utf-8\'\'caf%C3%A9 100%25")'),
        (b"name*=utf-8''caf%C3%A9", b'("NAME*" "utf-8\'\'caf%C3%A9")'),
        (b"name*0=a; name*0=b", b'("NAME" "a")'),
        (b"name*x=a; name*00=b; *0=c", b'("NAME*X" "a" "NAME*00" "b" "*0" "c")'),
    ],
)
def test_a_parameter_in_pieces_is_one_in_the_structure(written, told, stored):
    content = b"Content-Type: application/pdf; %b\r\nContent-Disposition: attachment; %b\r\n\r\n" % (
        written,
        written,
    )

    structure = answer(b"BODYSTRUCTURE", stored(content))

    assert structure == (
        b'(BODYSTRUCTURE ("APPLICATION" "PDF" %b NIL NIL "7BIT" 0 NIL ("ATTACHMENT" %b) NIL NIL))'
        % (told, told)
    )


def test_a_boundary_in_pieces_is_one(stored):
    content = (
        b"Content-Type: multipart/mixed; boundary*0=a; boundary*1=b\r\n\r\n--ab\r\n\r\none\r\n--ab--\r\n"
    )

    assert section(content, b"1", stored) == b"one"


def test_a_digest_is_made_of_mails(stored):
    content = (
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\none\r\n--b--\r\n"
    )

    assert section(content, b"1.HEADER", stored) == b"Subject: x\r\n\r\n"


@pytest.mark.parametrize(
    "head", [b"multipart/mixed", b'multipart/mixed; boundary=""', b"multipart/mixed; boundary=b"]
)
def test_a_multipart_without_parts_has_an_empty_one_as_dovecot_has_it(head, stored):
    content = b"Content-Type: %b\r\n\r\nhello\r\n" % head

    assert section(content, b"1", stored) == b""
    assert b'(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 0 0' in answer(b"BODY", stored(content))


def test_a_boundary_is_a_whole_line_and_its_line_end_is_not_the_parts(stored):
    content = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\t \r\n\r\n--bc\r\n x--b\r\n\r\n--b\r\n--b\r\n"
        b"X: y\r\n--b\r\n\r\nnever closed\r\n"
    )

    assert section(content, b"1", stored) == b"--bc\r\n x--b\r\n"
    assert section(content, b"2", stored) == b""
    assert section(content, b"3.MIME", stored) == b"X: y"
    assert section(content, b"4", stored) == b"never closed\r\n"
    assert section(content, b"5", stored) == b"NIL"


def test_bare_line_ends_are_understood(stored):
    content = _NESTED.replace(b"\r\n", b"\n")

    assert section(content, b"3.1", stored) == b"three-one"
    assert section(content, b"4.2.TEXT", stored) == b"four-two-one"
    assert section(b"\nno header\n", b"TEXT", stored) == b"no header\n"


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        (b"bob@b.example", b'((NIL NIL "bob" "b.example"))'),
        (b'"Bob, the \\"B\\"" <bob@b.example>', b'(("Bob, the \\"B\\"" NIL "bob" "b.example"))'),
        (b"bob@b.example (Bob (B))", b'(("Bob (B)" NIL "bob" "b.example"))'),
        (b"=?utf-8?q?B=C3=B6b?= <bob@b.example>", b'(("=?utf-8?q?B=C3=B6b?=" NIL "bob" "b.example"))'),
        (b"B\xc3\xb6b <bob@b.example>", b'(({4}\r\nB\xc3\xb6b NIL "bob" "b.example"))'),
        (b"<@a.example,@c.example:bob@b.example>", b'((NIL "@a.example,@c.example" "bob" "b.example"))'),
        (b"undisclosed-recipients:;", b'((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))'),
        (
            b"A Group:Chris Jones <c@a.test>,joe@where.test;, x@y",
            b'((NIL NIL "A Group" NIL)("Chris Jones" NIL "c" "a.test")(NIL NIL "joe" "where.test")'
            b'(NIL NIL NIL NIL)(NIL NIL "x" "y"))',
        ),
        (b'"a b"@[192.0.2.1]', b'((NIL NIL "a b" "[192.0.2.1]"))'),
        (b"bob", b'((NIL NIL "bob" ""))'),
        (b'"abc', b'((NIL NIL "abc" ""))'),
        (b"bob@b.example (open", b'(("open" NIL "bob" "b.example"))'),
        (b'"', b'((NIL NIL "" ""))'),
        (b"a@b@c", b'((NIL NIL "a" "b"))'),
        (b"x@y z@w", b'((NIL NIL "x" "y"))'),
        (b"Bob (hi)  there <b@x>", b'(("Bob there" NIL "b" "x"))'),
        (b":;", b'((NIL NIL "" NIL)(NIL NIL NIL NIL))'),
        (b"", b"NIL"),
        (b" , ,", b"NIL"),
    ],
)
def test_an_envelope_has_addresses_in_four_pieces(value, addresses, stored):
    envelope = answer(b"ENVELOPE", stored(b"To: %b\r\n\r\n" % value))

    assert envelope == b"(ENVELOPE (NIL NIL NIL NIL NIL %b NIL NIL NIL NIL))" % addresses


def test_an_envelope_tells_an_empty_field_from_none(stored):
    content = b"Subject:\r\nDate: a\r\n b\r\nIn-Reply-To: <x>\r\nReply-To: r@x\r\nFrom: f@x\r\n\r\n"

    assert answer(b"ENVELOPE", stored(content)) == (
        b'(ENVELOPE ("a b" "" ((NIL NIL "f" "x")) ((NIL NIL "f" "x")) ((NIL NIL "r" "x")) NIL NIL NIL "<x>" NIL))'
    )


def _deep(levels):
    return b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (it, it) for it in range(levels)
    )


@pytest.mark.parametrize(
    "content",
    [
        _deep(1000) + b"\r\nhello",
        b"Content-Type: message/rfc822\r\n\r\n" * 1000 + b"hello",
        b"Subject: x\r\n\r\n" + b"a" * 10_000_000,
        b"Subject: " + b"a" * 10_000_000,
        b"To: " + b"(" * 500_000,
        b"To: <@" + b"," * 200_000,
        b"To: " + b'"' * 200_001,
        b"Content-Type: text/plain; " + b'"\\' * 200_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 200_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"\r\n--b \t" * 200_000,
        b"X: y\r\n" * 100_000,
        b" \r\n" * 200_000,
        b"\0\0\0",
        b"",
    ],
    ids=lambda it: it[:12].decode(errors="replace"),
)
def test_a_hostile_mail_is_described_in_bounded_time(content, stored):
    mail = stored(content)
    structure_of.cache_clear()
    started = time.perf_counter()

    described = answer(b"(ENVELOPE BODY BODYSTRUCTURE BODY[HEADER.FIELDS (TO)] BODY[1.1.1])", mail)

    assert described.endswith(b")")
    assert time.perf_counter() - started < 10


_PIECES = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"--b",
        b"--",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b": ",
        b'"',
        b"(",
        b"\\",
        b"x",
    ]
)


@given(content=st.lists(_PIECES | st.binary(max_size=3), max_size=40).map(b"".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_mail(content, stored):
    items = b"(ENVELOPE BODYSTRUCTURE BODY[] BODY[HEADER] BODY[TEXT] BODY[HEADER.FIELDS.NOT (X)] BODY[1] BODY[1.2])"

    described = Arguments(answer(items, stored(content)))

    read(described)
    described.end()


@given(content=st.lists(_PIECES | st.binary(max_size=3), max_size=40).map(b"".join))
def test_a_field_that_is_looked_up_alone_has_the_values_that_it_has_in_the_whole_header(content):
    whole = structure_of(content)

    for name in (b"subject", b"content-type", b"x"):
        assert list(values_named(content, name)) == whole.values(name)


def read(answered):
    """Read an answer with parentheses, names, strings and literals."""
    depth = 0
    while not answered.at_end():
        if answered.follows("("):
            depth += 1
        elif answered.follows(")"):
            depth -= 1
        elif answered.follows("BODY["):
            while not answered.follows("]"):
                answered.follows(" ") or answered.follows("(") or answered.follows(")") or answered.atom()
        elif not answered.follows(" "):
            answered.astring()
    assert depth == 0


def test_no_parser_of_mails_is_loaded_for_it():
    code = (
        "import sys\n"
        "from pytest_mailnet.imap import fetching, searching\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] == 'email'))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30
    )

    assert printed.stdout == "[]\n"


def test_flags_of_ten_thousand_mails_take_a_moment(stored):
    mails = [stored(uid=it, flags=frozenset({"\\Seen"} if it % 2 else ())) for it in range(1, 10_001)]
    items = fetch_items(Arguments(b"(FLAGS UID)"))
    started = time.perf_counter()

    answers = [fetched(items, it) for it in mails]

    assert answers[0] == b"(FLAGS (\\Seen) UID 1)"
    assert time.perf_counter() - started < 1
