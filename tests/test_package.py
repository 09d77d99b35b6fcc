"""What the package says where somebody mistypes a name of it, or has not installed what a name takes."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

import pytest_mailnet
from pytest_mailnet.errors import MissingExtra, UnknownExport
from pytest_mailnet.senders.dkim_key import DkimKey

MAIL = b"DKIM-Signature: v=1\r\nFrom: bob@b.example\r\nSubject: hi\r\n\r\nhello\r\n"


def test_a_class_that_the_package_does_not_have_is_told_with_its_near_misses():
    with pytest.raises(UnknownExport) as raised:
        pytest_mailnet.Mesage  # noqa: B018

    assert str(raised.value).startswith("pytest_mailnet has no 'Mesage' (did you mean 'Message'")


def test_other_names_are_missing_as_in_any_module():
    with pytest.raises(AttributeError, match="module 'pytest_mailnet' has no attribute 'nowhere'"):
        pytest_mailnet.nowhere  # noqa: B018


@pytest.mark.parametrize(
    ("library", "use", "told"),
    [
        (
            "dkim",
            lambda _: DkimKey("shop.example", "s1", "").sign(MAIL),
            "signing a message takes dkimpy: pip install 'pytest-mailnet[auth]'",
        ),
    ],
)
def test_what_an_extra_brings_is_told_where_it_is_missing(mailnet, monkeypatch, library, use, told):
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(MissingExtra) as raised:
        use(mailnet)

    assert str(raised.value) == told
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301
    assert (type(again), str(again)) == (MissingExtra, told)


SPF = """
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.rules.auth.spf import check_spf
check_spf(Resolver(), "203.0.113.7", "bob@b.example", "app.b.example")
"""


@pytest.mark.parametrize(
    ("library", "use", "told"),
    [
        (
            "hypothesis",
            "import pytest_mailnet.strategies",
            "pytest_mailnet.strategies takes hypothesis: pip install 'pytest-mailnet[hypothesis]'",
        ),
        ("spf", SPF, "SPF takes pyspf: pip install 'pytest-mailnet[auth]'"),
        # Of a run that has made its key already nothing is missing.
        (
            "cryptography.hazmat.primitives",
            "from pytest_mailnet import MailNet; MailNet().sender.publish('shop.example')",
            "making a DKIM key takes cryptography: pip install 'pytest-mailnet[auth]'",
        ),
    ],
    ids=["strategies", "SPF", "DKIM"],
)
def test_what_an_extra_brings_is_told_in_a_process_that_has_never_had_it(library, use, told):
    code = f"import sys; sys.modules[{library!r}] = None\n{use}"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(f"MissingExtra: {told}")
