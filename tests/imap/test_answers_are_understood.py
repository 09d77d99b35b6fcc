"""What others make of the answers: the standard library, IMAPClient, and the email package of the same mails."""

from __future__ import annotations

import contextlib
import email
import email.policy
import imaplib
import re
import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_mailnet.imap.command_arguments import Arguments, BadCommand
from pytest_mailnet.imap.fetching import fetch_items, fetched
from pytest_mailnet.imap.searching import UnknownCharset, search_asked
from pytest_mailnet.imap.structure import structure_of

_WORDS = st.text("abcdefgh", min_size=1, max_size=8)
_LEAVES = st.builds(
    lambda kind, text: b"Content-Type: %b\r\n\r\n%b\r\n" % (kind, text.encode()),
    st.sampled_from([b"text/plain", b"text/html; charset=utf-8", b"application/pdf; name=x.pdf"]),
    _WORDS,
)


def _around(parts):
    """Parts in a multipart, or one in a mail."""
    boundary = b"=_%d" % len(b"".join(parts))
    inner = b"".join(b"\r\n--%b\r\n%b" % (boundary, it) for it in parts)
    return b'Content-Type: multipart/mixed; boundary="%b"\r\n\r\n%b\r\n--%b--\r\n' % (
        boundary,
        inner,
        boundary,
    )


_MAILS = st.recursive(
    _LEAVES,
    lambda parts: (
        st.lists(parts, min_size=1, max_size=3).map(_around)
        | parts.map(lambda it: b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n" + it)
    ),
    max_leaves=8,
)


def answer(items, mail):
    return fetched(fetch_items(Arguments(items)), mail)


def responses(number, answered):
    """An answer as imaplib hands it on, literals apart from the text before them."""
    pieces, text, at = [], b"%d " % number, 0
    for found in re.finditer(rb"\{(\d+)\}\r\n", answered):
        if found.start() < at:
            continue
        end = found.end() + int(found[1])
        pieces.append((text + answered[at : found.end() - 2], answered[found.end() : end]))
        text, at = b"", end
    return [*pieces, answered[at:]] if pieces else [text + answered]


def email_leaves(part):
    return [leaf for it in part.get_payload() for leaf in email_leaves(it)] if part.is_multipart() else [part]


def own_leaves(part):
    return [leaf for it in part.parts for leaf in own_leaves(it)] if part.parts else [part]


@given(_MAILS)
def test_the_email_package_finds_the_same_parts(content):
    others = email_leaves(email.message_from_bytes(content, policy=email.policy.SMTP))

    own = own_leaves(structure_of(content))

    assert [(f"{it.kind}/{it.subkind}", content[it.body : it.end].strip()) for it in own] == [
        (it.get_content_type(), it.get_payload().encode().strip()) for it in others
    ]


def test_imaplib_understands_flags_and_date(stored):
    mail = stored(flags=frozenset({"\\Seen", "$Work"}), received=datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC))
    answered = b"1 " + answer(b"(FLAGS INTERNALDATE)", mail)

    assert imaplib.ParseFlags(answered) == (b"\\Seen", b"$Work")
    assert time.mktime(imaplib.Internaldate2tuple(answered)) == mail.received.timestamp()


def test_imapclient_understands_an_answer(stored):
    parser = pytest.importorskip("imapclient.response_parser")
    content = (
        b'Subject: a "b" \\c\r\nFrom: "Bob \\"B\\"" <bob@b.example>\r\nTo: g: x@y, z@w;\r\n'
        b"Date: Tue, 1 Feb 1994 23:30:00 -0800\r\n"
        + _around([b"Content-Type: text/plain\r\n\r\n\xc3\xbc (\r\n"])
    )
    mail = stored(content, uid=7, flags=frozenset({"\\Seen"}), labels=("\\Inbox", "a b", "Entwürfe"))
    items = (
        b"(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY[] BODY[1] X-GM-LABELS X-GM-MSGID)"
    )

    [read] = parser.parse_fetch_response(
        responses(1, answer(items, mail)), normalise_times=False, uid_is_key=True
    ).values()

    assert read[b"FLAGS"] == (b"\\Seen",)
    assert read[b"INTERNALDATE"].timestamp() == mail.received.timestamp()
    assert read[b"RFC822.SIZE"] == len(content)
    assert read[b"ENVELOPE"].subject == b'a "b" \\c'
    assert [str(it) for it in read[b"ENVELOPE"].from_] == ['"Bob \\"B\\"" <bob@b.example>']
    assert [it.mailbox for it in read[b"ENVELOPE"].to] == [b"g", b"x", b"z", None]
    assert read[b"BODYSTRUCTURE"].is_multipart
    assert read[b"BODYSTRUCTURE"][0][0][:2] == (b"TEXT", b"PLAIN")
    assert read[b"BODY[]"] == content
    assert read[b"BODY[1]"] == b"\xc3\xbc (\r\n"
    assert read[b"X-GM-LABELS"] == (b"\\Inbox", b"a b", b"Entw&APw-rfe")
    assert read[b"X-GM-MSGID"] == mail.message_id


@given(content=_MAILS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_imapclient_understands_every_structure(content, stored):
    parser = pytest.importorskip("imapclient.response_parser")

    read = parser.parse_fetch_response(
        responses(1, answer(b"(BODY BODYSTRUCTURE ENVELOPE)", stored(content)))
    )

    assert {b"BODY", b"BODYSTRUCTURE", b"ENVELOPE"} <= set(read[1])


_SAID = """( ) BODY[ ] BODY.PEEK[ 1 . 1.2 HEADER.FIELDS TEXT < > 0.5 FLAGS ALL NOT OR FROM SUBJECT UID 1:* , SENTON
    1-Feb-1994 CHARSET UTF-8 RETURN KEYWORD X-GM-RAW HEADER LARGER " \\ {3} {3+} abc \\Seen 99999999999999999999
    """
_PIECES = st.sampled_from(_SAID.split()) | st.sampled_from([" ", "{3}\r\n"])


@given(st.lists(_PIECES, max_size=20).map("".join) | st.text(), st.sampled_from([fetch_items, search_asked]))
def test_whatever_is_said_is_read_or_is_a_bad_command(said, read):
    with contextlib.suppress(BadCommand, UnknownCharset):
        read(Arguments(said.encode()))
