"""The reply type: what it reads is what it writes."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.errors import InvalidReply
from pytest_mailnet.values import Reply, literal

CODES = st.builds(
    lambda first, second, third: int(f"{first}{second}{third}"),
    st.integers(2, 5),
    st.integers(0, 5),
    st.integers(0, 9),
)
TEXTS = st.text(alphabet=string.printable[:95].replace("{", ""), max_size=60).filter(
    lambda text: not text[:3].isdigit()
)
ENHANCED = st.none() | st.builds(
    lambda kind, subject, detail: f"{kind}.{subject}.{detail}",
    st.sampled_from("245"),
    st.integers(0, 999),
    st.integers(0, 999),
)


@given(CODES, st.lists(TEXTS, min_size=1, max_size=5), ENHANCED)
def test_a_reply_is_read_back_from_what_it_is_on_the_wire(code, lines, enhanced):
    if enhanced is None:
        lines = [line for line in lines if not line[:1].isdigit()] or ["x"]
    reply = Reply(code, tuple(lines), enhanced)

    again = Reply.parse(reply.wire().decode())

    assert again == reply


@given(st.text(max_size=80))
def test_a_text_is_a_reply_or_is_refused_with_a_reason(text):
    try:
        reply = Reply.parse(text)
    except InvalidReply as error:
        assert str(error)  # noqa: PT017  # most texts are none
    else:
        assert reply.wire().endswith(b"\r\n")
        assert all(line[:3] == str(reply.code).encode() for line in reply.wire().split(b"\r\n")[:-1])


def test_lines_without_a_code_continue_the_reply():
    reply = Reply.parse("550 5.1.1 No such user\nhere or elsewhere")

    assert reply.wire() == b"550-5.1.1 No such user\r\n550 5.1.1 here or elsewhere\r\n"


def test_a_space_at_a_line_s_begin_or_end_is_kept():
    reply = Reply.parse("550-5.1.1 Learn more at \r\n550 5.1.1  https://support.example/")

    assert reply.wire() == b"550-5.1.1 Learn more at \r\n550 5.1.1  https://support.example/\r\n"


@given(st.text(alphabet="{}ipqueue_id ", max_size=20))
def test_what_is_literal_has_no_variables(text):
    reply = Reply.parse(f"550 5.7.1 Client {literal(text)} is blocked")

    assert reply.wire(lambda _: "192.0.2.1").decode() == f"550 5.7.1 Client {text} is blocked\r\n"


def test_a_value_is_not_looked_through_for_variables():
    reply = Reply.parse("550 5.1.1 <{recipient}>: {ip} {{ip}}")

    said = reply.wire({"recipient": "{ip}@shop.example", "ip": "192.0.2.1"}.__getitem__)

    assert said == b"550 5.1.1 <{ip}@shop.example>: 192.0.2.1 {ip}\r\n"


def test_a_421_closes_and_another_does_so_when_told():
    assert Reply.parse("421 4.7.0 Later").closes
    assert not Reply.parse("450 4.7.0 Later").closes
    assert Reply.parse("450 4.7.0 Later", closes=True).closes


@pytest.mark.parametrize("code", [100, 199, 260, 600, 5500])
def test_a_code_is_three_digits_of_the_usual_ranges(code):
    with pytest.raises(InvalidReply, match="is no reply code"):
        Reply(code)


@pytest.mark.parametrize("code", [200, 359, 400, 571, 599])
def test_a_refusal_may_have_a_second_digit_that_real_servers_use(code):
    assert Reply.parse(f"{code} No").code == code


@pytest.mark.parametrize("enhanced", ["5", "5.1", "3.1.1", "5.1.1.1", "5.1.1 "])
def test_an_enhanced_status_code_has_three_parts(enhanced):
    with pytest.raises(InvalidReply, match="is no enhanced status code"):
        Reply(550, ("x",), enhanced)
