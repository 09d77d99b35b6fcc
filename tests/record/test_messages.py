"""What a person sees of a mail that came: its text, its links, its attachments; and what a session keeps."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

import pytest


@pytest.fixture
def arrive(mailnet, shop):
    """Send a mail, a text or one of the email package's, and return it as the net has it."""

    def send(mail):
        with smtplib.SMTP("mx.shop.example") as client:
            content = mail.as_bytes() if isinstance(mail, EmailMessage) else mail.encode("latin-1")
            client.sendmail("bob@b.example", ["sales@shop.example"], content.replace(b"\n", b"\r\n"))
        return mailnet.messages[-1]

    return send


@pytest.fixture
def newsletter():
    """A mail with a text, the same in HTML, and a file."""
    mail = EmailMessage()
    mail["Subject"] = "Grüße"
    mail.set_content("Grüße\nSee https://shop.example/a (or http://shop.example/b_(c)).")
    mail.add_alternative(
        '<a href="https://shop.example/a">a</a> <a href=" https://shop.example/d ">d</a>'
        '<a name="x"></a><a href="mailto:bob@b.example">b</a><img href="https://shop.example/e">',
        subtype="html",
    )
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="invoice.pdf")
    return mail


def test_who_sent_to_whom_is_what_the_envelope_says(arrive):
    message = arrive("From: Somebody Else <else@c.example>\n\nhello")

    assert message.sender == "bob@b.example"
    assert message.recipients == ("sales@shop.example",)


def test_a_header_field_is_decoded(arrive, newsletter):
    message = arrive(newsletter)

    assert message.subject == message["subject"] == "Grüße"
    assert message["X-None"] is None


def test_a_mail_without_a_subject_has_an_empty_one(arrive):
    assert arrive("From: bob@b.example\n\nhello").subject == ""


def test_text_and_html_are_decoded(arrive, newsletter):
    message = arrive(newsletter)

    assert message.text == "Grüße\nSee https://shop.example/a (or http://shop.example/b_(c)).\n"
    assert message.html.startswith('<a href="https://shop.example/a">')


def test_a_mail_without_html_has_none(arrive):
    assert arrive("Subject: hi\n\nhello\n").html == ""


def test_an_unknown_charset_is_read_as_utf_8(arrive):
    message = arrive("Content-Type: text/plain; charset=x-none\n\nh\xc3\xa4\n")

    assert message.text == "hä\n"


def test_the_links_of_text_and_html_are_each_told_once(arrive, newsletter):
    assert arrive(newsletter).links == [
        "https://shop.example/a",
        "http://shop.example/b_(c)",
        "https://shop.example/d",
    ]


def test_an_attachment_has_a_name_a_type_and_its_bytes(arrive, newsletter):
    [attachment] = arrive(newsletter).attachments

    assert attachment == ("invoice.pdf", "application/pdf", b"%PDF")


def test_a_mail_without_parts_has_no_attachments(arrive):
    assert arrive("Subject: hi\n\nhello\n").attachments == []


def test_a_forwarded_mail_is_an_attachment_as_a_whole(arrive, newsletter):
    mail = EmailMessage()
    mail.set_content("see there")
    mail.add_attachment(newsletter)

    [attachment] = arrive(mail).attachments

    assert attachment[:2] == ("", "message/rfc822")
    assert b"%PDF" not in attachment.content  # it is encoded there
    assert b'filename="invoice.pdf"' in attachment.content


def test_of_a_mail_with_ever_so_many_attachments_a_thousand_are_read(arrive):
    part = "--x\nContent-Disposition: attachment\n\na\n"

    message = arrive(f"Content-Type: multipart/mixed; boundary=x\n\n{part * 1001}--x--\n")

    assert len(message.attachments) == 1000


def test_a_session_has_its_commands_and_its_messages(mailnet, arrive):
    message = arrive("Subject: hi\n\nhello\n")

    [session] = mailnet.sessions
    assert session.messages == [message]
    assert [line.split(" ")[0].lower() for line in session.commands] == [
        "ehlo",
        "mail",
        "rcpt",
        "data",
        "quit",
    ]
