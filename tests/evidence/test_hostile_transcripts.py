"""Transcripts that are cut, mixed up, or made to take time: each ends in failures or none, and soon."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.transcripts import TRANSCRIPTS

SAMPLES = Path(__file__).parent / "transcripts"
BEGINNINGS = (
    "...",
    "Traceback (most recent call last):",
    '  File "smtplib.py", line 1, in rcpt',
    "334 x",
    ".",
)
LINES_OF_TRANSCRIPTS = st.sampled_from(
    [*(line for it in SAMPLES.glob("*.txt") for line in it.read_text("utf-8").splitlines()), *BEGINNINGS]
)


@given(st.lists(LINES_OF_TRANSCRIPTS | st.text(max_size=60), max_size=40))
def test_lines_in_any_order_end_in_failures_or_a_word(lines):
    text = "\n".join(lines)

    assert all(it.recognises(text) in {True, False} for it in TRANSCRIPTS)
    assert all(isinstance(failure, Failure) for it in TRANSCRIPTS for failure in it.failures(lines))


@pytest.mark.parametrize(
    "line",
    [
        *("(" * 65536, "(550, '" + "\\" * 65000, "{'a@b': (550, b'" * 4000, "SMTPDataError: (" * 4000),
        *("reply: b'" + "550-" * 16000, "send: '" + "a\\r\\n" * 13000, "0A0B0C0D:error:" + "connect" * 9000),
        *(">>> " + "rcpt(" * 13000, " " * 65536, "a." * 32000, "Connection to " + "x " * 32000, "[" * 65536),
    ],
    ids=range(12),
)
def test_hostile_lines_take_no_time(line):
    began = time.process_time()

    for it in TRANSCRIPTS:
        it.recognises(line)
        list(it.failures([">>> server.rcpt('a@b.example')", "(550, 'x", *[line] * 20]))

    assert time.process_time() - began < 5
