"""What explains a failure ends in time, whatever the evidence is."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.passages import Passages, Tape
from pytest_mailnet.evidence.sources import EvidenceSource
from pytest_mailnet.reproduce.explain import Explanation
from pytest_mailnet.values import Stage

BOUNCE = (
    "From: MAILER-DAEMON@relay.example\nTo: bob@sender.example\nSubject: failure notice\n"
    "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n"
    "Hi. This is the qmail-send program at relay.example.\n\n"
    "<alice@shop.example>:\n192.0.2.8 does not like recipient.\n"
    "Remote host said: 550 5.1.1 No such user\nGiving up on 192.0.2.8.\n"
)
FAILURE = Failure(
    recipient="alice@shop.example",
    sender="bob@sender.example",
    host="mx.shop.example",
    address="192.0.2.8",
    stage=Stage.RCPT,
    reply=("550-5.1.1 > > - - ' ' ( ( - - > > no", "550 5.1.1 user"),
    status="5.1.1",
)


def explained(failure: Failure, text: str) -> list[str]:
    return list(Explanation(100).of(failure, Passages(text)))


@given(st.data())
def test_a_spoilt_bounce_is_explained(data):
    content = bytearray(BOUNCE.encode())
    for _ in range(data.draw(st.integers(1, 20))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=20))
    tape = Tape(io.BytesIO(content))

    for outcome in outcomes_of(EvidenceSource("evidence", 0, lambda: tape)):
        if isinstance(outcome, Failure):
            assert all(line.isprintable() for line in Explanation(100).of(outcome, tape.passages))


@pytest.mark.parametrize(
    "text",
    [
        "alice@shop.example " * 30_000,
        "alice@shop.example 550 5.1.1\n" * 30_000,
        "550-5.1.1 " + "> " * 150_000,
        "550-5.1.1 " + "- ' ( > " * 60_000,
        "Content-Transfer-Encoding: base64\n\n" * 3_000 + "=" * 100_000,
        '{"a":' * 100_000,
        "[" + '{"a": "alice@shop.example"},' * 50_000 + "{}]",
        "\n" * 300_000,
    ],
    ids=lambda it: it[:20],
)
def test_hostile_evidence_is_explained_in_time(text):
    began = time.process_time()

    assert explained(FAILURE, text)

    assert time.process_time() - began < 5


def test_the_place_is_that_where_most_of_the_values_stand():
    text = "to alice@shop.example\n" * 3 + "\n" * 5000 + "alice@shop.example: 550 5.1.1 user at 192.0.2.8\n"

    rows = explained(Failure(recipient="alice@shop.example", reply=("550 5.1.1 user",)), text)

    assert [row.split("  ")[-2] for row in rows] == ["5004", "5004"]


def test_the_next_failure_is_looked_for_behind_the_one_before():
    names = ("alice", "carl", "alice")
    passages = Passages("".join(f"{it}@shop.example: 550 5.1.1 user{chr(10) * 3000}" for it in names))
    explanation = Explanation(80)

    rows = [
        next(explanation.of(Failure(recipient=f"{it}@shop.example", reply=("550 5.1.1 user",)), passages))
        for it in names
    ]

    assert [row.split("  ")[-2] for row in rows] == ["1", "3001", "6001"]
