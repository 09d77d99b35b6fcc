"""What tells of people is replaced, the same by the same; what a failure is known by stays."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.replies import enhanced_of
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.reproduction import Anonymity, Recogniser


def nameless(*failures):
    return list(Anonymity(lambda it: catalogue_with().owner(it) is not None).without_names(failures))


def test_an_address_is_replaced_by_the_same_wherever_it_stands(failure):
    one, other = nameless(failure, dataclasses.replace(failure, recipient="dave@shop.example"))

    assert (one.recipient, one.sender, one.host) == (
        "user1@domain1.example",
        "user2@domain2.example",
        "host1.domain1.example",
    )
    assert one.reply == ("550-5.1.1 <user1@domain1.example>: nobody", "550 5.1.1 here")
    assert other.recipient == "user3@domain1.example"


def test_an_ip_address_becomes_one_of_the_documentation_s(failure):
    [told] = nameless(
        dataclasses.replace(failure, address="8.8.4.4", reply=("554 8.8.4.4 and 2001:4860::1 no",))
    )

    assert told.address == "192.0.2.1"
    assert told.reply == ("554 192.0.2.1 and 2001:db8::2 no",)


def test_ids_keep_their_form_and_codes_stay():
    reply = "550 5.7.515 Access denied S3150 a640c23a62f3a-1f.85 again a640c23a62f3a-1f.85 AS16012609"

    [told] = nameless(Failure(reply=(reply,)))

    assert told.reply == (
        "550 5.7.515 Access denied S3150 x000x00x00x0x-0x.01 again x000x00x00x0x-0x.01 AS16012609",
    )


def test_names_of_providers_stay_so_that_the_failure_is_still_theirs():
    gmail = Failure(
        recipient="carl@gmail.com",
        host="alt1.gmail-smtp-in.l.google.com",
        reply=(
            "550-5.1.1 The email account that you tried to reach does not exist. Please try",
            "550-5.1.1 double-checking the recipient's email address for typos or",
            "550-5.1.1 unnecessary spaces. Learn more at",
            "550 5.1.1 https://support.google.com/mail/?p=NoSuchUser a640c23a62f3a-1f.85 - gsmtp",
        ),
    )

    [told] = nameless(gmail)

    assert (told.recipient, told.host) == ("user1@gmail.com", gmail.host)
    assert Recogniser(catalogue_with()).recognise(told).matches == "gmail/user_unknown"


def test_words_that_may_name_people_go_and_so_do_names_of_files():
    [told] = nameless(Failure(words="User Neko is not here", file="bounces/neko@shop.example.eml"))

    assert (told.words, told.file) == ("", "bounces/user1@domain1.example")


@pytest.mark.parametrize("field", ["recipient", "sender", "host", "address"])
def test_what_is_not_told_stays_untold(failure, field):
    [told] = nameless(dataclasses.replace(failure, **{field: None}))

    assert getattr(told, field) is None


@given(
    st.from_regex(r"[a-z]{3,8}\.secret@[a-z]{3,8}\.secretcorp\.[a-z]{2,3}", fullmatch=True),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
)
def test_no_address_is_left_in_any_reply(address, text):
    [told] = nameless(Failure(recipient=address, reply=(f"550 5.1.1 <{address}>: {text}",)))

    assert "secret" not in told.reply[0]
    assert "secret" not in (told.recipient or "")
    assert enhanced_of(told.reply) == "5.1.1"
