"""eventlet: in processes that it has patched, and used by name. What it shares with gevent is in green_suite.py."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(not find_spec("eventlet"), reason="eventlet is not installed")

CHILD = """
import warnings; warnings.simplefilter("ignore")
import eventlet; eventlet.monkey_patch()
import smtplib
def send():
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.sendmail("bob@app.example", ["sales@shop.example"], "Subject: hi\\r\\n\\r\\nhello\\r\\n")
for greenlet in [eventlet.spawn(send) for _ in range(5)]:
    greenlet.wait()
"""


@pytest.mark.parametrize(
    ("patched", "greendns", "counts"),
    [
        (True, "yes", {"passed": 30}),
        (True, "no", {"passed": 30}),
        (False, "yes", {"passed": 19, "skipped": 11}),
    ],
)
def test_greenlets_are_in_the_net(green, patched, greendns, counts):
    without = "no" if greendns == "yes" else "yes"

    green("eventlet", patched=patched, EVENTLET_NO_GREENDNS=without).assert_outcomes(**counts)


def test_a_child_that_patches_itself_delivers(mailnet, delivered):
    mailnet.include_children()

    done = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=25, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    delivered(5)
