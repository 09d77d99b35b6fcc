"""The table of rules and families, which knows them without importing them."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module, resources

import pytest

from pytest_mailnet.rules import FAMILIES, RULES, Rule, family_of, name_of

NO_FAMILY = {"__init__", "rule", "auth", "counting"}
MODULES = [
    it.name.removesuffix(".py")
    for it in resources.files("pytest_mailnet.rules").iterdir()
    if it.name.endswith(".py") and it.name.removesuffix(".py") not in NO_FAMILY
]


@pytest.mark.parametrize("module", MODULES)
def test_the_table_has_every_rule_of_a_module(module):
    found = import_module(f"pytest_mailnet.rules.{module}")

    rules = [getattr(found, it) for it in found.__all__]
    names = [name_of(it) for it in rules if isinstance(it, type) and issubclass(it, Rule)]

    assert names
    assert [RULES[it].__module__ for it in names] == [found.__name__] * len(names)
    assert sorted(FAMILIES[family_of(names[0])]) == sorted(names)


def test_every_name_in_the_table_is_a_rule_s():
    assert [name_of(rule) for rule in RULES.values()] == list(RULES)
    assert [family_of(rule) for rule in RULES.values()] == [family_of(name) for name in RULES]


def test_a_family_is_imported_with_the_first_of_its_rules_that_is_asked_for():
    code = (
        "import sys; from pytest_mailnet.rules import RULES; "
        "assert 'greylisting' in RULES and not [it for it in sys.modules if it.endswith('.greylisting')]; "
        "RULES['greylisting']; assert 'pytest_mailnet.rules.greylisting' in sys.modules; "
        "assert 'pytest_mailnet.rules.tarpit' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
