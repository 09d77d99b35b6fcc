"""What a rule is made of: the settings of a provider's file, which do not change."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_mailnet.rules import When
from pytest_mailnet.rules.reputation import LowReputation
from pytest_mailnet.rules.reverse_dns import NoPtr
from pytest_mailnet.rules.rule import RefusingRule
from pytest_mailnet.values import Stage


def test_a_rule_has_its_settings_and_the_defaults_of_its_class():
    rule = NoPtr(reply="no_reverse")

    assert (rule.reply, rule.stage, rule.when) == ("no_reverse", Stage.MESSAGE, When.ALWAYS)
    assert [it.name for it in dataclasses.fields(rule)] == ["stage", "when", "reply"]


def test_a_rule_does_not_change():
    rule = NoPtr()

    with pytest.raises(dataclasses.FrozenInstanceError, match="'reply'"):
        rule.reply = "other"
    with pytest.raises(dataclasses.FrozenInstanceError, match="'reply'"):
        del rule.reply


def test_two_rules_are_the_same_only_if_they_are_one():
    assert NoPtr() != NoPtr()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: NoPtr(replies="x"), "NoPtr takes stage, when, reply, not replies"),
        (type("Own", (RefusingRule,), {"decide": None}), "Own takes stage=..."),
    ],
)
def test_a_setting_that_is_missing_or_unknown_is_an_error(make, told):
    with pytest.raises(TypeError, match=told):
        make()


def test_the_check_of_a_class_is_made():
    with pytest.raises(ValueError, match="is_as: 'good'"):
        LowReputation(is_as="good")
