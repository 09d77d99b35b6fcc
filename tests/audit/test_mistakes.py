"""The mistakes of applications that send mail: each is found, with its smallest case, and nothing right is blamed."""

from __future__ import annotations

import pytest

SENDING = """\
    fates = attempt(sender, left, message) if left else {}
    SENT.update((message, to) for to, fate in fates.items() if fate == "sent")
"""
PARTING = """\
    with contextlib.suppress(OSError):
        client.quit()
"""
MISTAKES = {
    "marks before it sends": (
        {
            SENDING: """\
    SENT.update((message, to) for to in left)
    fates = attempt(sender, left, message) if left else {}
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
    fates = attempt(sender, left, message) if left else {}
    if "deferred" in fates.values():
        fates = attempt(sender, recipients, message)
    SENT.update((message, to) for to, fate in fates.items() if fate == "sent")
"""
        },
        "duplicated",
        "one-of-two-450-at-rcpt",
    ),
    "takes an error of QUIT for a failure": (
        {PARTING: "    client.quit()\n"},
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


def test_a_case_is_played_again(audit, right):
    audited = audit(right.replace(PARTING, "    client.quit()\n"), "--case", "closed-at-quit")

    assert audited.status == 1
    assert audited.out.splitlines()[2:] == [
        "duplicated  closed-at-quit",
        "  wrong        servers took the mail to alice@shop.example 2 times, though the application got a yes before",
        "  what happens the server closes the connection in place of the reply at QUIT",
        "  it said      raised SMTPServerDisconnected: Connection unexpectedly closed",
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
