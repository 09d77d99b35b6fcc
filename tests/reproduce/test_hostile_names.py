"""What evidence says is shown in every form, and steers no terminal."""

from __future__ import annotations

import ast
import dataclasses
import json
import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.failure import NoFailure
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.reproduce import Recogniser, as_test, plan_for
from pytest_mailnet.reproduce.as_document import as_json, as_toml
from pytest_mailnet.reproduce.as_text import as_text
from pytest_mailnet.values import Stage

CATALOGUE = catalogue_with()
RECOGNISER = Recogniser(CATALOGUE)
STEERING = 'a\x1b]0;owned\x07\x1b[2J\x7f\x9b2J\u202e\u2028\U000e0001\ud800\n"""\\\\'


def failures(**more):
    return st.builds(
        Failure,
        recipient=st.text(),
        sender=st.text(),
        host=st.text(),
        file=st.text(),
        words=st.text(),
        stage=st.just(Stage.RCPT),
        **more,
    )


HOSTILE = Failure(
    recipient=STEERING, sender=STEERING, host=STEERING, file=STEERING, words=STEERING, stage=Stage.RCPT
)


@given(failure=failures())
@example(failure=HOSTILE)
def test_a_text_is_printable_line_by_line(failure):
    told = list(as_text([RECOGNISER.recognise(failure)]))

    assert all(line.isprintable() for line in told)


@given(failure=failures())
@example(failure=HOSTILE)
def test_json_is_printable_and_says_the_same(failure):
    told = "".join(as_json([RECOGNISER.recognise(failure)]))

    assert all(line.isprintable() for line in told.split("\n"))
    assert json.loads(told)[0]["recipient"] == failure.recipient


@given(failure=failures(reply=st.just(("550 5.1.1 No",))))
@example(failure=dataclasses.replace(HOSTILE, reply=("550 5.1.1 No",)))
def test_toml_is_printable_and_says_the_same(failure):
    told = "\n".join(as_toml([RECOGNISER.recognise(failure)]))

    assert all(line.isprintable() for line in told.split("\n"))
    [entry] = tomllib.loads(told)["replies"].values()
    assert entry["source"] == failure.file.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@given(failure=failures())
@example(failure=HOSTILE)
def test_a_written_test_is_printable_and_its_docstring_too(failure):
    plan = plan_for(RECOGNISER.recognise(failure), CATALOGUE)

    written = "\n".join(as_test([plan]))

    assert all(line.isprintable() for line in written.split("\n"))
    docstring = ast.get_docstring(ast.parse(written).body[-1])
    assert all(line.isprintable() for line in docstring.split("\n"))


@pytest.mark.parametrize("name", [STEERING, "bounce.eml"])
def test_a_file_without_a_failure_is_named_in_one_printable_line(name):
    assert str(NoFailure(name, "a mail", "no bounce")).isprintable()
