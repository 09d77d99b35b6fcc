"""What the tests of applications share."""

from __future__ import annotations

import gc
import warnings

import pytest


@pytest.fixture
def leaves_a_socket():
    """For an application that leaves a connection to the garbage collector: it comes here, and in no later test."""
    # pytest puts the filters back after each test.
    warnings.filterwarnings("ignore", "unclosed (<|transport|resource)", ResourceWarning)
    yield
    gc.collect()
