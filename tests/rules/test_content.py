"""What stands in a message."""

from __future__ import annotations

import time
from email.message import EmailMessage
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.rules.bulk import BulkWithoutUnsubscribe
from pytest_mailnet.rules.content import (
    BareLineFeed,
    DuplicateHeader,
    ForbiddenAttachment,
    Gtube,
    MissingHeader,
    SeveralAuthors,
    UndecodableHeader,
)
from pytest_mailnet.smtp.headers import addresses_of, domain_of, header_fields

GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
GOOD = b"From: Bob <bob@b.example>\r\nDate: Mon, 5 Jan 2026 09:00:00 +0000\r\nMessage-ID: <1@b>\r\n\r\nhi\r\n"
RULES = [
    Gtube(),
    BareLineFeed(),
    MissingHeader(),
    MissingHeader(header="Date"),
    DuplicateHeader(),
    SeveralAuthors(),
    UndecodableHeader(),
    ForbiddenAttachment(extensions=("exe",)),
]


def with_file(name):
    message = EmailMessage()
    message["From"] = "bob@b.example"
    message.set_content("see the file")
    message.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename=name)
    return bytes(message).replace(b"\n", b"\r\n")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_message_in_order_passes(evidence, make_step, rule):
    assert rule.decide(make_step(content=GOOD), evidence) is None


@pytest.mark.parametrize(
    ("rule", "content", "why"),
    [
        (Gtube(), GOOD + GTUBE, "the message has the GTUBE string in it"),
        (BareLineFeed(), b"From: a@b\r\nX: 1\n\r\n", "line 2 of the message ends with a bare line feed"),
        (MissingHeader(), b"Subject: hi\r\n\r\nFrom: bob", "the message has no From field"),
        (MissingHeader(), b"From: \r\n\r\n", "the message has no From field"),
        (MissingHeader(), b"\r\nFrom: a@b.example", "the message has no From field"),
        (MissingHeader(header="Message-ID"), b"From: a@b\r\n\r\n", "the message has no Message-ID field"),
        (DuplicateHeader(), b"From: a@b\r\nfrom: c@d\r\n\r\n", "the message has 2 From fields"),
        (
            SeveralAuthors(),
            b'From: "A, B" <a@b.example>,\r\n c@d.example\r\n\r\n',
            "From has 2 addresses: a@b.example, c@d.example",
        ),
        (
            SeveralAuthors(),
            b"From: a@b.example\r\nFrom: c@d.example\r\n\r\n",
            "From has 2 addresses: a@b.example, c@d.example",
        ),
        (
            ForbiddenAttachment(extensions=("exe",)),
            with_file("Setup.EXE"),
            "'Setup.EXE' is attached, of a forbidden type",
        ),
        (
            ForbiddenAttachment(extensions=("exe",)),
            with_file("größe.exe"),
            "'größe.exe' is attached, of a forbidden type",
        ),
    ],
)
def test_what_is_wrong_is_told(evidence, make_step, rule, content, why):
    assert rule.decide(make_step(content=content), evidence).why == why


def test_a_file_of_another_type_passes(evidence, make_step):
    rule = ForbiddenAttachment(extensions=("exe",))

    assert rule.decide(make_step(content=with_file("exe.pdf")), evidence) is None


def test_a_field_that_may_come_again_passes(evidence, make_step):
    content = b"Received: one\r\nReceived: two\r\n" + GOOD

    assert DuplicateHeader().decide(make_step(content=content), evidence) is None


def test_fields_are_unfolded_and_the_body_is_not_read():
    content = b"Subject: a\r\n b\r\n\tc\r\nX-Empty:\r\n\r\nFrom: body@b.example\r\n"

    assert header_fields(content) == (("subject", "a b\tc"), ("x-empty", ""))


JUNK = [b"attachment", b";", b"filename", b"name", b"=", b'"', b"*", b"0*", b"''", b"%41", b"=?utf-8?q?a?="]
JUNK += [
    b"(",
    b")",
    b" ",
    b"\r\n ",
    b"\xff",
    b"a.exe",
    b"\\",
    b"text/plain",
    b"multipart/mixed",
    b"boundary=x",
]


@given(
    st.sampled_from([b"Content-Type: ", b"Content-Disposition: "]),
    st.lists(st.sampled_from(JUNK), max_size=12).map(b"".join),
)
def test_any_field_of_a_part_can_be_read(field, value):
    content = b"From: a@b.example\r\n" + field + value + b"\r\n\r\nbody"
    step = SimpleNamespace(content=content)

    ForbiddenAttachment(extensions=("exe",)).decide(step, None)


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Disposition: attachment; filename=" + b"(" * 3000 + b"\r\n\r\n",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(999))
        + b"Content-Disposition: attachment; filename=a.exe\r\n\r\n",
    ],
    ids=["comments", "parts"],
)
def test_what_is_nested_too_deep_has_no_file(evidence, make_step, content):
    rule = ForbiddenAttachment(extensions=("exe",))

    assert rule.decide(make_step(content=content), evidence) is None


@pytest.mark.parametrize(
    "junk",
    [b"Content-Disposition: attachment; filename=" + b"(" * 3000, b"Content-Type: %41%41textname;namea.exe*"],
    ids=["disposition", "type"],
)
def test_junk_in_one_part_does_not_hide_the_file_of_another(evidence, make_step, junk):
    content = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        + junk
        + b"\r\n\r\n--b\r\nContent-Disposition: attachment; filename=a.exe\r\n\r\n--b--\r\n"
    )

    refusal = ForbiddenAttachment(extensions=("exe",)).decide(make_step(content=content), evidence)

    assert refusal.details == {"reason": "a.exe"}


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        (b'name="=?utf-8?q?gr=C3=B6=C3=9Fe.exe?="', "größe.exe"),
        (b"name==?x?q?a?=.exe", "=?x?q?a?=.exe"),
        (b'name="=?utf-8?b?a?=.exe"', "=?utf-8?b?a?=.exe"),
        (b"name*0=a.;\r\n name*1=exe", "a.exe"),
    ],
)
def test_a_name_is_read_however_it_is_written(evidence, make_step, parameter, name):
    content = b"Content-Type: application/octet-stream; " + parameter + b"\r\n\r\nMZ"

    refusal = ForbiddenAttachment(extensions=("exe",)).decide(make_step(content=content), evidence)

    assert refusal.details == {"reason": name}


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: text/html\r\n\r\n<input name='a.exe'> content-type: name=a.exe\r\n",
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/html\r\n\r\n<meta name=x>\r\n--b--\r\n",
    ],
)
def test_a_message_without_a_file_is_not_parsed(content, monkeypatch):
    monkeypatch.setattr("email.message_from_bytes", lambda _: pytest.fail("it was parsed"))
    step = SimpleNamespace(content=content)

    assert ForbiddenAttachment(extensions=("exe",)).decide(step, None) is None


def test_comments_nested_too_deep_have_no_address():
    assert addresses_of("(" * 5000 + "bob@b.example") == []


def test_the_header_section_is_read_once_for_all_rules(evidence, make_step):
    step = make_step(content=GOOD)
    MissingHeader().decide(step, evidence)
    step.content = b"\r\n"

    assert MissingHeader().decide(step, evidence) is None


@pytest.mark.parametrize("extension", ["", ".exe", "EXE", "tar.gz"])
def test_an_extension_that_no_name_ends_with_is_told(extension):
    with pytest.raises(InvalidSetting, match=f"extensions: '{extension}' is to be in lower case"):
        ForbiddenAttachment(extensions=("zip", extension))


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(content):
    for name, value in header_fields(content):
        addresses_of(value)
        assert name == name.lower()


@pytest.mark.parametrize("piece", [b"a: b\r\n ", b"\r\n", b" ", b"a:", b"a:\r\n \r\n ", b"\n ", b"a", b"<"])
def test_a_megabyte_of_junk_is_read_in_linear_time(piece):
    small, large = (timed(piece * (size // len(piece))) for size in (100_000, 1_000_000))

    assert large < 60 * max(small, 0.001)


def timed(content):
    """The shortest of three times, since other tests run beside this one."""
    times = []
    for _ in range(3):
        begin = time.process_time()
        header_fields(content)
        times.append(time.process_time() - begin)
    return min(times)


@pytest.mark.parametrize(
    ("address", "domain"),
    [("bob@B.example.", "b.example"), ("bob", ""), ("", ""), ("a@b@c.example", "c.example")],
)
def test_a_domain_stands_behind_the_last_at(address, domain):
    assert domain_of(address) == domain


@pytest.mark.parametrize(
    ("rule", "content", "reply"),
    [
        ("several_authors", "From: a@b.example, c@d.example\r\n\r\n.", "550 5.7.1 From 2"),
        ('missing_header"\nheader = "Date', "From: a@b.example\r\n\r\n.", "550 5.7.1 Date 2"),
        ("duplicate_header", "Subject: a\r\nSubject: b\r\n\r\n.", "550 5.7.1 Subject 2"),
        ("bare_line_feed", "Subject: a\n\r\n\r\n.", "550 5.7.1 From 2"),
        ("gtube", f"Subject: a\r\n\r\n{GTUBE.decode()}\r\n.", "550 5.7.1 From 2"),
    ],
)
def test_a_message_is_refused_after_the_dot(corp_with, say, rule, content, reply):
    net = corp_with(f'rule = "{rule}"\nreply = "refused"', "550 5.7.1 {header} {count}", "message")

    said = say("EHLO b.example", "MAIL FROM:<bob@b.example>", "RCPT TO:<alice@corp.example>", "DATA", content)

    assert said[-1] == reply
    assert net.messages == []


def test_a_forbidden_file_is_named_in_the_record(corp_with, say):
    net = corp_with(
        'rule = "forbidden_attachment"\nextensions = ["exe"]\nreply = "refused"', "552 5.7.0 No", "message"
    )

    say(
        "EHLO b.example",
        "MAIL FROM:<bob@b.example>",
        "RCPT TO:<alice@corp.example>",
        "DATA",
        with_file("a.exe").decode() + "\r\n.",
    )

    [finding] = [it.finding for it in net.sessions[0].exchanges if it.finding and it.code == 552]
    assert finding == ("forbidden_attachment", "'a.exe' is attached, of a forbidden type")


def test_a_comma_in_an_author_s_name_makes_no_second_author(evidence, make_step):
    step = make_step(content=b'From: "Bob, of B" <bob@b.example>\r\n\r\nhi\r\n')

    assert SeveralAuthors().decide(step, evidence) is None


def test_what_a_bulk_mail_lacks_to_be_unsubscribed_by_one_click_is_told(evidence, make_step):
    rule = BulkWithoutUnsubscribe(threshold=1)
    content = b"From: bob@b.example\r\nList-Unsubscribe: <https://b.example/u>\r\n\r\nhi\r\n"
    steps = [make_step(reverse_path="bob@b.example", content=content) for _ in range(3)]

    refusals = [it for step in steps if (it := rule.decide(step, evidence)) is not None]

    assert "there is no List-Unsubscribe-Post: List-Unsubscribe=One-Click" in refusals[-1].why


@pytest.mark.parametrize(
    "field",
    [b"Subject: =?utf-8?q?hi?=", "Subject: grüß".encode(), b"From: =?iso-8859-1?q?B=F6b?= <bob@b.example>"],
)
def test_a_field_in_encoded_words_or_utf_8_passes(evidence, make_step, field):
    assert UndecodableHeader().decide(make_step(content=field + b"\r\n\r\nhi"), evidence) is None


@pytest.mark.parametrize(
    ("field", "header"),
    [
        (b"Subject: =?utf-9?q?hi?=", "Subject"),
        (b"Subject: =?utf-8?b?a?=", "Subject"),
        (b"From: B\xf6b <bob@b.example>", "From"),
    ],
)
def test_a_field_that_cannot_be_decoded_is_refused(evidence, make_step, field, header):
    refusal = UndecodableHeader().decide(make_step(content=field + b"\r\n\r\nhi"), evidence)

    assert refusal.why.startswith(f"{header} cannot be decoded: ")


def test_other_fields_need_not_be_decodable(evidence, make_step):
    step = make_step(content=b"X-Mailer: =?utf-9?q?hi?=\r\n\r\nhi")

    assert UndecodableHeader().decide(step, evidence) is None
