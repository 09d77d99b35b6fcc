"""A place by itself, and drawn by hypothesis."""

from __future__ import annotations

import smtplib

import pytest
from hypothesis import find

from pytest_mailnet import Crasher, CrashPlace, MailNet
from pytest_mailnet.strategies import places


@pytest.mark.parametrize(
    ("place", "text", "id_"),
    [
        (
            CrashPlace(1, "look-up MX shop.example"),
            "1: look-up MX shop.example, said",
            "died-at-1-look-up-MX-shop.example-said",
        ),
        (
            CrashPlace(2, "connect mx.shop.example:25"),
            "2: connect mx.shop.example:25, said",
            "died-at-2-connect-mx.shop.example-said",
        ),
        (
            CrashPlace(8, "RCPT TO:<sales+7f3a@shop.example>"),
            "8: RCPT TO:<sales+7f3a@shop.example>, said",
            "died-at-8-RCPT-TO-said",
        ),
        (
            CrashPlace(13, "250 to content", after=True),
            "13: 250 to content, unheard",
            "died-at-13-250-to-content-unheard",
        ),
    ],
)
def test_a_place_is_told_in_words_and_in_the_id_of_a_test(place, text, id_):
    assert str(place) == text
    assert place.id == id_


def test_hypothesis_finds_the_first_place_at_which_a_mail_is_sent_twice():
    def twice(at):
        with MailNet() as net:
            net.add_server("mx.shop.example", domain="shop.example")
            Crasher(net, at=at).call(send)
            return len(net.messages) == 2

    def send():
        with smtplib.SMTP("mx.shop.example") as mx:
            mx.sendmail("bob@sender.example", ["sales@shop.example"], "Message-ID: <1@b>\r\n\r\nhi\r\n")

    assert find(places(20), twice) == 13
