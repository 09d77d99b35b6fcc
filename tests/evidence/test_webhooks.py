"""Web hooks are told from each other and from other JSON, and read whatever has become of them."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mailnet.evidence.webhooks import WEBHOOKS
from pytest_mailnet.faults import FAULTS

SAMPLES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "webhooks").glob("*.json"))
}
OPERATORS = {
    "ses": "an Amazon SES notification",
    "sendgrid": "a SendGrid web hook",
    "mailgun": "a Mailgun web hook",
    "postmark": "a Postmark web hook",
    "sparkpost": "a SparkPost web hook",
    "brevo": "a Brevo web hook",
    "mandrill": "a Mandrill web hook",
    "mailjet": "a Mailjet web hook",
    "resend": "a Resend web hook",
    "postal": "a Postal web hook",
    "mailersend": "a MailerSend web hook",
    "mailtrap": "a Mailtrap web hook",
    "unisender": "a Unisender Go web hook",
}
HUGE = "550 5.1.1 <" * 200_000
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("550 5.1.1 No")
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
# In the place of a member: nested once, as more of it takes time and finds no more.
SMALL = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=9), SCALARS, max_size=3)


def failures(document):
    return [it for webhook in WEBHOOKS if webhook.recognises(document) for it in webhook.failures(document)]


def nested(depth):
    return json.loads("[" * depth + "]" * depth)


def test_there_are_samples_of_each_operator():
    found = {name.split("-", maxsplit=1)[0] for name in SAMPLES}

    assert found == OPERATORS.keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_document_is_taken_by_its_operator_and_no_other(name):
    takers = [it.name for it in WEBHOOKS if it.recognises(SAMPLES[name])]

    assert takers == [OPERATORS[name.split("-", maxsplit=1)[0]]]


@pytest.mark.parametrize("name", [it for it in SAMPLES if it.endswith("-others")])
def test_a_document_with_other_events_tells_of_no_failure(name):
    assert failures(SAMPLES[name]) == []


@pytest.mark.parametrize("name", [it for it in SAMPLES if not it.endswith("-others")])
def test_a_failure_has_a_reply_or_the_operators_words(name):
    found = failures(SAMPLES[name])

    assert found
    assert all(bool(it.reply) is not bool(it.words) for it in found)
    assert all(it.fault is None or it.fault in FAULTS for it in found)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            {"event_id": "9f", "platform": "python", "message": "550", "level": "error"}, id="Sentry"
        ),
        pytest.param({"event": "user.created", "email": "a@b.example"}, id="an application's event"),
        pytest.param({"type": "email.bounced", "data": {"object": {"to": "a@b.example"}}}, id="Emailit"),
        pytest.param({"Type": "Notification", "Message": "eventType cut sho"}, id="a notification of others"),
        pytest.param({"items": [{"event": "login", "timestamp": 1}]}, id="a page of others"),
        pytest.param({"results": [{"type": "bounce"}]}, id="results of others"),
        pytest.param(
            {"eventType": "MailArchived", "mail": {"source": "a@b.example"}}, id="an event of others"
        ),
        pytest.param({"event": "failed", "timestamp": 1, "recipient": "a@b.example"}, id="a job of others"),
        pytest.param({"Bounces": [{"Name": "All", "Count": 253}]}, id="statistics"),
        pytest.param([], id="an empty batch"),
        pytest.param(nested(900), id="deep"),
    ],
)
def test_other_documents_are_taken_by_none(document):
    assert [it.name for it in WEBHOOKS if it.recognises(document)] == []


@given(JSON)
def test_any_json_value_is_read_without_an_exception(document):
    for webhook in WEBHOOKS:
        webhook.recognises(document)
        list(webhook.failures(document))


def spoil(data, value, changes):
    """A value in which some members are replaced or left out."""
    if changes and data.draw(st.integers(0, 5)) == 0:
        return data.draw(SMALL)
    if isinstance(value, dict):
        kept = {name: it for name, it in value.items() if data.draw(st.integers(0, 9)) > 0}
        return {name: spoil(data, it, changes=True) for name, it in kept.items()}
    if isinstance(value, list):
        return [spoil(data, it, changes=True) for it in value]
    if isinstance(value, str) and value.startswith("{"):
        return value[: data.draw(st.integers(0, len(value)))]
    return value


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=20)  # of each of forty documents
@given(data=st.data())
def test_a_spoilt_document_is_read_without_an_exception(name, data):
    document = spoil(data, SAMPLES[name], changes=False)

    for webhook in WEBHOOKS:
        webhook.recognises(document)
        for it in webhook.failures(document):
            texts = (it.recipient, it.sender, it.host, it.address, it.words, *it.reply)
            assert all(text is None or text.isprintable() for text in texts)


def overgrown(value):
    if isinstance(value, dict):
        return {name: overgrown(it) for name, it in value.items()}
    if isinstance(value, list):
        return [overgrown(it) for it in value]
    return (
        f"{value} {HUGE}" if isinstance(value, str) and " " in value and not value.startswith("{") else value
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_huge_texts_are_cut_and_soon_read(name):
    document = overgrown(SAMPLES[name])
    begun = time.process_time()

    found = failures(document)

    assert time.process_time() - begun < 5
    assert all(len(str(dataclasses.astuple(it))) < 60_000 for it in found)


@pytest.mark.parametrize("name", ["sendgrid-events", "sparkpost-batch", "ses-others"])
def test_a_batch_of_thousands_is_read_to_its_end(name):
    batch = SAMPLES[name]
    begun = time.process_time()

    found = failures(batch * 1000)

    assert time.process_time() - begun < 20
    assert len(found) == 1000 * len(failures(batch))


def test_what_is_nested_in_strings_is_followed_no_deeper_than_carriers_go():
    document = SAMPLES["ses-bounce"]
    for _ in range(6):
        document = {"Message": document}
    deep = document
    for _ in range(20):
        deep = {"Message": deep}

    assert failures(document)
    assert failures(deep) == []


def test_a_string_with_endless_nesting_in_it_is_nothing():
    hostile = {"Type": "Notification", "Message": '{"eventType":' * 100_000}

    assert failures(hostile) == []
