"""What a server makes of odd commands, by the table `[manners]` of its file."""

from __future__ import annotations

import itertools
import smtplib

import pytest

from pytest_mailnet.smtp.data import Content
from pytest_mailnet.values import Reply, Stage

HELLO = "EHLO app.example"
MAIL = "MAIL FROM:<bob@b.example>"
RCPT = "RCPT TO:<alice@shop.example>"


@pytest.fixture
def talk_with(talk_with):
    """A dialogue with a server of such manners, that has said EHLO."""

    def begin(**manners):
        talk = talk_with(**manners)
        talk.say(HELLO)
        return talk

    return begin


def codes(talk, *lines):
    """The codes of the replies to lines, one after another."""
    return [talk.say(line)[:3] for line in lines]


@pytest.mark.parametrize(
    ("lines", "before"),
    [
        (["NOOP"], 10),
        (["VRFY alice"], 10),
        (["RSET"], 11),  # one is free
        ([HELLO], 10),  # the first has been said
        ([MAIL, "RSET"], 11),
    ],
)
def test_commands_without_a_mail_can_be_too_many(talk_with, lines, before):
    talk = talk_with(nonmail_commands=10, unknown_commands=0)
    asked = 0

    for line in itertools.cycle(lines):
        if talk.dialogue.closing:
            break
        reply = talk.say(line)
        asked += line == lines[-1]

    assert asked == before + 1
    assert reply.startswith("421 4.7.0 ")


def test_after_a_mail_another_rset_is_free(talk_with):
    talk = talk_with(nonmail_commands=1)
    assert codes(talk, "RSET", "RSET", MAIL, RCPT, "DATA") == ["250", "250", "250", "250", "354"]
    talk.dialogue.reading.feed(b"hi\r\n.\r\n")
    talk.dialogue.content()

    assert codes(talk, "RSET", "RSET") == ["250", "421"]


def test_one_mistake_too_many_is_answered_and_ends_the_session(talk_with):
    talk = talk_with(mistakes=3)

    assert codes(talk, "DATA", "DATA", "DATA") == ["503"] * 3
    assert not talk.dialogue.closing
    assert codes(talk, "DATA") == ["503"]
    assert talk.dialogue.closing


@pytest.mark.parametrize(
    ("manners", "argument", "code"),
    [
        ({}, "<b\u00fc@b.example>", "500"),
        ({"eight_bit": "kept", "checks_paths": False}, "<b\u00fc@b.example>", "250"),
        ({"eight_bit": "stripped"}, "<b\u00f6@b.example>", "250"),
        ({}, "<bob@b.example> AUTH=<>", "555"),
        ({"parameters": ("AUTH",)}, "<bob@b.example> AUTH=<>", "250"),
        ({}, "<bob@b.example> SIZE=many", "501"),
        ({"unchecked": ("SIZE",)}, "<bob@b.example> SIZE=many", "250"),
        ({"unchecked": ("SIZE",)}, "<bob@b.example> SIZE=", "250"),
        ({}, "<bob@b.example> SIZE=2000", "552"),
        ({"declared_size_checked": False}, "<bob@b.example> SIZE=2000", "250"),
        ({"path": r"<[a-z]+@[a-z.]+>"}, "bob@b.example", "553"),
        ({"path": r"<[a-z]+@[a-z.]+>"}, "<bob@b.example>", "250"),
    ],
)
def test_the_argument_of_mail_is_what_the_server_makes_of_it(talk_with, shop, manners, argument, code):
    shop.extensions = ("SIZE 1000", "8BITMIME")

    assert codes(talk_with(**manners), f"MAIL FROM:{argument}") == [code]


def test_a_stripped_eighth_bit_makes_another_address(talk_with, shop):
    shop.extensions = ()
    talk = talk_with(eight_bit="stripped")

    talk.say("MAIL FROM:<b\u00f6@b.example>")

    assert talk.step.reverse_path == "bC6@b.example"


def test_bytes_that_are_no_utf_8_are_refused_where_smtputf8_is_offered(talk_with):
    talk = talk_with(eight_bit="kept", checks_paths=False)

    assert talk.dialogue.command(b"N\xd6OP\r\n")[:3] == b"500"
    assert talk.dialogue.command("MAIL FROM:<bü@b.example>\r\n".encode())[:3] == b"250"


@pytest.mark.parametrize(("manner", "code"), [("kept", "500"), ("refused", "501"), ("ends the line", "250")])
def test_a_nul_in_a_command_is_what_the_server_makes_of_it(talk_with, manner, code):
    assert codes(talk_with(nul_in_command=manner), "NOOP\0x") == [code]


@pytest.mark.parametrize("line", [" NOOP", "\tNOOP", "NOOP\tx", "NOOP\rNOOP"])
@pytest.mark.parametrize(("manner", "code"), [(True, "250"), (False, "500")])
def test_white_space_can_be_overlooked(talk_with, line, manner, code):
    assert codes(talk_with(white_space=manner), line) == [code]


def test_an_argument_can_be_refused(talk_with):
    talk = talk_with(argument_refused=("NOOP",))

    assert codes(talk, "NOOP", "NOOP now") == ["250", "501"]


def test_a_command_can_be_known_and_not_there(talk_with):
    assert codes(talk_with(unimplemented=("SEND",)), "SEND FROM:<bob@b.example>") == ["502"]


def test_starttls_and_chunks_can_wait_for_ehlo(talk_with, shop):
    shop.extensions = ("STARTTLS", "CHUNKING")
    talk = talk_with(offered_by_hello=True)

    talk.say("HELO app.example")

    assert codes(talk, "STARTTLS", "BDAT 0 LAST") == ["502", "502"]


def test_local_parts_can_be_restricted(talk_with, shop):
    shop.phrases["recipient_restricted"] = Reply.parse("550 restricted characters in address")
    talk = talk_with(restricted=".*[%!]")
    talk.say(MAIL)

    assert talk.say("RCPT TO:<a%b@shop.example>") == "550 restricted characters in address\r\n"
    assert codes(talk, RCPT) == ["250"]


@pytest.mark.parametrize(
    ("address", "condition"),
    [
        ("alice@shop.example", "vrfy_user_known"),
        ("<alice@shop.example>", "vrfy_user_known"),
        ("bob@shop.example", "vrfy_user_unknown"),
        ("bob@b.example", "vrfy_foreign"),
    ],
)
def test_vrfy_can_tell_who_has_a_mailbox(talk_with, shop, address, condition):
    shop.phrases[condition] = Reply.parse("250 it is this")

    assert talk_with(verifies=True).say(f"VRFY {address}") == "250 it is this\r\n"


def test_a_mail_can_have_come_a_long_way(talk_with, shop):
    talk = talk_with(hops=2)

    for hops, code in ((2, "250"), (3, "554")):
        assert codes(talk, MAIL, RCPT, "DATA") == ["250", "250", "354"]
        talk.dialogue.reading.feed(b"Received: from a by b; now\r\n" * hops + b"\r\nReceived: no\r\n.\r\n")
        assert talk.dialogue.content()[:3].decode() == code

    assert len(shop.delivered) == 1


def test_what_came_behind_ehlo_can_be_refused_for_the_session(talk_with, shop):
    shop.phrases["unauthorised_pipelining"] = Reply.parse("554 5.5.0 SMTP protocol error")
    talk = talk_with(unauthorised_pipelining=True, goes_on=True, last_of_group=("EHLO",))

    assert talk.dialogue.command(b"EHLO app.example\r\n", pipelined=True)[:3] == b"554"
    assert codes(talk, MAIL, RCPT, "DATA", "NOOP") == ["503", "503", "503", "250"]
    assert not talk.dialogue.closing


@pytest.mark.parametrize(("offered", "code"), [((), "503"), (("PIPELINING",), "250")])
def test_what_comes_behind_the_content_can_cost_the_mail(talk_with, shop, offered, code):
    shop.extensions = offered
    talk = talk_with(unauthorised_pipelining=True)
    codes(talk, MAIL, RCPT, "DATA")
    talk.dialogue.reading.feed(b"hi\r\n.\r\n")

    assert talk.dialogue.content(pipelined=True)[:3].decode() == code
    assert bool(shop.delivered) == (code == "250")


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"h\0i\r\n.\r\n", "nul_byte"),
        (b"hi\n.\n", "bare_line_feed"),
        (b"hi\r\n.\n", "bare_line_feed"),
        (b"hi\r\n.\r\n", None),
    ],
)
def test_a_content_that_is_refused_comes_to_its_end(sent, problem):
    content = Content(None, bare_line_feed="refused", nul_bytes=False)

    assert content.feed(sent) == b""
    assert content.taken()[1] == problem


@pytest.mark.parametrize(("told", "said"), [(True, b"421 "), (False, b"")])
def test_an_idle_client_can_be_left_without_a_word(talk_with, told, said):
    talk = talk_with(idle_told=told)

    assert talk.dialogue.timed_out(b"")[:4] == said
    assert talk.dialogue.closing
    assert talk.step.session.ended == "idle for 300 s"


@pytest.mark.parametrize(
    ("line", "code", "path"),
    [
        ("MAIL FROM:<@relay.example:bob@b.example> SIZE=1", "250", "<@relay.example:bob@b.example>"),
        ("MAIL FROM:bob@b.example", "250", "bob@b.example"),
        ("MAIL FROM:<bob>", "250", "<bob>"),
    ],
)
def test_a_reply_can_have_the_path_as_it_was_written(talk_with, shop, line, code, path):
    shop.phrases["ok_mail"] = Reply.parse("250 {path}")

    assert talk_with(checks_paths=False).say(line) == f"{code} {path}\r\n"


@pytest.mark.parametrize(
    ("argument", "condition"),
    [
        ("<>", "recipient_empty"),
        ("<alice>", "recipient_without_domain"),
        ("<@shop.example>", "recipient_without_local_part"),
        ("<alice@>", "recipient_without_host"),
        ("<alice@shop.example", "recipient_unclosed"),
    ],
)
def test_what_an_address_lacks_can_have_a_reply_of_its_own(talk_with, shop, argument, condition):
    shop.phrases[condition] = Reply.parse("501 {path}: it is this")
    talk = talk_with()
    talk.say(MAIL)

    assert talk.say(f"RCPT TO:{argument}") == f"501 {argument}: it is this\r\n"


def test_an_address_in_needless_quotes_or_with_a_dot_at_its_end_is_the_plain_one(talk_with):
    talk = talk_with(checks_paths=False)

    codes(
        talk,
        MAIL,
        'RCPT TO:<"alice"@shop.example>',
        "RCPT TO:<alice@shop.example.>",
        'RCPT TO:<"a b"@c.example>',
    )

    assert talk.step.recipients == ["alice@shop.example", "alice@shop.example", '"a b"@c.example']


def test_a_domain_is_not_longer_than_dns_has_them(talk_with):
    domain = ".".join(["b" * 49] * 5)

    assert codes(talk_with(), f"MAIL FROM:<bob@{domain}.bcdef>", "RSET") == ["250", "250"]
    assert codes(talk_with(), f"MAIL FROM:<bob@{domain}.bcdefg>") == ["553"]


def test_the_last_refusal_can_be_told_after_data(talk_with, shop):
    shop.phrases["no_valid_recipients"] = Reply.parse("554 All said: {reason}")
    talk = talk_with()
    talk.say(MAIL)
    shop.answers[Stage.RCPT] = Reply.parse("550 5.1.1 No such user")
    talk.say(RCPT)

    assert talk.say("DATA") == "554 All said: {reason}\r\n"
    assert talk.dialogue.refusal == "5.1.1 No such user"


@pytest.mark.parametrize(
    ("provider", "replies"),
    [
        (
            "postfix",
            ["252 2.0.0 alice@shop.example", "252 2.0.0 alice", "550 5.1.1 <bob", "454 4.7.1 <bob@b"],
        ),
        (
            "sendmail",
            ["250 2.1.5 <alice@mail", "250 2.1.5 <alice@mail", "550 5.1.1 bob...", "252 2.1.5 <bob@b"],
        ),
        ("exim", ["252 Administrative", "501 alice: recipient", "501 bob: recipient", "252 Administrative"]),
    ],
)
def test_vrfy_is_answered_as_in_life(mailnet, provider, replies):
    mailnet.add_domain("shop.example", on=provider).add_mailbox("alice@shop.example")

    with smtplib.SMTP("mail.shop.example", 25) as client:
        client.ehlo("app.example")
        said = [client.verify(it) for it in ("alice@shop.example", "alice", "bob", "bob@b.example")]

    told = [f"{code} {text.decode()}" for code, text in said]
    assert [one.startswith(start) for one, start in zip(told, replies, strict=True)] == [True] * 4, told
