"""The conversation of one session, without sockets."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mailnet.smtp.commands import answer_command
from pytest_mailnet.smtp.state import HANG_UP
from pytest_mailnet.values import DELIVERY, Envelope, Reply, Stage

TAKEN = {
    Stage.CONNECT: "220 mx.shop.example ESMTP\r\n",
    Stage.EHLO: "250-mx.shop.example\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
    Stage.STARTTLS: "220 2.0.0 Ready to start TLS\r\n",
    Stage.AUTH: "235 2.7.0 Authentication succeeded\r\n",
    Stage.MAIL: "250 2.1.0 OK\r\n",
    Stage.RCPT: "250 2.1.5 OK\r\n",
    Stage.DATA: "354 Start mail input; end with <CRLF>.<CRLF>\r\n",
    Stage.MESSAGE: "250 2.0.0 OK queued as 4Xy\r\n",
}
BROKEN = "451 4.3.0 Requested action aborted: error in processing\r\n"


def test_a_session_is_recorded_as_it_was_said(talk, shop):
    talk.dialogue.greet()
    talk.say("EHLO app.example", "MAIL FROM:<bob@b.example>", "RCPT TO:<alice@shop.example>", "DATA")
    content = b"Subject: hi\r\n\r\n.hi\r\n"
    talk.content(content)
    talk.say("QUIT")

    assert [tuple(exchange)[1:4] for exchange in talk.session.exchanges] == [
        (Stage.CONNECT, b"", TAKEN[Stage.CONNECT].encode()),
        (Stage.EHLO, b"EHLO app.example\r\n", TAKEN[Stage.EHLO].encode()),
        (Stage.MAIL, b"MAIL FROM:<bob@b.example>\r\n", b"250 2.1.0 OK\r\n"),
        (Stage.RCPT, b"RCPT TO:<alice@shop.example>\r\n", b"250 2.1.5 OK\r\n"),
        (Stage.DATA, b"DATA\r\n", TAKEN[Stage.DATA].encode()),
        (Stage.MESSAGE, content, b"250 2.0.0 OK queued as 4Xy\r\n"),
        (Stage.QUIT, b"QUIT\r\n", b"221 2.0.0 mx.shop.example Service closing transmission channel\r\n"),
    ]
    assert talk.session.exchanges[5].request is shop.delivered[0][1]
    assert talk.session.ended == "client quit"
    assert shop.delivered == [(Envelope("bob@b.example", ("alice@shop.example",), (), ((),)), content)]


@pytest.mark.parametrize("stage", DELIVERY)
def test_every_stage_has_its_usual_reply(talk, stage):
    talk.go_to(stage)

    assert talk.do(stage) == TAKEN[stage]


@pytest.mark.parametrize("stage", DELIVERY)
def test_every_stage_can_be_answered_by_a_decision(talk, shop, stage):
    shop.answers[stage] = Reply.parse("550 5.7.1 Not {ip}\nnot now")
    talk.go_to(stage)

    assert talk.do(stage) == "550-5.7.1 Not 203.0.113.7\r\n550 5.7.1 not now\r\n"
    assert shop.delivered == []


@pytest.mark.parametrize("stage", DELIVERY)
def test_a_reply_that_closes_ends_the_session(talk, shop, stage):
    shop.answers[stage] = Reply.parse("421 4.7.0 Try again later")
    talk.go_to(stage)

    assert talk.do(stage) == "421 4.7.0 Try again later\r\n"
    assert talk.dialogue.closing
    assert talk.dialogue.reading is None
    assert talk.session.ended == "closed by the server after 421"


@pytest.mark.parametrize("stage", DELIVERY)
def test_a_server_can_hang_up_without_a_word(talk, shop, stage):
    shop.answers[stage] = HANG_UP
    talk.go_to(stage)

    assert talk.do(stage) == ""
    assert talk.dialogue.closing
    assert (talk.session.exchanges[-1].stage, talk.session.exchanges[-1].reply) == (stage, b"")
    assert talk.session.ended == "the server hung up"
    assert shop.delivered == []


@pytest.mark.parametrize("stage", [stage for stage in DELIVERY if stage is not Stage.CONNECT])
def test_a_decision_that_raises_is_a_local_error_and_the_session_goes_on(talk, shop, stage):
    shop.answers[stage] = lambda _: 1 / 0
    talk.go_to(stage)

    assert talk.do(stage) == BROKEN
    assert talk.say("NOOP") == "250 2.0.0 OK\r\n"
    assert [(where, type(error)) for where, error in shop.failures] == [(stage, ZeroDivisionError)]
    assert shop.delivered == []


def test_a_delivery_that_raises_is_a_local_error(talk, shop):
    shop.deliver = lambda *_: 1 / 0
    talk.go_to(Stage.MESSAGE)

    assert talk.do(Stage.MESSAGE) == BROKEN
    assert [stage for stage, _ in shop.failures] == [Stage.MESSAGE]


def test_an_interrupt_is_not_taken_for_a_failing_decision(talk, shop):
    def interrupt(step):
        raise KeyboardInterrupt

    shop.answers[Stage.CONNECT] = interrupt

    with pytest.raises(KeyboardInterrupt):
        talk.dialogue.greet()


@pytest.mark.parametrize("banner", ["554 5.7.1 Go away", "451 4.7.1 Not now"])
def test_a_server_that_does_not_welcome_hangs_up(talk, shop, banner):
    shop.answers[Stage.CONNECT] = Reply.parse(banner)

    assert talk.dialogue.greet() == f"{banner}\r\n".encode()
    assert talk.dialogue.closing
    assert talk.session.ended == f"closed by the server after {banner[:3]}"


def test_decisions_see_the_session_as_it_stands(talk, shop):
    seen = {}
    for stage in DELIVERY:
        shop.answers[stage] = lambda step, stage=stage: seen.update(
            {stage: (step.helo, step.reverse_path, step.recipient, tuple(step.recipients), step.content)}
        )

    for stage in DELIVERY:
        talk.do(stage)

    assert seen == {
        Stage.CONNECT: ("", None, None, (), None),
        Stage.EHLO: ("app.example", None, None, (), None),
        Stage.MAIL: ("app.example", "bob@b.example", None, (), None),
        Stage.RCPT: ("app.example", "bob@b.example", "alice@shop.example", (), None),
        Stage.DATA: ("app.example", "bob@b.example", None, ("alice@shop.example",), None),
        Stage.MESSAGE: ("app.example", "bob@b.example", None, ("alice@shop.example",), b"Subject: hi\r\n"),
    }
    assert (talk.step.reverse_path, talk.step.recipients, talk.step.content) == (None, [], None)


def test_a_refused_sender_is_forgotten(welcomed, shop):
    shop.answers[Stage.MAIL] = Reply.parse("550 5.7.1 No")
    welcomed.say("MAIL FROM:<bob@b.example>")
    del shop.answers[Stage.MAIL]

    assert welcomed.say("RCPT TO:<alice@shop.example>").startswith("503 5.5.1 ")
    assert welcomed.say("MAIL FROM:<carl@b.example>") == "250 2.1.0 OK\r\n"
    assert welcomed.step.reverse_path == "carl@b.example"


def test_a_refused_recipient_leaves_the_others(welcomed, shop):
    shop.answers[Stage.RCPT] = lambda step: (
        Reply.parse("550 5.1.1 No such user") if step.recipient == "carl@shop.example" else None
    )
    welcomed.say("MAIL FROM:<>")

    replies = [welcomed.say(f"RCPT TO:<{name}@shop.example>") for name in ("alice", "carl", "dave")]
    welcomed.say("DATA")
    welcomed.content(b"")

    assert [reply[:3] for reply in replies] == ["250", "550", "250"]
    assert shop.delivered[0][0] == Envelope("", ("alice@shop.example", "dave@shop.example"), (), ((), ()))


def test_data_after_refused_recipients_only_has_no_valid_ones_until_the_transaction_is_forgotten(
    welcomed, shop
):
    shop.answers[Stage.RCPT] = Reply.parse("550 5.1.1 No such user")
    welcomed.say("MAIL FROM:<bob@b.example>", "RCPT TO:<carl@shop.example>")

    assert welcomed.say("DATA") == "554 5.5.1 No valid recipients\r\n"
    welcomed.say("RSET", "MAIL FROM:<bob@b.example>")
    assert welcomed.say("DATA") == "503 5.5.1 Bad sequence of commands: need RCPT before DATA\r\n"


def test_five_unknown_commands_are_borne_and_the_sixth_ends_the_session(welcomed):
    borne = [welcomed.say(word) for word in ("HELLO", "", "MAILFROM", "\t", "GET / HTTP/1.1")]

    assert borne == ["500 5.5.2 Syntax error, command unrecognized\r\n"] * 5
    assert welcomed.say("XYZZY") == (
        "421 4.7.0 mx.shop.example Too many errors, closing transmission channel\r\n"
    )
    assert welcomed.dialogue.closing


def test_a_refused_message_is_not_delivered_and_the_next_one_is(talk, shop):
    shop.answers[Stage.MESSAGE] = lambda step: (
        Reply.parse("554 5.7.1 Spam") if b"spam" in step.content else None
    )
    talk.go_to(Stage.MESSAGE)

    assert talk.content(b"spam\r\n") == "554 5.7.1 Spam\r\n"
    talk.say("MAIL FROM:<bob@b.example>", "RCPT TO:<alice@shop.example>", "DATA")
    talk.content(b"ham\r\n")

    assert [content for _, content in shop.delivered] == [b"ham\r\n"]


def test_a_message_is_delivered_before_the_client_hears_of_it(talk, shop):
    order = []
    shop.deliver = lambda *_: order.append("delivered")
    shop.value_of = lambda _, variable: order.append(variable) or "x"
    talk.go_to(Stage.MESSAGE)
    order.clear()

    talk.do(Stage.MESSAGE)

    assert order == ["delivered", "queue_id"]


def test_a_refused_ehlo_leaves_everything_as_it_was(welcomed, shop):
    welcomed.say("MAIL FROM:<bob@b.example>")
    shop.answers[Stage.EHLO] = Reply.parse("550 5.7.1 Not by that name")

    assert welcomed.say("EHLO other.example") == "550 5.7.1 Not by that name\r\n"
    assert welcomed.step.helo == "app.example"
    assert welcomed.say("RCPT TO:<alice@shop.example>") == "250 2.1.5 OK\r\n"


@pytest.mark.parametrize("name", ["", "ä.example", "app\rexample", "app\x00example"])
def test_a_name_that_is_none_is_refused_at_ehlo(talk, name):
    talk.dialogue.greet()

    assert talk.say(f"EHLO {name}") == "501 5.5.4 Syntax error in parameters or arguments: EHLO hostname\r\n"
    assert talk.step.helo == ""


@pytest.mark.parametrize(
    ("parameters", "reply"),
    [
        ("SIZE=1000", "250 2.1.0 OK\r\n"),
        ("size=0 body=7bit smtputf8", "250 2.1.0 OK\r\n"),
        ("SIZE=1001", "552 5.3.4 Message size exceeds fixed maximum message size\r\n"),
        ("SIZE=99999999999999999999", "552 5.3.4 Message size exceeds fixed maximum message size\r\n"),
        ("SIZE", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
        ("SIZE=", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
        ("SIZE=-1", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
        ("SIZE=²", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
        ("SMTPUTF8=yes", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
        ("BODY", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
        ("BODY=BINARYMIME", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
        ("-X=1", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
        ("AUTH=<>", "555 5.5.4 MAIL FROM parameters not recognized or not implemented\r\n"),
        ("SIZE=1 RET=FULL", "555 5.5.4 MAIL FROM parameters not recognized or not implemented\r\n"),
    ],
)
def test_parameters_of_mail(welcomed, parameters, reply):
    assert welcomed.say(f"MAIL FROM:<bob@b.example> {parameters}") == reply


def test_parameters_may_stand_behind_a_quoted_local_part(welcomed):
    assert welcomed.say('MAIL FROM:<"bob b"@b.example> SIZE=7 BODY=8BITMIME') == "250 2.1.0 OK\r\n"

    assert welcomed.step.reverse_path == '"bob b"@b.example'
    assert welcomed.step.mail_options == ("SIZE=7", "BODY=8BITMIME")
    assert welcomed.step.declared_size == 7


@pytest.mark.parametrize("parameter", ["SIZE=1", "BODY=7BIT", "SMTPUTF8"])
def test_after_helo_no_parameter_is_known(talk, parameter):
    talk.dialogue.greet()
    talk.say("HELO app.example")

    assert talk.say(f"MAIL FROM:<bob@b.example> {parameter}").startswith("555 5.5.4 ")


@pytest.mark.parametrize(
    ("parameters", "reply"),
    [
        ("NOTIFY=NEVER X", "555 5.5.4 RCPT TO parameters not recognized or not implemented\r\n"),
        ("NOTIFY=NEVER =X", "501 5.5.4 Syntax error in parameters or arguments: RCPT TO:<address>\r\n"),
    ],
)
def test_parameters_of_rcpt(welcomed, parameters, reply):
    welcomed.say("MAIL FROM:<bob@b.example>")

    assert welcomed.say(f"RCPT TO:<alice@shop.example> {parameters}") == reply
    assert welcomed.step.recipients == []


def test_a_second_mail_is_out_of_sequence_also_after_the_null_sender(welcomed):
    welcomed.say("MAIL FROM:<>")

    assert welcomed.say("MAIL FROM:<bob@b.example>") == (
        "503 5.5.1 Bad sequence of commands: nested MAIL\r\n"
    )
    assert welcomed.step.reverse_path == ""


def test_utf8_addresses_need_the_parameter_and_the_extension(welcomed, shop):
    refused = "553 5.6.7 Mailbox name not allowed: address needs SMTPUTF8\r\n"

    assert welcomed.say("MAIL FROM:<bøb@b.example>") == refused
    welcomed.say("MAIL FROM:<bob@b.example>")
    assert welcomed.say("RCPT TO:<ålice@shop.example>") == refused
    welcomed.say("RSET", "MAIL FROM:<bøb@b.example> SMTPUTF8")
    assert welcomed.say("RCPT TO:<ålice@shop.example>") == "250 2.1.5 OK\r\n"
    welcomed.say("RSET", "MAIL FROM:<bob@b.example>")
    assert welcomed.say("RCPT TO:<ålice@shop.example>") == refused
    shop.extensions = ("SIZE 1000",)
    assert welcomed.say("RCPT TO:<ålice@shop.example>") == "500 5.5.2 Syntax error: command is not ASCII\r\n"


def test_what_is_no_utf8_is_refused(welcomed):
    assert answer_command(welcomed.dialogue, b"MAIL FROM:<b\xf8b@b.example> SMTPUTF8\r\n") == (
        b"500 5.5.2 Syntax error: command is not ASCII\r\n"
    )


@pytest.mark.parametrize(
    ("extensions", "longest"),
    [((), 512), (("SIZE",), 538), (("SMTPUTF8",), 522), (("SIZE 9", "SMTPUTF8"), 548)],
)
def test_mail_may_be_longer_by_what_the_extensions_need(welcomed, shop, extensions, longest):
    shop.extensions = extensions
    line = b"MAIL FROM:<bob@b.example>"

    too_long = answer_command(welcomed.dialogue, line.ljust(longest - 1) + b"\r\n")
    fits = answer_command(welcomed.dialogue, line.ljust(longest - 2) + b"\r\n")

    assert (too_long, fits) == (b"500 5.5.2 Line too long\r\n", b"250 2.1.0 OK\r\n")
    assert len(welcomed.session.exchanges[-2].request) == 512


def test_after_helo_mail_has_512_bytes(talk):
    talk.dialogue.greet()
    talk.say("HELO app.example")

    assert talk.say("MAIL FROM:<bob@b.example>".ljust(511)) == "500 5.5.2 Line too long\r\n"


@pytest.mark.parametrize("line", ["NOOP", "VRFY", "RCPT TO:<a@b>", "EHLO", "HELO"])
def test_other_commands_have_512_bytes(welcomed, line):
    padded = line.ljust(511, "x").encode()

    assert answer_command(welcomed.dialogue, padded + b"\r\n") == b"500 5.5.2 Line too long\r\n"
    assert answer_command(welcomed.dialogue, padded[1:] + b"\r\n") != b"500 5.5.2 Line too long\r\n"


def test_what_the_client_said_cannot_become_a_line_of_a_reply(talk, shop):
    talk.dialogue.greet()
    shop.value_of = lambda *_: "app\r\n250 forged\x00"

    assert talk.say("NOOP", "QUIT") == "221 2.0.0 app??250 forged? Service closing transmission channel\r\n"


def test_what_came_and_got_no_reply_is_in_the_record(welcomed):
    welcomed.dialogue.lost("connection reset", b"MAIL FR")
    welcomed.dialogue.lost("client closed the connection")

    assert welcomed.session.exchanges[-1][1:4] == (None, b"MAIL FR", b"")
    assert welcomed.session.ended == "connection reset"


def test_how_a_session_ended_is_not_told_otherwise_later(welcomed):
    welcomed.say("QUIT")

    welcomed.dialogue.lost("connection reset", b"NOOP")

    assert welcomed.session.ended == "client quit"
    assert welcomed.session.exchanges[-1].request == b"QUIT\r\n"


def test_an_extension_that_is_taken_away_takes_the_size_limit_with_it(welcomed, shop):
    assert welcomed.dialogue.offer.size_limit == 1000

    shop.extensions = ("8BITMIME",)

    assert welcomed.dialogue.offer.size_limit is None


@pytest.mark.parametrize("line", ["SIZE", "SIZE 0", "SIZE many"])
def test_a_size_that_says_no_number_is_no_limit(welcomed, shop, line):
    shop.extensions = (line,)

    assert welcomed.dialogue.offer.size_limit is None


REPLY = re.compile(rb"(?:(\d{3})-[^\r\n]*\r\n)*(\d{3}) [^\r\n]*\r\n")
VERBS = ("EHLO", "HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "HELP", "AUTH", "STARTTLS")
PARTS = ("FROM:", "TO:", "<a@b.example>", "<>", "<postmaster>", "SIZE=", "BODY=8BITMIME", "SMTPUTF8", "aä")
SIGNS = '<>@"\\()[].:,= \t\r\x00\udc80'
WORDS = st.sampled_from([*VERBS, *PARTS, *SIGNS])


@settings(max_examples=300)
@given(
    st.lists(
        st.binary(max_size=40)
        | st.lists(WORDS, max_size=12).map(lambda words: "".join(words).encode("utf-8", "surrogateescape")),
        max_size=12,
    )
)
def test_whatever_is_said_gets_a_reply_that_is_one(shop, journal, new_talk, lines):
    talk = new_talk(shop, journal)
    talk.dialogue.greet()
    for line in lines:
        said = answer_command(talk.dialogue, line.replace(b"\n", b"") + b"\r\n")

        assert REPLY.fullmatch(said)
        if talk.dialogue.closing:
            break
        if talk.dialogue.reading is not None:
            assert REPLY.fullmatch(talk.dialogue.content(line))
    assert shop.failures == []


@pytest.mark.parametrize(
    ("command", "extension", "reply"),
    [
        ("STARTTLS", "STARTTLS", "503 5.5.1 "),
        ("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "AUTH PLAIN", "503 5.5.1 "),
    ],
)
def test_encryption_and_log_in_come_after_ehlo(talk, shop, command, extension, reply):
    shop.extensions = (extension,)
    talk.dialogue.greet()

    assert talk.say(command).startswith(reply)
    assert not talk.dialogue.starting_tls


def test_a_chunk_before_ehlo_is_refused_once_it_is_read(talk, shop):
    shop.extensions = ("CHUNKING",)
    talk.dialogue.greet()
    assert talk.say("BDAT 5 LAST") == ""

    assert talk.dialogue.reading.feed(b"hello") == b""

    assert talk.dialogue.content().decode().startswith("503 5.5.1 ")
    assert shop.delivered == []


def test_a_chunk_is_refused_by_the_answer_to_data(welcomed, shop):
    shop.extensions = ("CHUNKING",)
    shop.answers[Stage.DATA] = Reply.parse("554 5.7.1 No chunks today")
    welcomed.say("EHLO app.example", "MAIL FROM:<bob@b.example>", "RCPT TO:<alice@shop.example>")
    welcomed.say("BDAT 5 LAST")
    welcomed.dialogue.reading.feed(b"hello")

    assert welcomed.dialogue.content() == b"554 5.7.1 No chunks today\r\n"
    assert shop.delivered == []


def test_a_client_that_vanishes_in_a_chunk_leaves_what_it_has_sent(welcomed, shop):
    shop.extensions = ("CHUNKING",)
    welcomed.say("EHLO app.example", "MAIL FROM:<bob@b.example>", "RCPT TO:<alice@shop.example>")
    welcomed.say("BDAT 9 LAST")

    assert welcomed.dialogue.reading.feed(b"hel") is None

    assert welcomed.dialogue.reading.begun == b"BDAT 9 LAST\r\nhel"


def test_an_answer_to_cram_md5_without_a_digest_makes_no_sense(welcomed, shop):
    shop.extensions = ("AUTH CRAM-MD5",)
    welcomed.say("EHLO app.example")
    assert welcomed.say("AUTH CRAM-MD5")[:4] == "334 "

    assert welcomed.say("YWxpY2U=")[:3] == "501"  # "alice"


@pytest.mark.parametrize("parameter", ["XFOO=1", "MT-PRIORITY=3"])
def test_a_parameter_that_is_offered_and_not_known_is_not_taken(welcomed, shop, parameter):
    shop.extensions = (parameter.partition("=")[0],)
    welcomed.say("EHLO app.example")

    assert welcomed.say(f"MAIL FROM:<bob@b.example> {parameter}")[:3] == "555"
