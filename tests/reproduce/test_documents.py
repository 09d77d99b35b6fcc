"""What is found, as entries of a provider's file: each reply once, each by a name of its own."""

from __future__ import annotations

import dataclasses
import tomllib

import pytest

from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.reproduce import Recogniser
from pytest_mailnet.reproduce.as_document import as_toml


@pytest.fixture
def entries(failure):
    """The entries for some replies to the same command."""
    recogniser = Recogniser(catalogue_with())

    def write(*replies):
        failures = [dataclasses.replace(failure, reply=(it,)) for it in replies]
        return tomllib.loads("\n".join(as_toml(map(recogniser.recognise, failures)))).get("replies", {})

    return write


def test_the_same_reply_is_written_once(entries):
    assert len(entries("550 5.1.1 Nobody of that name", "550 5.1.1 Nobody of that name")) == 1


def test_replies_that_mean_the_same_have_numbered_names(entries):
    assert list(entries("550 5.1.1 Nobody of that name", "550 5.1.1 Nobody here", "550 5.1.1 Gone away")) == [
        "user_unknown",
        "user_unknown_2",
        "user_unknown_3",
    ]
