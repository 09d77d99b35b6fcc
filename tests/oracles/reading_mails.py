"""The mails of those sessions."""

from __future__ import annotations

from .reading_conversation import Mail

__all__ = ["BROKEN", "EIGHT_BIT", "EMPTY", "ENCODED", "MANY", "MULTIPART", "NESTED", "PLAIN"]


def _crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


PLAIN = _crlf(
    """\
Return-Path: <bob@sender.example>
Received: from sender.example by mail.shop.example;
\tFri, 21 Nov 1997 09:55:06 -0600
Date: Fri, 21 Nov 1997 09:55:06 -0600
From: Bob <bob@sender.example>
To: Alice <alice@shop.example>, "Carl, the other" <carl@shop.example>
Cc: Friends: dora@shop.example, Eve <eve@other.example>;, undisclosed:;
Subject: Hello
 world
Message-ID: <one@sender.example>
In-Reply-To: <zero@shop.example>

Hello, Alice.
There is a needle in here.
"""
)

ENCODED = _crlf(
    """\
Date: Fri, 21 Nov 1997 09:55:06 -0600
From: =?utf-8?q?J=C3=BCrgen_B?= <"j. b"@sender.example>
Sender: a@b.example (with a comment)
Reply-To: <@route.example:bob@sender.example>, "quoted \\"name\\"" <x@y.example>
To: alice@shop.example
Subject: =?utf-8?b?R3LDvMOfZQ==?= aus =?iso-8859-1?q?K=F6ln?=
Content-Type: text/plain; charset="utf-8"; format=flowed
Content-Transfer-Encoding: quoted-printable
Content-ID: <part@sender.example>
Content-Description: a description
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
Content-Disposition: inline; filename="a file.txt"
Content-Language: de, en
Content-Location: https://shop.example/x

caf=C3=A9 needle=20
"""
)

MULTIPART = _crlf(
    """\
Date: Fri, 21 Nov 1997 09:55:06 -0600
From: bob@sender.example
To: alice@shop.example
Subject: with parts
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

preamble
--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=us-ascii

plain
--inner
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PGI+Ym9sZDwvYj4=
--inner--

--outer
Content-Type: application/pdf; name="bill.pdf"
Content-Disposition: attachment; filename="bill.pdf"; size=9
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--outer
Content-Type: image/png
Content-ID: <image@sender.example>
Content-Transfer-Encoding: BASE64

iVBORw0KGgo=
--outer--
epilogue
"""
)

NESTED = _crlf(
    """\
Date: Fri, 21 Nov 1997 09:55:06 -0600
From: MAILER-DAEMON@shop.example
To: bob@sender.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b

What happened.
--b
Content-Type: message/rfc822
Content-Description: the mail

From: bob@sender.example
To: nobody@shop.example
Subject: inner
Content-Type: multipart/mixed; boundary=c

--c
Content-Type: text/plain

one
--c
Content-Type: message/rfc822

Subject: innermost

deep
--c--
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.shop.example

Final-Recipient: rfc822; nobody@shop.example
Action: failed
Status: 5.1.1
--b
Content-Type: text/rfc822-headers

Subject: inner
--b--
"""
)

EIGHT_BIT = (
    b"From: bob@sender.example\r\nTo: alice@shop.example\r\nSubject: caf\xc3\xa9 needle\r\n"
    b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"caf\xe9 and na\xefve\r\n\r\nfin"
)

EMPTY = b"Subject: empty\r\n\r\n"

BROKEN = {
    "a mail without a header": b"\r\njust a body\r\n",
    "a mail without a body": b"From: bob@sender.example\r\nSubject: only a header\r\n",
    "a mail whose first line is no field": b"hello there\r\nSubject: late\r\n\r\nbody\r\n",
    "a boundary that never ends": _crlf(
        "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n"
    ),
    "a boundary that never comes": _crlf(
        "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\nno parts at all\n"
    ),
    "a multipart without a boundary": _crlf(
        "Subject: x\nContent-Type: multipart/mixed\n\n--b\n\none\n--b--\n"
    ),
    "a type that is none": _crlf("Subject: x\nContent-Type: frobnicate\n\nbody\n"),
    "a type with wrong parameters": _crlf(
        'Subject: x\nContent-Type: text/plain; charset; name="a\nContent-Transfer-Encoding: \n\nbody\n'
    ),
    "addresses that are none": _crlf(
        "From: bob\nTo: alice@, <>, @shop.example, a b@c.example, <x@y.example\nCc: ;;:,\nSubject:\nDate: soon\n\nbody\n"
    ),
    "fields twice": _crlf("Subject: one\nSubject: two\nFrom: a@b.example\nFrom: c@d.example\nTo:\n\nbody\n"),
    "an embedded mail that is empty": _crlf("Subject: x\nContent-Type: message/rfc822\n\n"),
    "an embedded mail that is encoded": _crlf(
        "Subject: x\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeQ0KDQp6DQo=\n"
    ),
    "a digest": _crlf(
        "Subject: x\nContent-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\nfirst\n--b\n\nSubject: two\n\n"
        "second\n--b--\n"
    ),
    "parts without parts": _crlf("Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b--\n"),
    "parameters in pieces": _crlf(
        'Subject: x\nContent-Type: application/x-y; name*0=long; name*1="er name"\n'
        "Content-Disposition: attachment; filename*=utf-8''caf%C3%A9.txt\n\nbody\n"
    ),
    "comments in fields": _crlf(
        "Subject: x\nContent-Type: text/(sub)plain (a comment); charset=(c)utf-8\n"
        "Content-Transfer-Encoding: (c) 8bit\nMIME-Version: (c) 1.0\n\nbody\n"
    ),
}

MANY = (
    Mail(PLAIN, "\\Seen"),
    Mail(
        _crlf(
            "From: carl@sender.example\nSubject: two hello\nX-Number: 2\nDate: Mon, 5 Jan 1998 23:30:00 -0500\n\nno\n"
        ),
        "\\Flagged",
        "01-Feb-2000 00:30:00 +0000",
    ),
    Mail(EIGHT_BIT, "\\Answered \\Draft"),
    Mail(ENCODED, "\\Seen \\Flagged Work", "15-Mar-2021 12:00:00 +0000"),
    Mail(MULTIPART, "\\Deleted", "15-Mar-2022 12:00:00 +0000"),
    Mail(
        _crlf(
            "From: bob@sender.example\nBcc: dora@shop.example\nCc: carl@shop.example\nX-Number:\n\nneedle\n in\n"
        ),
        "Work $Forwarded",
        "15-Mar-2023 12:00:00 +0000",
    ),
)
