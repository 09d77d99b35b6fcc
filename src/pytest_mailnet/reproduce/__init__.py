"""Turns failures from production into tests: recognises them, plans a net for each, and writes the test."""

from __future__ import annotations

from pytest_mailnet.reproduce.anonymise import Anonymity
from pytest_mailnet.reproduce.as_document import as_json, as_toml
from pytest_mailnet.reproduce.as_test import as_test
from pytest_mailnet.reproduce.as_text import as_text
from pytest_mailnet.reproduce.match import Recognised, Recogniser
from pytest_mailnet.reproduce.plan import Plan, plan_for

__all__ = [
    "Anonymity",
    "Plan",
    "Recognised",
    "Recogniser",
    "as_json",
    "as_test",
    "as_text",
    "as_toml",
    "plan_for",
]
