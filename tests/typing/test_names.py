"""The names that are types: the same as those of the data."""

from __future__ import annotations

from pathlib import Path

import pytest

_WRITER = Path(__file__).with_name("write_names.py")


def test_the_names_that_are_types_are_those_of_the_data(script):
    writer = script(_WRITER)
    text = writer.names_text()

    if writer.FILE.read_text("utf-8") != text:
        pytest.fail(f"{writer.FILE} is to be (python tests/typing/write_names.py writes it):\n\n{text}")
