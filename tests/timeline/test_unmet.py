"""Answers that nothing has met are told with what came instead, whether they fail the test or it fails by itself."""

from __future__ import annotations

import smtplib
import ssl
from pathlib import Path

import pytest

from pytest_mailnet.errors import ExpectationFailed
from pytest_mailnet.net.mailnet import life_of

HERE = "tests/timeline/test_unmet.py"


def send(*recipients, host="mx.shop.example"):
    with smtplib.SMTP(host, 25, timeout=10) as client:
        client.sendmail(
            "bob@sender.example", recipients or ["sale@shop.example"], "Subject: hi\r\n\r\nhi\r\n"
        )


@pytest.fixture
def net(make_mailnet, monkeypatch, pytestconfig):
    """A lenient net, whose answers are told by paths from the project's folder."""
    monkeypatch.chdir(pytestconfig.rootpath)
    with make_mailnet(strict=False) as net:
        net.add_server("mx.shop.example", domain="shop.example")
        yield net


@pytest.fixture
def server(net):
    return net.provider("mx.shop.example")


def line_of(answer):
    return answer.written.line


def test_an_answer_without_a_count_is_told_too(net, server):
    answer = server.on_rcpt("sales@*").reply("550 5.1.1 No")

    send()

    assert life_of(net).unmet == [
        "mx.shop.example.on_rcpt('sales@*').reply('550 5.1.1 No') was not given\n"
        f"  written at {HERE}:{line_of(answer)}\n"
        "  what came to mx.shop.example at RCPT, nearest first:\n"
        "  - session 1: recipient 'sale@shop.example' is not 'sales@*'"
    ]


def test_an_answer_that_was_given_is_not_told(net, server):
    server.on_rcpt("sale@*").reply("550 5.1.1 No")

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send()

    assert life_of(net).unmet == []


def test_mail_that_came_before_the_answer_was_written_is_told_so(net, server):
    send("sales@shop.example")
    answer = server.on_rcpt("sales@*").reply("550 5.1.1 No").times(1)

    assert life_of(net).unmet == [
        "mx.shop.example.on_rcpt('sales@*').reply('550 5.1.1 No').times(1) was given 0 of 1 time\n"
        f"  written at {HERE}:{line_of(answer)}\n"
        "  what came to mx.shop.example at RCPT, nearest first:\n"
        "  - session 1, before the answer was written: it matched"
    ]


@pytest.mark.parametrize(
    ("stage", "what"),
    [
        ("connect", "client '203.0.113.7' is not 'x*'"),
        ("ehlo", "EHLO name 'app.sender.example' is not 'x*'"),
        ("mail", "reverse-path 'bob@sender.example' is not 'x*'"),
        ("rcpt", "recipient 'one@shop.example' is not 'x*'"),
        ("data", "recipients 'one@shop.example' 'two@shop.example' is not 'x*'"),
        ("message", "recipients 'one@shop.example' 'two@shop.example' is not 'x*'"),
    ],
)
def test_what_came_before_is_compared_at_every_stage(net, server, stage, what):
    send("one@shop.example", "two@shop.example")

    getattr(server, f"on_{stage}")("x*").reply("450 4.0.0 Not now")

    [told] = life_of(net).unmet
    assert f"  - session 1, before the answer was written: {what}" in told.splitlines()


@pytest.mark.parametrize(
    ("stage", "what"),
    [
        ("starttls", "EHLO name 'app.sender.example' is not 'x*'"),
        ("auth", "user 'alice@shop.example' is not 'x*'"),
    ],
)
def test_what_came_before_is_compared_where_a_client_encrypts_and_logs_in(net, server, stage, what):
    server.add_mailbox("alice", password="pw")
    with smtplib.SMTP("mx.shop.example", 587) as client:
        client.starttls(context=ssl.create_default_context())
        client.login("alice", "pw")

    getattr(server, f"on_{stage}")("x*").reply("454 4.7.0 Not now")

    [told] = life_of(net).unmet
    assert f"  - session 1, before the answer was written: {what}" in told.splitlines()


def test_of_much_that_came_the_nearest_is_told_and_how_many_more(net, server):
    for number in range(12):
        send(f"n{number}@shop.example")

    server.on_rcpt("x*").reply("450 4.0.0 Not now")

    [told] = life_of(net).unmet
    shown = [line for line in told.splitlines() if "before the answer was written" in line]
    assert told.splitlines()[-1] == f"  - and {12 - len(shown)} more"


def test_that_an_answer_before_it_took_what_it_matches_is_told(net, server):
    first = server.on_rcpt("*").reply("550 5.1.1 No")
    server.on_rcpt("sale@*").reply("550 5.7.1 Not you").times(1)

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send()

    assert life_of(net).unmet[0].splitlines()[-1] == (
        "  - session 1: it matched, and was answered by mx.shop.example.on_rcpt('*').reply('550 5.1.1 No'), "
        f"which was written before it at {HERE}:{line_of(first)}"
    )


@pytest.mark.parametrize(
    ("match", "after", "told"),
    [
        ("sale@*", 2, "it matched, and .after(2) lets the first 2 pass"),
        (lambda step: step.tls, 0, "it matched, and its function said no, or failed"),
    ],
    ids=["after", "function"],
)
def test_why_it_let_pass_what_it_matches_is_told(net, server, match, after, told):
    server.on_rcpt(match).reply("550 5.7.1 Not you").times(1).after(after)

    send()

    assert life_of(net).unmet[0].splitlines()[-1] == f"  - session 1: {told}"


def test_several_answers_that_were_not_all_given_are_told_how_they_need_not(make_mailnet):
    with pytest.raises(ExpectationFailed) as error, make_mailnet() as net:
        net.gmail.on_rcpt().reply_in_turn("450 4.2.0 Later", "450 4.2.0 Still later")

    assert str(error.value).splitlines()[-1] == (
        "  If they need not all be given: @pytest.mark.mailnet(strict=False)"
    )


def test_where_the_mail_went_instead_is_told(net, server):
    net.add_server("mx.other.example", domain="other.example")
    net.provider("mx.other.example").on_rcpt("sales@*").reply("550 5.1.1 No")

    send()

    assert life_of(net).unmet[0].splitlines()[2:] == [
        "  nothing came to mx.other.example at RCPT; what was connected to: mx.shop.example"
    ]


def test_that_nobody_connected_is_told(net, server):
    server.on_rcpt().reply("550 5.1.1 No")

    assert life_of(net).unmet[0].splitlines()[2:] == [
        "  nothing came to mx.shop.example at RCPT, and nobody connected"
    ]


def submit(recipient):
    with smtplib.SMTP("smtp.gmail.com", 587, timeout=10) as client:
        client.starttls(context=ssl.create_default_context())
        client.login("alice@gmail.com", "open sesame")
        client.sendmail("alice@gmail.com", [recipient], "Subject: hi\r\n\r\nhi\r\n")


@pytest.fixture
def gmail(net):
    net.gmail.add_mailbox("alice", password="open sesame")
    return net.gmail


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data", "message"])
def test_a_provider_s_answers_hold_where_its_users_hand_their_mail_in(gmail, stage):
    getattr(gmail, f"on_{stage}")().reply("550 5.0.0 Not you")

    with pytest.raises(smtplib.SMTPException, match="Not you"):
        submit("carl@hotmail.com")


def test_a_provider_s_answers_hold_at_its_mx_hosts(gmail):
    gmail.on_rcpt("alice@*").reply("550 5.0.0 Not you")

    with pytest.raises(smtplib.SMTPRecipientsRefused, match="Not you"):
        send("alice@gmail.com", host="gmail-smtp-in.l.google.com")


def test_answers_of_its_submission_agents_hold_only_there_and_come_first(gmail):
    gmail.on_rcpt().reply("550 5.0.0 Everywhere")
    gmail.submission.on_rcpt().reply("550 5.0.0 At submission")

    with pytest.raises(smtplib.SMTPRecipientsRefused, match="At submission"):
        submit("carl@hotmail.com")
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="Everywhere"):
        send("alice@gmail.com", host="gmail-smtp-in.l.google.com")


def test_answers_of_its_submission_agents_that_nothing_met_tell_where_the_mail_went(net, gmail):
    gmail.submission.on_rcpt("alice@*").reply("550 5.0.0 Not you")

    send("alice@gmail.com", host="gmail-smtp-in.l.google.com")

    assert life_of(net).unmet[0].splitlines()[2:] == [
        "  nothing came to gmail.submission at RCPT; what was connected to: gmail-smtp-in.l.google.com"
    ]


def test_the_error_of_an_answer_that_was_not_met_comes_from_its_line(make_mailnet):
    with pytest.raises(ExpectationFailed) as error, make_mailnet() as net:
        answer = net.gmail.on_rcpt().reply("550 5.0.0 No").times(1)

    last = error.traceback[-1]
    assert (last.path, last.lineno + 1, last.name) == (
        Path(__file__),
        line_of(answer),
        "test_the_error_of_an_answer_that_was_not_met_comes_from_its_line",
    )


SUITE = """
import smtplib

def test_mail(mailnet):
    shop = mailnet.add_server("mx.shop.example", domain="shop.example")
    (
        shop.on_rcpt("sales@*")
        .reply("550 5.1.1 No")
        .times(1)
    )
    assert shop
"""


@pytest.mark.parametrize(
    ("style", "shown"),
    [
        ("long", '>       shop.on_rcpt("sales@*")'),
        ("short", "test_sales.py:6: in test_mail"),
        (
            "line",
            "*/test_sales.py:6: pytest_mailnet.errors.ExpectationFailed: mx.shop.example.on_rcpt('sales@*')*",
        ),
        ("native", '  File "*/test_sales.py", line 6, in test_mail'),
        ("no", "FAILED test_sales.py::test_mail - pytest_mailnet.errors.ExpectationFailed: mx..."),
    ],
)
def test_every_traceback_points_to_the_line_that_wrote_the_answer(pytester, style, shown):
    pytester.makepyfile(test_sales=SUITE)

    result = pytester.runpytest_inprocess(f"--tb={style}")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([shown.replace("[", "[[]")])


def test_a_test_that_fails_by_itself_tells_the_answers_that_were_not_met_before_the_timeline(pytester):
    pytester.makepyfile(
        """
        import smtplib
        import pytest

        def test_mail(mailnet):
            shop = mailnet.add_server("mx.shop.example", domain="shop.example")
            shop.on_rcpt("sales@*").reply("550 5.1.1 No").times(1)
            with pytest.raises(smtplib.SMTPRecipientsRefused), smtplib.SMTP("mx.shop.example", 25) as client:
                client.sendmail("bob@sender.example", ["sale@shop.example"], "Subject: hi")
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- mailnet -*",
            "mx.shop.example.on_rcpt('sales@[*]').reply('550 5.1.1 No').times(1) was given 0 of 1 time",
            "  written at test_a_test_that_fails_by_itself*.py:6",
            "  what came to mx.shop.example at RCPT, nearest first:",
            "  - session 1: recipient 'sale@shop.example' is not 'sales@[*]'",
            "* ms  dns  mx.shop.example AAAA*",
        ],
        consecutive=True,
    )


def test_an_answer_that_the_test_fails_for_is_told_once(pytester):
    pytester.makepyfile(test_sales=SUITE)

    result = pytester.runpytest_inprocess()

    assert result.stdout.str().count("was given 0 of 1 time") == 1


def test_an_answer_tells_the_whole_path_of_a_file_that_is_elsewhere(net, server, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    answer = server.on_rcpt("*").reply("550 5.1.1 No")

    assert str(answer.written) == f"{Path(__file__)}:{line_of(answer)}"


def test_an_answer_that_was_not_given_often_enough_tells_what_it_was_given_to(net, server):
    server.on_rcpt("*").reply("550 5.1.1 No").times(2)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send("sale@shop.example")

    [told] = life_of(net).unmet
    assert told.splitlines()[-1] == "  - session 1: it matched"


def test_a_command_that_was_waited_for_is_told_with_those_that_came(net, server):
    server.on_command("NOP").reply("421 4.4.2 Timeout").times(1)

    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.noop()

    [told] = life_of(net).unmet
    assert told.splitlines()[-1] == (
        "  nothing came to mx.shop.example by any other command; "
        "of the commands beside deliveries, these did: NOOP, QUIT"
    )


def test_an_unknown_command_that_came_is_compared(net, server):
    server.on_command("XFO").reply("250 OK").times(1)

    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.docmd("XFOO")

    [told] = life_of(net).unmet
    assert told.splitlines()[-2:] == [
        "  what came to mx.shop.example by any other command, nearest first:",
        "  - session 1: command 'XFOO' is not 'XFO'",
    ]
