"""Frozen values with fields: what they take, and that they do not change."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import pytest

from pytest_mailnet.handles.frozen_fields import FrozenFields


class Address(FrozenFields):
    kinds: ClassVar[int] = 1

    local: str
    domain: str = "shop.example"


class Checked(Address):
    tag: str = ""

    def __post_init__(self):
        if self.tag == "@":
            raise ValueError("tag")


def test_it_has_its_fields_and_the_defaults_of_its_class():
    value = Checked(local="alice", tag="x")

    assert (value.local, value.domain, value.tag) == ("alice", "shop.example", "x")
    assert [it.name for it in dataclasses.fields(value)] == ["local", "domain", "tag"]
    assert dataclasses.replace(value, tag="y").tag == "y"
    assert repr(value) == "Checked(local='alice', domain='shop.example', tag='x')"


def test_it_does_not_change():
    value = Address(local="alice")

    with pytest.raises(dataclasses.FrozenInstanceError, match="'local'"):
        value.local = "bob"
    with pytest.raises(dataclasses.FrozenInstanceError, match="'local'"):
        del value.local


def test_two_are_the_same_only_if_they_are_one():
    one = Address(local="alice")

    assert one == one  # noqa: PLR0124
    assert one != Address(local="alice")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, r"Address takes local=\.\.\."),
        ({"local": "alice", "kinds": 2}, "Address takes local, domain, not kinds"),
    ],
)
def test_a_field_that_is_missing_or_unknown_is_an_error(settings, told):
    with pytest.raises(TypeError, match=told):
        Address(**settings)


def test_the_check_of_a_class_is_made():
    with pytest.raises(ValueError, match="tag"):
        Checked(local="alice", tag="@")
