"""An answer whose reply is none: the error is told once, in the line that wrote it."""

from __future__ import annotations

import pytest

from pytest_mailnet import MailNet
from pytest_mailnet.errors import ExpectationFailed, InvalidReply
from pytest_mailnet.net.mailnet import life_of


def test_an_answer_that_was_given_a_wrong_reply_does_not_fail_the_test_once_more():
    with pytest.raises(InvalidReply, match="55O"), MailNet() as net:
        net.gmail.on_rcpt("alice@*").reply("55O 5.1.1 no")


def test_the_report_does_not_say_of_it_that_it_was_not_given():
    with pytest.raises(InvalidReply), MailNet() as net:
        net.gmail.on_rcpt("alice@*").reply("55O 5.1.1 no")

    assert life_of(net).unmet == []


def test_an_answer_without_a_reply_still_fails_the_test():
    with pytest.raises(ExpectationFailed, match="has no answer"), MailNet() as net:
        net.gmail.on_rcpt("alice@*")


def test_the_same_holds_where_mail_is_read():
    with pytest.raises(InvalidReply), MailNet() as net:
        net.gmail.imap.on_login("alice@*").reply("550 no")
