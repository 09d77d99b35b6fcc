"""Whose reply it was, and at which stage it is given."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.reproduce import Recogniser
from pytest_mailnet.values import Stage


@pytest.fixture(scope="module")
def recogniser():
    return Recogniser(catalogue_with())


@pytest.mark.parametrize(
    ("host", "recipient", "provider"),
    [
        ("gmail-smtp-in.l.google.com", "a@gmail.com", "gmail"),
        ("aspmx.l.google.com", "a@shop.example", "google-workspace"),
        ("mx9.new.l.google.com", "a@gmail.com", "gmail"),
        ("shop-example.mail.protection.outlook.com", "a@shop.example", "microsoft365"),
        ("mx01.mail.icloud.com", "a@icloud.com", "icloud"),
        ("mx.shop.example", "a@gmail.com", None),
        (None, "a@gmail.com", "gmail"),
        (None, "a@shop.example", None),
    ],
)
def test_a_provider_goes_by_the_host_and_without_one_by_the_domain(recogniser, host, recipient, provider):
    assert recogniser.recognise(Failure(host=host, recipient=recipient)).provider == provider


def test_a_reply_is_found_whatever_its_ids_and_lines(recogniser):
    told = Failure(
        host="mx.elsewhere.example",
        reply=(
            "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the "
            "recipient's email address for typos or unnecessary spaces. For more information, go to "
            "https://support.google.com/mail/?p=NoSuchUser x-1 - gsmtp",
        ),
    )

    found = recogniser.recognise(told)

    assert (found.matches, found.provider) == ("gmail/user_unknown", "gmail")
    assert found.failure.stage is Stage.RCPT
    assert found.failure.stage_rule == "the catalogue has it there: gmail/user_unknown (captured)"


def test_a_reply_that_nobody_is_known_to_give_is_new(recogniser):
    found = recogniser.recognise(Failure(reply=("554 5.7.1 Quite an uncommon refusal of this mail",)))

    assert (found.matches, found.provider) == (None, None)


def test_a_stage_that_is_told_is_not_inferred(recogniser, failure):
    found = recogniser.recognise(dataclasses.replace(failure, stage=Stage.MESSAGE)).failure

    assert (found.stage, found.stage_rule) == (Stage.MESSAGE, None)


def test_a_fault_is_an_entry_of_its_own_catalogue(recogniser):
    assert recogniser.recognise(Failure(fault="refused-at-connect")).matches == "refused-at-connect"


def test_a_connection_that_ended_nobody_tells_where_has_an_inferred_stage(recogniser):
    found = recogniser.recognise(Failure(fault="closed-at-connect")).failure

    assert (found.stage, found.stage_rule) == (
        Stage.CONNECT,
        "the evidence does not tell where the connection ended",
    )
    assert recogniser.recognise(Failure(fault="dns-nxdomain")).failure.stage is None


def test_every_refusal_of_the_catalogue_is_recognised(recogniser):
    catalogue = catalogue_with()
    missed = []
    for stem in catalogue.stems:
        for phrase in catalogue.load_stem(stem).phrases.values():
            reply = tuple(str(phrase.reply).split("\n"))
            if phrase.reply.positive or len(phrase.reply.text) < 8 or phrase.reply.text.startswith("{"):
                continue
            if recogniser.recognise(Failure(reply=reply)).matches is None:
                missed.append(f"{stem}/{phrase.name}")

    assert missed == []


def test_a_reply_that_is_nothing_but_variables_recognises_nothing(tmp_path):
    file = tmp_path / "corp.toml"
    file.write_text(
        'name = "corp"\ntitle = "Corp"\ndomains = ["corp.example"]\n\n[zone]\nsource = "own"\n'
        'text = "corp.example. 300 IN MX 10 mx.corp.example."\n\n[replies.refused]\nstage = "rcpt"\n'
        'reply = "559 {recipient}"\nsource = "own"\n'
    )

    found = Recogniser(catalogue_with((file,))).recognise(Failure(reply=("559 whatever there is",)))

    assert found.matches is None
