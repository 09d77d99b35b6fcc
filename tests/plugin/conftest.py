"""What the tests of the plugin's options share."""

from __future__ import annotations

import pytest

from pytest_mailnet import MailNet, NoNamespace


@pytest.fixture(scope="module")
def namespaces() -> None:
    """Skips where there are none."""
    try:
        with MailNet() as net:
            net.process()
    except NoNamespace as reason:
        pytest.skip(str(reason))
