"""What the variables of a reply name where the path in MAIL or RCPT is refused: that path, and no other."""

from __future__ import annotations

import functools
import random
import smtplib

import pytest

from pytest_mailnet.clock import Clock
from pytest_mailnet.providers.variables import VARIABLES, Circumstances
from pytest_mailnet.values import Reply

_LONG = f"a@{'b' * 256}"
_WAYS = [
    pytest.param("TO:<bob>", "recipient_without_domain", "bob", id="without a domain"),
    pytest.param("TO:<@b.example>", "recipient_without_local_part", "@b.example", id="without a local part"),
    pytest.param("TO:<bob@>", "recipient_without_host", "bob@", id="without a host"),
    pytest.param("TO:<>", "recipient_empty", "", id="empty"),
    pytest.param("TO:<a b@b.example>", "bad_recipient_syntax", "a b@b.example", id="a space"),
    pytest.param("TO:<bob@b.example", "recipient_unclosed", "bob@b.example", id="unclosed"),
    pytest.param("TO:bob@b.example>", "rcpt_syntax", "bob@b.example", id="unopened"),
    pytest.param(f"TO:<{_LONG}>", "bad_recipient_syntax", _LONG, id="a long domain"),
    pytest.param("TO:", "rcpt_syntax", "", id="nothing"),
    pytest.param("bob@b.example", "rcpt_syntax", "", id="without TO"),
    pytest.param("TO:<b\u00fc@b.example>", "smtputf8_required", "b\u00fc@b.example", id="without SMTPUTF8"),
    pytest.param("TO:<root@b.example>", "recipient_restricted", "root@b.example", id="restricted"),
    pytest.param("TO:<bob@b.example> X=1", "rcpt_parameter", "bob@b.example", id="a parameter"),
    pytest.param(f"TO:<bob@b.example> {'x' * 1200}", "line_too_long", "bob@b.example", id="a long line"),
]


@pytest.fixture
def told(shop, talk_with):
    """What a variable has in the reply to the last of some lines."""

    def tell(variable, condition, *lines, **manners):
        talk = talk_with(**manners)
        shop.value_of = lambda step, name: VARIABLES[name](
            Circumstances(step, "", random.Random(1), Clock(), str)  # noqa: S311  # no secrets are drawn
        )
        talk.say("EHLO app.example", *lines[:-1])
        shop.phrase = functools.partial(_one_phrase, shop.phrase, condition, variable)
        said = talk.say(lines[-1])
        assert said.startswith("599 ")
        return said[4:].rstrip("\r\n")

    return tell


def _one_phrase(usual, condition, variable, asked):
    return Reply.parse(f"599 {{{variable}}}") if asked == condition else usual(asked)


@pytest.mark.parametrize(("argument", "condition", "named"), _WAYS)
def test_a_refused_recipient_is_the_one_that_the_reply_names(told, argument, condition, named):
    before = ("MAIL FROM:<a@a.example>", "RCPT TO:<carl@c.example>")

    said = told("recipient", condition, *before, f"RCPT {argument}", restricted="root")

    assert said == named


@pytest.mark.parametrize(
    ("argument", "condition", "named"),
    [
        pytest.param(
            it.values[0].replace("TO:", "FROM:"),
            it.values[1].replace("recipient", "sender").replace("rcpt", "mail"),
            it.values[2],
            id=it.id,
        )
        for it in _WAYS
        if it.id not in {"empty", "restricted"}  # which are right in MAIL
    ],
)
def test_a_refused_sender_is_the_one_that_the_reply_names(told, argument, condition, named):
    said = told("sender", condition, f"MAIL {argument}")

    assert said == named


def test_the_sender_of_a_second_mail_inside_the_first_is_the_one_that_the_reply_names(told):
    said = told("sender", "nested_mail", "MAIL FROM:<a@a.example>", "MAIL FROM:<b@b.example>")

    assert said == "b@b.example"


@pytest.mark.parametrize(
    ("variable", "line", "condition", "value"),
    [
        ("user", "RCPT TO:<bob>", "recipient_without_domain", "bob"),
        ("rcpt_domain", "RCPT TO:<bob>", "recipient_without_domain", ""),
        ("user", "RCPT TO:<postmaster>", "ok_rcpt", "postmaster"),
        ("rcpt_domain", "RCPT TO:<postmaster>", "ok_rcpt", ""),
        ("rcpt_domain", "RCPT TO:<a b@b.example>", "bad_recipient_syntax", "b.example"),
        ("domain", "RCPT TO:<bob>", "recipient_without_domain", "a.example"),
        ("domain", "MAIL FROM:<b@b.example>", "nested_mail", "b.example"),
        ("domain", "MAIL FROM:<b>", "nested_mail", ""),
        ("recipient", "DATA", "ok_data", "carl@c.example"),
    ],
)
def test_the_parts_of_an_address_are_those_of_the_one_that_the_reply_names(
    told, variable, line, condition, value
):
    said = told(variable, condition, "MAIL FROM:<a@a.example>", "RCPT TO:<carl@c.example>", line)

    assert said == value


def test_a_refused_path_is_forgotten_with_its_command(told):
    before = ("MAIL FROM:<a@a.example>", "RCPT TO:<carl@c.example>", "RCPT TO:<bob>")

    assert told("recipient", "ok_data", *before, "DATA") == "carl@c.example"


def test_gmail_names_the_recipient_that_it_refuses(mailnet):
    mailnet.gmail.add_mailbox("alice", password="pw")
    with smtplib.SMTP("smtp.gmail.com", 587) as client:
        client.starttls()
        client.login("alice", "pw")
        client.mail("alice@gmail.com")
        client.docmd("RCPT TO:<bob@hotmail>")

        code, text = client.docmd("RCPT TO:<bob>")

    assert (code, text.decode().partition(" is ")[0]) == (553, "5.1.3 The recipient address <bob>")
