"""What tells of people is replaced, the same by the same; what a failure is known by stays."""

from __future__ import annotations

import dataclasses
import ipaddress
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mailnet.evidence import Failure, NoFailure
from pytest_mailnet.evidence.replies import reply_in
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.providers.variables import VARIABLES
from pytest_mailnet.reproduce import Anonymity, Recogniser


def nameless(*failures):
    anonymity = Anonymity(catalogue_with())
    return list(map(anonymity.nameless, failures))


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


def test_many_ip_addresses_become_as_many():
    addresses = [str(ipaddress.IPv4Address(0x08080808 + number)) for number in range(2000)]

    told = nameless(*(Failure(address=address) for address in addresses))

    assert len({it.address for it in told}) == 2000


def test_ids_keep_their_form_and_codes_stay():
    reply = "550 5.7.515 Access denied S3150 a640c23a62f3a-1f.85 again a640c23a62f3a-1f.85 AS16012609"

    [told] = nameless(Failure(reply=(reply,)))

    assert told.reply == (
        "550 5.7.515 Access denied S3150 x000x00x00x0x-0x.01 again x000x00x00x0x-0x.01 AS16012609",
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (("550-Verification failed", "550 Failed"), ("550-Verification failed", "550 Failed")),
        (("550-mx.corp.example: no", "550 no"), ("550-host1.domain1.example: no", "550 no")),
        (("550-bob@corp.example: no", "550 no"), ("550-user1@domain1.example: no", "550 no")),
        (("550 bob@corp.example (#5.1.1)",), ("550 user1@domain1.example (#5.1.1)",)),
        (("554 it said: 550-Verification failed",), ("554 it said: 550-Verification failed",)),
        (("554 it said: 550-5.1.1-Verification123",), ("554 it said: 550-5.1.1-Verification123",)),
        (("554 it said: 550-mx.corp.example no",), ("554 it said: 550-host1.domain1.example no",)),
    ],
)
def test_a_code_is_no_part_of_the_name_behind_it(said, told):
    [found] = nameless(Failure(reply=said))

    assert found.reply == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("user neko not found", "user user1 not found"),
        ("'NEKO' unknown", "'user1' unknown"),
        ("rcpt=neko@shop.example", "rcpt=user1@domain1.example"),
        ("'neko@shop.example'", "'user1@domain1.example'"),
        ("邮箱neko@shop.example不存在", "邮箱user1@domain1.example不存在"),
        ("neko.smith@shop.example", "user2@domain1.example"),
        ("user unknown in shop.example", "user unknown in domain1.example"),
        (
            "see https://shop.example/help/shop.example.html",
            "see https://domain1.example/help/domain1.example.html",
        ),
        ("<postmaster@mx.shop.example>", "<user2@domain2.example>"),
        ('"john doe"@corp.example', "user2@domain2.example"),
        ("bob@[8.8.4.4] and bob@laptop", "user2@[192.0.2.1] and user2@domain2.example"),
        ("smtp:mx.corp.example", "smtp:host1.domain2.example"),
        ("4.4.8.8.zen.spamhaus.org", "host1.domain2.example"),
        ("at 10:11:12 and 2026-11-28T10:11:12Z", "at 10:11:12 and 0000-00-00x01:11:12Z"),
        ("blocked using zen.spamhaus.org", "blocked using zen.spamhaus.org"),
        ("пример.рф and пример.xn--p1ai", "domain2.example and domain3.example"),
    ],
)
def test_names_are_found_in_whatever_form_they_stand(said, told):
    [found] = nameless(Failure(recipient="neko@shop.example", reply=(f"550 {said}",)))

    assert found.reply == (f"550 {told}",)


def test_a_name_that_is_a_word_of_the_catalogue_s_replies_stays_where_it_is_a_word():
    [told] = nameless(
        Failure(recipient="user@shop.example", reply=("550 5.1.1 <user@shop.example> user unknown",))
    )

    assert told.reply == ("550 5.1.1 <user1@domain1.example> user unknown",)


def test_a_code_is_one_even_where_somebody_is_called_like_it():
    [told] = nameless(Failure(recipient="559@shop.example", reply=("559 mailbox 559 is full",)))
    [other] = nameless(Failure(recipient="550-neko@shop.example", reply=("550-neko@shop.example is full",)))

    assert told.reply == ("559 mailbox user1 is full",)
    assert other.reply == ("550-user2@domain1.example is full",)


def test_a_host_has_one_name_wherever_it_stands():
    [told] = nameless(
        Failure(host="mx.shop.example", reply=("550 <20261128.9@mx.shop.example> at MX.shop.example.",))
    )

    assert told.host == "host1.domain1.example"
    assert told.reply == ("550 <user1@host1.domain1.example> at host1.domain1.example.",)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("bob", "user1"),
        ("bob@localhost", "user1@domain1.example"),
        ('"bob smith"@shop.example', "user1@domain1.example"),
        ("bob@[8.8.4.4]", "user1@[192.0.2.1]"),
        (f"{'bob.' * 40}x@shop.example", "user1@domain1.example"),
        ("/o=Shop/cn=Bob", "user1"),
        ("", ""),
    ],
)
def test_an_address_of_any_form_is_replaced(address, told):
    [found] = nameless(Failure(recipient=address, sender=address))

    assert (found.recipient, found.sender) == (told, told)


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("laptop", "domain1.example"),
        ("[8.8.4.4]", "[192.0.2.1]"),
        ("8.8.4.4", "192.0.2.1"),
        ("alt1.gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com"),
        ("c-8-8-4-4.hsd1.ca.comcast.net", "c-192-0-2-1.hsd1.ca.comcast.net"),
    ],
)
def test_a_host_of_any_form_is_replaced_unless_it_is_a_provider_s(host, told):
    [found] = nameless(Failure(host=host))

    assert found.host == told


def test_the_name_of_a_customer_in_a_provider_s_host_is_replaced_as_its_domain_is():
    catalogue = catalogue_with()
    customer = Failure(
        recipient="neko@shop.example",
        host="shop-example.mail.protection.outlook.com",
        reply=("550 5.4.1 Recipient address rejected: Access denied.",),
    )

    [told] = nameless(customer)
    [other] = nameless(Failure(host="shop-example.mail.protection.outlook.com"))

    assert (told.recipient, told.host) == (
        "user1@domain1.example",
        "domain1-example.mail.protection.outlook.com",
    )
    assert other.host == "domain1-example.mail.protection.outlook.com"
    assert (
        Recogniser(catalogue).recognise(told).provider == Recogniser(catalogue).recognise(customer).provider
    )


def test_names_of_providers_stay_so_that_the_failure_is_still_theirs():
    gmail = Failure(
        recipient="carl@gmail.com",
        host="alt1.gmail-smtp-in.l.google.com",
        reply=(
            "550-5.1.1 The email account that you tried to reach does not exist. Please try",
            "550-5.1.1 double-checking the recipient's email address for typos or",
            "550-5.1.1 unnecessary spaces. For more information, go to",
            "550 5.1.1 https://support.google.com/mail/?p=NoSuchUser a640c23a62f3a-1f.85 - gsmtp",
        ),
    )

    [told] = nameless(gmail)

    assert (told.recipient, told.host) == ("user1@gmail.com", gmail.host)
    assert Recogniser(catalogue_with()).recognise(told).matches == "gmail/user_unknown"


def test_words_that_may_name_people_go():
    [told] = nameless(Failure(words="User Neko is not here"))

    assert told.words == ""


def test_a_path_is_a_number_the_same_for_the_same():
    one, other, again, typed = nameless(
        Failure(file="/home/neko/bounces/a.eml"),
        Failure(file="neko@shop.example.eml"),
        Failure(file="/home/neko/bounces/a.eml"),
        Failure(file="standard input"),
    )

    assert [it.file for it in (one, other, again, typed)] == [
        "evidence 1",
        "evidence 2",
        "evidence 1",
        "standard input",
    ]


def test_a_word_that_nothing_was_found_has_neither_path_nor_subject():
    anonymity = Anonymity(catalogue_with())
    nothing = NoFailure("/home/neko/inbox, mail 7", "a mail", "no one failed", subject="Neko's order")

    assert str(anonymity.nameless_nothing(nothing)) == "evidence 1, mail 7: a mail; no one failed"


@pytest.mark.parametrize("field", ["recipient", "original", "sender", "host", "address"])
def test_what_is_not_told_stays_untold(failure, field):
    [told] = nameless(dataclasses.replace(failure, **{field: None}))

    assert getattr(told, field) is None


SAID = {
    "challenge": "<123456789012@mx.kitten.example>",
    "count": "2",
    "date": "Sat, 28 Nov 2026 13:16:27 +0000",
    "dkim_result": "Fail",
    "dmarc_result": "Fail",
    "domain": "crane.example",
    "argument": "neko.secret@kitten.example",
    "client": "app.crane.example",
    "command": "FOO",
    "epoch": "1700000000",
    "header": "From",
    "helo": "app.crane.example",
    "internal_id": "12345678901234",
    "ip": "8.8.4.4",
    "iso_date": "2026-11-28T13:16:27.123Z",
    "keyword": "SIZE",
    "limit": "100",
    "message_id": "1700000000.abc@crane.example",
    "octets": "0",
    "option": "UNKNOWN",
    "path": "<neko.secret@kitten.example>",
    "port": "40321",
    "queue_id": "a640c23a62f3a-1f.85",
    "range": "8.8.0.0/16",
    "rate": "1.234",
    "rbl": "zen.spamhaus.org",
    "rbl_reason": "https://www.spamhaus.org/query/ip/8.8.4.4",
    "rcpt_domain": "kitten.example",
    "reason": "",
    "recipient": "neko.secret@kitten.example",
    "region": "KITTEN",
    "seconds": "0.105",
    "total": "19",
    "value": "SOME",
    "sender": "bob.secret@crane.example",
    "server": "mx.kitten.example",
    "size": "1234",
    "spf_result": "Fail",
    "user": "neko.secret",
    "version": "4.98",
}


def test_every_reply_of_the_catalogue_is_the_same_reply_without_names():
    catalogue = catalogue_with()
    recogniser, anonymity = Recogniser(catalogue), Anonymity(catalogue)
    assert SAID.keys() == VARIABLES.keys()

    for stem in catalogue.stems:
        for phrase in catalogue.load_stem(stem).phrases.values():
            said = Failure(
                recipient=SAID["recipient"],
                sender=SAID["sender"],
                host=SAID["server"],
                address=SAID["ip"],
                reply=tuple(phrase.reply.wire(SAID.__getitem__).decode().splitlines()),
            )

            told = anonymity.nameless(said)

            assert (told.code, told.enhanced) == (said.code, said.enhanced)
            assert [line[:4] for line in told.reply] == [line[:4] for line in said.reply]
            assert not re.search(r"secret|kitten|crane|8\.8\.4\.4", "\n".join(told.reply))
            before, after = recogniser.recognise(said), recogniser.recognise(told)
            assert (before.matches, before.failure.stage) == (after.matches, after.failure.stage)
            if said.code and said.code >= 400:
                one_line = " ".join(told.reply)
                assert reply_in(one_line)[0][:3] == str(said.code)


LABEL = st.from_regex(r"[a-z]{2,8}", fullmatch=True)
LOCAL = st.from_regex(r"[a-z]{2,8}[.+_-]secret[a-z0-9]{0,4}", fullmatch=True)
DOMAIN = st.builds("{}.secret{}.{}".format, LABEL, LABEL, st.sampled_from(["example", "co.uk", "org"]))
IP = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(lambda it: not it.is_unspecified).map(str)
BETWEEN = st.text(st.sampled_from(" <>()[]\"':;,=/|{}!"), min_size=1, max_size=2)
WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
HEADS = st.sampled_from(
    ["550 ", "550-", "550 5.1.1 ", "550-5.1.1 ", "421 4.7.0 ", "554 (#5.7.1) ", "550-5.1.1-"]
)


@st.composite
def failures(draw):
    """A failure with names in it, and replies that repeat them between any signs."""
    local, domain, address = draw(LOCAL), draw(DOMAIN), draw(IP)
    names = [local, domain, f"{local}@{domain}", f"mx.{domain}", address, f"{draw(LOCAL)}@{domain}"]
    said = st.lists(st.one_of(st.sampled_from(names), WORDS.map(" {} ".format)), max_size=6)
    lines = [
        draw(HEADS) + "".join(piece + draw(BETWEEN) for piece in draw(said))
        for _ in range(draw(st.integers(1, 3)))
    ]
    return Failure(
        recipient=f"{local}@{domain}",
        host=f"mx.{domain}",
        address=address,
        reply=tuple(lines),
        file=f"/home/{local}/{domain}.eml",
    )


@settings(deadline=None)  # the catalogue's words are read with the first
@given(st.lists(failures(), min_size=1, max_size=3))
def test_of_any_failure_no_name_is_left_and_each_code_stays(said):
    told = nameless(*said, *said)

    assert told[: len(said)] == told[len(said) :]
    for before, after in zip(said, told, strict=False):
        assert (after.code, after.enhanced, len(after.reply)) == (
            before.code,
            before.enhanced,
            len(before.reply),
        )
        assert [line[:4] for line in after.reply] == [line[:4] for line in before.reply]
        text = "\n".join(after.reply).lower()
        assert "secret" not in f"{text}{after.recipient}{after.host}{after.file}"
        assert not re.search(rf"(?<![\w.:]){re.escape(before.address)}(?![\w.:])", text)


@settings(deadline=None)
@given(st.text(), st.text(), st.text(), st.text(), st.text())
def test_whatever_stands_in_a_failure_it_keeps_its_code(recipient, sender, host, address, text):
    said = Failure(recipient=recipient, sender=sender, host=host, address=address, reply=(f"550 {text}",))

    [told] = nameless(said)

    assert told.code == 550
    assert [bool(it) for it in (told.recipient, told.sender, told.host, told.address)] == [
        bool(it) for it in (recipient, sender, host, address)
    ]


def test_a_letter_that_has_another_length_in_small_letters_moves_nothing(failure):
    [told] = nameless(dataclasses.replace(failure, reply=("550 5.1.1 İ <alice@shop.example> İ",)))

    assert told.reply == ("550 5.1.1 İ <user1@domain1.example> İ",)
