"""SMTP replies, stages and troubles as they stand in running text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.replies import enhanced_of, reply_in
from pytest_mailnet.evidence.stages import STAGE_SIGNS, inferred_stage, named_stage, stage_of_status
from pytest_mailnet.faults import FAULTS
from pytest_mailnet.values import Reply, Stage


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("550 5.1.1 No", ("550 5.1.1 No",)),
        ("550-5.1.1 No 550-5.1.1 such 550 5.1.1 user", ("550-5.1.1 No", "550-5.1.1 such", "550 5.1.1 user")),
        (
            "550-5.1.1 No\n    550-5.1.1 such\n  550 5.1.1 user",
            ("550-5.1.1 No", "550-5.1.1 such", "550 5.1.1 user"),
        ),
        ("550-No 550 5.1.1 user", ("550-No", "550 5.1.1 user")),
        ("550 a text that is\n folded", ("550 a text that is folded",)),
        ("452 4.2.2  two spaces", ("452 4.2.2  two spaces",)),
        ("host mx[192.0.2.8] said: 421 4.7.0 Later", ("421 4.7.0 Later",)),
        ("Remote host said: 550: 5.2.2 Full", ("550 5.2.2 Full",)),
        ("#550 5.1.1 RESOLVER.ADR", ("550 5.1.1 RESOLVER.ADR",)),
        ("as 17 of 552 5.3.4 Too large", ("552 5.3.4 Too large",)),
        ("571 5.7.1 Not authorized", ("571 5.7.1 Not authorized",)),
    ],
)
def test_a_reply_is_found_to_the_letter(text, reply):
    assert reply_in(text) == reply


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing",
        "Thu, 29 Apr 2010 23:34:45 +0450",
        "it has 550 bytes",
        "550-1234-5678",
        "http://shop.example/550 is a page",
        "250 2.0.0 OK",
        "2026-03-09",
        "ABC550 def",
    ],
)
def test_what_is_no_refusal_is_not_taken_for_one(text):
    assert reply_in(text) == ()


@pytest.mark.parametrize(
    ("reply", "enhanced"),
    [
        (("550 5.1.1 No",), "5.1.1"),
        (("550-first", "550 5.7.26 second"), "5.7.26"),
        (("550 sorry, no mailbox here by that name (#5.1.1)",), "5.1.1"),
        (("550 [5.7.1] no",), "5.7.1"),
        (("550 of 192.0.2.1",), None),
        ((), None),
    ],
)
def test_an_enhanced_code_is_found_where_servers_put_it(reply, enhanced):
    assert enhanced_of(reply) == enhanced


@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from(["550", "-", " ", "5.1.1", "\n", "x", "421", ":"])).map("".join)
)
def test_what_is_found_is_a_reply_that_a_server_can_send(text):
    lines = reply_in(text)

    assert not lines or Reply.parse("\n".join(lines)).code >= 400


@pytest.mark.parametrize(
    ("command", "stage"),
    [
        ("RCPT TO:<alice@shop.example>", Stage.RCPT),
        ("MAIL FROM:<a@b.example> SIZE=9", Stage.MAIL),
        ("MAIL", Stage.MAIL),
        ("DATA", Stage.DATA),
        ("end of DATA", Stage.MESSAGE),
        ("sending end of data -- message may be sent more than once", Stage.MESSAGE),
        ("HELO", Stage.EHLO),
        ("receiving the initial server greeting", Stage.CONNECT),
        ("QUIT", None),
    ],
)
def test_a_stage_goes_by_what_programs_call_it(command, stage):
    assert named_stage(command) is stage


@pytest.mark.parametrize(
    ("reply", "stage"),
    [
        ("550 5.1.1 <a@b.example>: no", Stage.RCPT),
        ("550 5.1.8 no such domain", Stage.MAIL),
        ("552 5.2.2 full", Stage.RCPT),
        ("550 5.7.26 unauthenticated, see DMARC", Stage.MESSAGE),
        ("535 5.7.8 no", Stage.AUTH),
        ("554 5.7.1 message looks like spam", Stage.MESSAGE),
        ("550 relaying denied", Stage.RCPT),
        ("450 4.2.0 greylisted", Stage.RCPT),
        ("552 no", Stage.MESSAGE),
        ("421 too busy", Stage.CONNECT),
        ("554 5.7.1 your address is on a blocklist", Stage.CONNECT),
        ("550 something else", Stage.RCPT),
    ],
)
def test_a_stage_that_is_not_told_is_inferred_by_a_rule_that_is_named(reply, stage):
    inferred = inferred_stage((reply,))

    assert inferred is not None
    assert inferred[0] is stage
    assert inferred[1] in {rule.says for rule in STAGE_SIGNS}


def test_every_rule_decides_something():
    signs = {"its words are of a sender's address": "550 bad sender"}

    assert len({rule.says for rule in STAGE_SIGNS}) == len(STAGE_SIGNS)
    assert inferred_stage((signs["its words are of a sender's address"],)) == (
        Stage.MAIL,
        "its words are of a sender's address",
    )


def test_the_status_beside_a_reply_counts_where_the_reply_has_none():
    assert inferred_stage(("550 no",), "5.6.1") == (Stage.MESSAGE, "x.6.x are of the content (RFC 3463, 3.7)")
    assert inferred_stage((), "5.6.1") is None


def test_a_status_alone_tells_a_stage_if_it_is_of_one():
    assert stage_of_status("5.1.1") == (
        Stage.RCPT,
        "x.1.0 to x.1.6 are of the recipient's address (RFC 3463, 3.2)",
    )
    assert stage_of_status("5.4.1") is None
    assert stage_of_status(None) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("connect to mx.shop.example[192.0.2.8]:25: Connection timed out", "dropped-at-connect"),
        ("connect to mx.shop.example[192.0.2.8]:25: Connection refused", "refused-at-connect"),
        ("connect to mx.shop.example[192.0.2.8]:25: No route to host", "unreachable-at-connect"),
        ("Network is unreachable", "no-route-at-connect"),
        (
            "Host or domain name not found. Name service error for name=x type=MX: Host not found",
            "dns-nxdomain",
        ),
        ("Host not found, try again", "dns-servfail"),
        ("lost connection with mx[192.0.2.8] while sending RCPT TO", "closed-at-rcpt"),
        (
            "lost connection with mx[192.0.2.8] while sending end of data -- message may be sent",
            "closed-after-dot",
        ),
        ("conversation with mx timed out while sending message body", "stalled-in-content"),
        ("timed out while receiving the initial server greeting", "stalled-at-connect"),
        ("Connection reset by peer while sending MAIL FROM", "reset-at-mail"),
    ],
)
def test_what_went_wrong_goes_by_the_words_of_programs(text, fault):
    trouble = trouble_in(text)

    assert trouble is not None
    assert trouble.fault == fault
    assert fault in FAULTS


def test_where_a_connection_ended_is_not_guessed():
    assert trouble_in("Connection closed by remote host") == ("closed-at-connect", None)
    assert trouble_in("Connection closed by remote host", Stage.RCPT) == ("closed-at-rcpt", Stage.RCPT)


def test_a_message_that_timed_out_tells_of_no_connection():
    assert trouble_in("Unable to transfer, Message timed out") is None


@given(st.text(max_size=300))
def test_any_trouble_is_one_of_the_catalogue(text):
    trouble = trouble_in(text)

    assert trouble is None or trouble.fault in FAULTS
