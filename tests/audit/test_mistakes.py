"""The mistakes of applications that send mail: each is found, with its smallest case, and nothing right is blamed."""

from __future__ import annotations

import re

import pytest

SENDING = """\
    if left:
        remember(message, attempt(sender, left, message))
"""
PARTING = """\
    with contextlib.suppress(OSError):
        client.quit()
"""
MISTAKES = {
    "marks before it sends": (
        {
            SENDING: """\
    remember(message, dict.fromkeys(left, "sent"))
    if left:
        attempt(sender, left, message)
"""
        },
        "lost",
        "dns-servfail",
    ),
    "swallows a 421": (
        {'"sent" if code == 250': '"sent" if code in (250, 421)'},
        "lost",
        "421-at-data",
    ),
    "has no time-out": ({"TIMEOUT = 60": "TIMEOUT = None"}, "hung", "stalled-at-connect"),
    "retries a 550": (
        {'"failed" if code >= 500 and code != 552 else "deferred"': '"deferred"'},
        "told wrong",
        "550-at-rcpt",
    ),
    "retries a 550 at once": (
        {
            "        code, _ = client.rcpt(to)\n": """\
        for _ in range(3):
            code, _ = client.rcpt(to)
            if code < 400:
                break
"""
        },
        "repeated",
        "550-at-rcpt",
    ),
    "sends to all again after one refusal": (
        {
            SENDING: """\
    if left:
        fates = attempt(sender, left, message)
        if "deferred" in fates.values():
            fates = attempt(sender, recipients, message)
        remember(message, fates)
"""
        },
        "duplicated",
        "one-of-two-450-at-rcpt",
    ),
    "takes an error of QUIT for a failure": (
        {
            "        return transact(client, sender, recipients, message)\n": """\
        fates = transact(client, sender, recipients, message)
        client.quit()
        return fates
"""
        },
        "duplicated",
        "closed-at-quit",
    ),
    "uses a dead connection again": (
        {
            "    client = smtplib.SMTP(host, 25, timeout=TIMEOUT)\n": """\
    if host in OPEN:
        return OPEN[host]
    client = OPEN[host] = smtplib.SMTP(host, 25, timeout=TIMEOUT)
""",
            PARTING: "    pass\n",
            "TIMEOUT = 60": "TIMEOUT = 60\nOPEN = {}",
        },
        "lost",
        "idle-connection",
    ),
}


SUITE = """
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

import app
from pytest_mailnet.strategies import replies, schedules

TO = ["alice@shop.example", "bob@shop.example"]
# Without the phase that explains a failure, which takes ten times as long as finding it.
often = settings(
    max_examples=100,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

@pytest.fixture(autouse=True)
def forgetting():
    forget()

def forget():
    app.FATES.clear()
    getattr(app, "OPEN", {}).clear()

def believed(tries=4):
    "What the application says in the end, to a caller who calls it again for what it says is deferred."
    for _ in range(tries):
        try:
            fates = app.deliver("app@sender.example", TO, b"Message-ID: <1@b>\\r\\n\\r\\nhi\\r\\n")
        except OSError:
            fates = dict.fromkeys(TO, "deferred")
        if "deferred" not in fates.values():
            break
    return {("1@b", to): fate for to, fate in fates.items()}

@pytest.mark.mailnet_crashes
def test_deaths(mailnet, mailnet_crash):
    mailnet.add_server("mx.shop.example", domain="shop.example")

    told = mailnet_crash.call(believed)

    assert mailnet.account_for(told)
    assert set(told.values()) == {"sent"}

@pytest.mark.mailnet_faults
def test_faults(mailnet, mailnet_fault):
    if mailnet_fault.stage in {"starttls", "auth", "rset", "noop"}:
        pytest.skip("it does not come there")
    mailnet.clock.compress()
    mailnet.add_server("mx.shop.example", domain="shop.example")
    mailnet.fail("shop.example", mailnet_fault, times=1)

    told = believed()

    assert mailnet.account_for(told)
    assert set(told.values()) == {"sent"}

@often
@given(schedules(3, kind="connection"))
def test_schedules(make_mailnet, schedule):
    forget()
    with make_mailnet(strict=False) as net:
        net.clock.compress()
        net.add_server("mx.shop.example", domain="shop.example")
        net.fail("shop.example", schedule)

        told = believed()

        assert net.account_for(told)
        assert set(told.values()) == {"sent"}

@often
@given(st.sampled_from(["mail", "rcpt", "data", "message"]), replies())
def test_refusals(make_mailnet, stage, reply):
    forget()
    with make_mailnet(strict=False) as net:
        shop = net.add_server("mx.shop.example", domain="shop.example")
        answers = shop.on_rcpt(TO[1]) if stage == "rcpt" else getattr(shop, f"on_{stage}")()
        answers.reply(reply).times(1)

        told = believed()

        assert net.account_for(told)
        assert told["1@b", TO[1]] == ("failed" if reply.code >= 500 and reply.code != 552 else "sent")
"""


def test_an_application_that_is_right_is_not_blamed(audit, right):
    audited = audit(right, "--examples", "20")

    assert audited.out.splitlines()[-3].startswith("right  ")
    assert (audited.status, audited.err, audited.found["mistakes"]) == (0, "", [])
    assert {it["verdict"] for it in audited.found["cases"]} == {"right", "duplicates possible"}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_smallest_case_shows_a_mistake(audit, right, mistake):
    changes, verdict, smallest = MISTAKES[mistake]

    audited = audit(_mistaken(right, changes), "--case", smallest)

    assert audited.status == 1
    assert audited.found["mistakes"] == [smallest]
    assert audited.case(smallest)["verdict"] == verdict


@pytest.mark.parametrize("mistake", ["marks before it sends", "uses a dead connection again"])
def test_an_audit_tells_the_smallest_case_of_a_mistake_first(audit, right, mistake):
    changes, verdict, smallest = MISTAKES[mistake]

    audited = audit(_mistaken(right, changes))

    assert audited.status == 1
    assert audited.found["mistakes"] == [smallest]
    assert audited.out.splitlines()[2] == f"{verdict}  {smallest}"
    assert f"mailnet audit app.py:deliver --case {smallest}\n" in audited.out


BY_MARKS = {
    "marks before it sends": ("test_faults[dns-servfail]", None),
    "swallows a 421": ("test_refusals", "stage='data',*421,"),
    "has no time-out": ("test_faults[stalled-at-connect]", None),
    "retries a 550": ("test_refusals", "550,"),
    "retries a 550 at once": ("test_refusals", "stage='rcpt',*550,"),
    "sends to all again after one refusal": ("test_refusals", "stage='rcpt',*450,"),
    "takes an error of QUIT for a failure": ("test_schedules", "FaultSchedule('closed-at-quit')"),
    "uses a dead connection again": ("test_faults[closed-at-rcpt]", None),
}
"""The test of the suite that finds a mistake, and the smallest case as it prints it, if its id does not say."""


def test_marks_do_not_blame_an_application_that_is_right(pytester, right):
    result = _suite(pytester, right)

    result.assert_outcomes(passed=131, skipped=55)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_marks_find_a_mistake_by_its_smallest_case(pytester, right, mistake):
    found_by, smallest = BY_MARKS[mistake]

    result = _suite(pytester, _mistaken(right, MISTAKES[mistake][0]), f"test_app.py::{found_by}")

    result.assert_outcomes(failed=1)
    shown = re.split("Falsifying example|Failing test case", result.stdout.str())[-1]
    where = 0
    for part in smallest.split("*") if smallest else ():
        where = shown.index(part, where)


def test_the_mark_of_crashes_tells_what_is_lost(pytester, right):
    mistaken = _mistaken(right, MISTAKES["marks before it sends"][0])

    result = _suite(pytester, mistaken, "-k", "deaths")

    result.stdout.fnmatch_lines(
        ["*test_deaths: 18 places, *15 lost", "  lost  *1: look-up MX shop.example, said"]
    )


def test_a_case_is_played_again(audit, right):
    changes, _, _ = MISTAKES["takes an error of QUIT for a failure"]

    audited = audit(_mistaken(right, changes), "--case", "closed-at-quit")

    assert audited.status == 1
    assert audited.out.splitlines()[2:] == [
        "duplicated  closed-at-quit",
        "  wrong        servers took the mail to alice@shop.example 2 times, though the application got a yes before",
        "  what happens the server closes the connection in place of the reply at QUIT",
        "  it said      returned {'alice@shop.example': 'deferred'}",
        "               returned {'alice@shop.example': 'sent'}",
        "  servers took a mail to alice@shop.example in call 1",
        "               a mail to alice@shop.example in call 2",
        "  again        mailnet audit app.py:deliver --case closed-at-quit",
        "",
        "right  0 cases of 1",
        "  quit 0 of 1",
    ]


def test_a_search_ends_in_the_smallest_schedule(audit):
    # Wrong only where two calls in a row have failed.
    application = """
import smtplib

FAILED = []

def deliver(sender, recipient, message):
    try:
        client = smtplib.SMTP("mx.shop.example", 25, timeout=60)
        try:
            client.sendmail(sender, [recipient], message)
        finally:
            client.close()
    except OSError:
        FAILED.append(1)
        if len(FAILED) == 1:
            raise
"""

    audited = audit(application, "--examples", "40")

    assert audited.status == 1
    assert audited.found["mistakes"] == ["421-at-connect,421-at-connect"]
    assert audited.case("421-at-connect,421-at-connect")["verdict"] == "lost"


def _mistaken(right, changes):
    for text, instead in changes.items():
        assert text in right
        right = right.replace(text, instead)
    return right


def _suite(pytester, application, *words):
    """Run a suite with all marks and strategies for an application."""
    pytester.makepyfile(app=application, test_app=SUITE)
    return pytester.runpytest_subprocess("-p", "no:xdist", *words)
