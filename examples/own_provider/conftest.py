"""Lets the suite import `notices` from its folder, and find the provider where another ini file is read."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


@pytest.fixture(scope="session")
def mailnet_config(mailnet_config):
    """The settings of the ini file; where that is one for many suites, with the provider of this one."""
    return mailnet_config if mailnet_config.providers else mailnet_config.but(providers=(HERE,))
