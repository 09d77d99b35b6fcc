"""What the examples' own suites cannot hold, since they run with the project's ini file."""

from __future__ import annotations

import shutil
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_the_ini_file_of_the_example_has_its_provider_found(pytester):
    for name in ("pyproject.toml", "shopmail.toml", "shopmail.reading.toml"):
        shutil.copy(EXAMPLES / "own_provider" / name, pytester.path)
    pytester.makepyfile(
        """
        def test_provider(mailnet):
            assert list(mailnet.provider("shopmail").domains) == ["shop.example"]
            assert mailnet.host("imap.shopmail.example").addresses
        """
    )

    pytester.runpytest_inprocess().assert_outcomes(passed=1)
