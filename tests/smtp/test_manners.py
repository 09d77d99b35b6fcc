"""How a server holds its conversations, by the table `[manners]` of its file."""

from __future__ import annotations

import contextlib
import itertools
import smtplib
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.smtp.commands import answer_command
from pytest_mailnet.smtp.data import Content

HELLO = "EHLO app.example"
MAIL = "MAIL FROM:<bob@b.example>"
RCPT = "RCPT TO:<alice@shop.example>"


def until_the_end(talk, line, most=60):
    """How often a line is answered before the session ends, and the last reply."""
    for number in range(1, most + 1):
        reply = talk.say(line)
        if talk.dialogue.closing:
            return number, reply
    return None, reply


@pytest.mark.parametrize(("limit", "ends"), [(3, 4), (20, 21), (0, None)])
def test_a_session_ends_with_one_unknown_command_too_many(talk_with, limit, ends):
    talk = talk_with(unknown_commands=limit)

    assert until_the_end(talk, "FOO")[0] == ends


@pytest.mark.parametrize("line", ["FOO", RCPT, "EHLO", "DATA", ""])
def test_a_session_ends_with_whatever_is_said_after_so_many_refusals(talk_with, line):
    talk = talk_with(unknown_commands=0, refusals=20)

    ended, reply = until_the_end(talk, line)

    assert ended == 21
    assert reply == "421 4.7.0 mx.shop.example Too many errors, closing transmission channel\r\n"


def test_a_mail_that_is_taken_forgives_the_refusals_before_it(talk_with):
    talk = talk_with(unknown_commands=0, refusals=3)
    talk.say("FOO", "FOO", HELLO, MAIL, RCPT, "DATA")
    talk.content(b"Subject: hi\r\n")

    assert until_the_end(talk, "FOO")[0] == 4


@pytest.mark.parametrize(
    ("limit", "length", "code"),
    [(512, 512, "250"), (512, 513, "500"), (2048, 2048, "250"), (2048, 2049, "500"), (0, 9000, "250")],
)
def test_a_command_line_can_be_as_long_as_the_server_takes_it(talk_with, limit, length, code):
    talk = talk_with(command_line=limit)

    assert talk.say(f"NOOP {'x' * (length - 7)}")[:3] == code


@pytest.mark.parametrize(
    ("limit", "length", "code"), [(1000, 998, "250"), (1000, 999, "550"), (0, 5000, "250"), (0, 999, "250")]
)
def test_a_line_of_content_can_be_as_long_as_the_server_takes_it(talk_with, shop, limit, length, code):
    shop.extensions = ()
    shop.phrases["content_line_too_long"] = shop.phrases["content_line_too_long"].parse("550 got {octets}")
    shop.value_of = lambda step, variable: step.details.get(variable, variable)
    talk = talk_with(content_line=limit)
    talk.say(HELLO, MAIL, RCPT, "DATA")

    reply = talk.content(b"Subject: hi\r\n\r\n" + b"x" * length + b"\r\nshort\r\n")

    assert reply[:3] == code
    if code == "550":
        assert reply == f"550 got {length}\r\n"


@given(
    st.lists(st.integers(0, 1500), min_size=1, max_size=6),
    st.lists(st.integers(0, 9000), max_size=8),
)
def test_the_longest_line_is_measured_however_the_content_comes(lengths, cuts):
    sent = b"".join(b"x" * length + b"\r\n" for length in lengths) + b".\r\n"
    content = Content(None, 1000)
    edges = sorted({min(cut, len(sent)) for cut in cuts} | {0, len(sent)})

    for begin, end in itertools.pairwise(edges):
        content.feed(sent[begin:end])

    if max(lengths) > 998:
        assert content.taken() == (b"", "content_line_too_long")
        assert content.longest_line == max(lengths)
    else:
        assert content.taken()[1] is None


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("my_container_1", "250 501 250"),
        ("app.example", "250 250 250"),
        ("two words", "250 501 501"),
        ("", "501 501 501"),
    ],
)
def test_a_server_takes_the_names_that_it_takes(talk_with, name, codes):
    forms = ["[ -~]+", "[A-Za-z0-9.-]+", "[A-Za-z0-9._-]+"]

    assert " ".join(talk_with(hello_name=it).say(f"EHLO {name}")[:3] for it in forms) == codes


def test_a_server_can_take_ehlo_once(talk_with):
    talk = talk_with(hello_once=True)
    talk.say(HELLO)

    assert talk.say(HELLO)[:3] == talk.say("HELO app.example")[:3] == "503"
    assert talk.say(MAIL)[:3] == "250"


@pytest.mark.parametrize(("line", "first", "code"), [(MAIL, ["MAIL"], "503"), (MAIL, ["RCPT"], "250")])
def test_what_is_refused_before_ehlo_is_the_server_s_choice(talk_with, line, first, code):
    assert talk_with(hello_first=tuple(first)).say(line)[:3] == code


@pytest.mark.parametrize(("first", "code"), [((), "250"), (("RSET",), "503")])
def test_rset_can_be_refused_before_ehlo(talk_with, first, code):
    assert talk_with(hello_first=first).say("RSET")[:3] == code


@pytest.mark.parametrize(
    ("argument", "codes"),
    [
        ("FROM:<b..c@b.example>", "553 250"),
        ("FROM:<b>", "553 250"),
        ("FROM:bob@b.example", "250 250"),
        ("FROM:<@relay.example:bob@b.example>", "250 250"),
        ('FROM:<"b c"@b.example>', "250 250"),
        ("FROM:<b@>", "553 553"),
        ("FROM:<b c@b.example>", "553 553"),
        ("FROM:", "501 501"),
    ],
)
def test_a_server_can_take_addresses_as_they_come(talk_with, argument, codes):
    said = [talk_with(checks_paths=it).say(HELLO, f"MAIL {argument}")[:3] for it in (True, False)]

    assert " ".join(said) == codes


def test_a_command_can_be_unknown_to_a_server(talk_with):
    talk = talk_with(unknown=("EXPN", "HELP"))

    assert [talk.say(it)[:3] for it in ("EXPN a", "HELP", "VRFY a")] == ["500", "500", "252"]


def test_a_verb_can_be_unknown_without_its_keyword(talk_with):
    talk = talk_with(keyword_of_verb=True)
    talk.say(HELLO)

    assert [talk.say(it)[:3] for it in ("MAIL <b@b.example>", "MAIL", MAIL, "RCPT", RCPT)] == [
        "500",
        "500",
        "250",
        "500",
        "250",
    ]


def test_an_argument_can_be_ignored(talk_with):
    talk = talk_with(without_argument=("QUIT",))

    assert talk.say("RSET now")[:3] == "501"
    assert talk.say("QUIT now")[:3] == "221"


def test_an_unwelcome_line_ends_the_session(talk_with):
    talk = talk_with(unwelcome=r"(get|post)\b")

    assert talk.say("GETTING")[:3] == "500"
    assert talk.say("get / HTTP/1.1")[:3] == "421"
    assert talk.dialogue.closing


@pytest.mark.parametrize(
    ("said", "lines", "codes"),
    [
        # PIPELINING is offered: some commands have to be the last of a group (RFC 2920, 3.1).
        ([HELLO], ["MAIL FROM:<b@b.example>", "RCPT TO:<a@shop.example>", "RSET", "NOOP"], "250 250 250 250"),
        ([HELLO], ["MAIL FROM:<b@b.example>", "RCPT TO:<a@shop.example>", "DATA", "QUIT"], "250 250 503"),
        # It is not.
        (["HELO app.example"], [MAIL, RCPT], "503"),
        ([], ["HELO app.example", MAIL, RCPT], "250 503"),
    ],
)
def test_commands_before_their_time_end_the_session(talk_with, shop, said, lines, codes):
    shop.extensions = ("PIPELINING",)
    talk = talk_with(unauthorised_pipelining=True, last_of_group=("DATA",), pipelined_freely=("HELO",))
    for line in said:
        talk.say(line)

    replies = []
    for number, line in enumerate(lines, start=1):
        replies.append(answer_command(talk.dialogue, f"{line}\r\n".encode(), pipelined=number < len(lines)))
        if talk.dialogue.closing:
            break

    assert " ".join(reply[:3].decode() for reply in replies) == codes
    assert talk.dialogue.closing == ("503" in codes)


SMUGGLED = b"one\n.\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<alice@shop.example>\r\nDATA\r\ntwo\r\n.\r\n"


@pytest.mark.parametrize(("era", "mails"), [("3.7", 2), (None, 1)])
def test_a_second_mail_is_smuggled_into_postfix_before_its_cure_alone(mailnet, era, mails):
    postfix = mailnet.provider("postfix", era=era) if era else mailnet.provider("postfix")
    mailnet.add_domain("shop.example", on="postfix")
    alice = postfix.add_mailbox("alice@shop.example")

    with (
        socket.create_connection(("mail.shop.example", 25), timeout=5) as client,
        client.makefile("rwb") as wire,
    ):
        assert wire.readline()[:4] == b"220 "
        for line in ("EHLO app.example", MAIL, RCPT, "DATA"):
            wire.write(f"{line}\r\n".encode())
            wire.flush()
            while (reply := wire.readline())[3:4] == b"-":
                pass
        assert reply[:4] == b"354 "
        wire.write(SMUGGLED)
        wire.flush()
        client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):  # what the server has not read when it hangs up
            wire.read()

    assert len(alice.messages) == mails
    assert alice.messages[0].sender == "bob@b.example"


@pytest.mark.parametrize(
    ("bare", "sent", "taken"),
    [
        ("kept", b"a\nb\r\n.\r\n", b"a\nb\r\n"),
        ("ends lines", b"a\nb\r\n.\r\n", b"a\r\nb\r\n"),
        ("ends lines", b"a\n.\n", b"a\r\n"),
        ("ends lines", b".\n", b""),
        ("ends lines", b"..a\n..\n.\r\n", b".a\r\n.\r\n"),
        ("ends lines throughout", b"a\nb\n.\n", b"a\r\nb\r\n"),
        ("ends lines throughout", b"a\r\nb\n.\nc\r\n.\r\n", b"a\r\nb\n.\nc\r\n"),
        ("refused", b"a\r\nb\r\n.\r\n", b"a\r\nb\r\n"),
        ("refused", b"a\nb\r\n.\r\n", "bare_line_feed"),
        ("refused", b"a\rb\r\n.\r\n", "bare_carriage_return"),
    ],
)
@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_bare_line_feed_is_what_the_server_makes_of_it(bare, sent, taken, in_pieces):
    content = Content(None, bare_line_feed=bare)

    pieces = [sent[at : at + 1] for at in range(len(sent))] if in_pieces else [sent]
    behind = [content.feed(piece) for piece in pieces]

    assert behind[-1] == b""
    assert all(it is None for it in behind[:-1])
    assert content.taken() == ((b"", taken) if isinstance(taken, str) else (taken, None))


def test_a_client_in_a_container_is_refused_by_exim_as_in_life(mailnet):
    mailnet.add_domain("shop.example", on="exim")

    with smtplib.SMTP("mail.shop.example", local_hostname="my_container_1", timeout=5) as client:
        assert client.ehlo() == (501, b"Syntactically invalid EHLO argument(s)")
