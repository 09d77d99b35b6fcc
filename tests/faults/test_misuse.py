"""What a test can get wrong with faults, and what each mistake is told."""

from __future__ import annotations

import pytest

from pytest_mailnet.errors import InvalidSetting, ReadOnly, UnknownName

MISUSES = [
    (
        "host.fail('reset-at-rctp')",
        UnknownName,
        "no fault 'reset-at-rctp' (did you mean 'reset-at-rcpt' or 'reset-at-rset' or 'reset-at-select'?). `mailnet faults` lists them all.",
    ),
    (
        "host.fail('dns-servfail')",
        InvalidSetting,
        "mx.shop.example.fail('dns-servfail'): that happens to a domain, not to a host: mailnet.fail('shop.example', 'dns-servfail')",
    ),
    (
        "host.fail('reset-at-rcpt', times='1')",
        InvalidSetting,
        "fail('reset-at-rcpt', times='1'): a fault happens 1 time or more",
    ),
    (
        "host.fail('reset-at-rcpt'); host.fail('closed-at-rcpt', times=1)",
        InvalidSetting,
        "fail('closed-at-rcpt'): that would never happen, since 'reset-at-rcpt' was asked for first, for good: that takes times=1, .end() or .accept_connections() to have an end",
    ),
    (
        "host.fail('reset-at-rcpt'); host.fail('reset-at-rcpt', times=1)",
        InvalidSetting,
        "fail('reset-at-rcpt'): that would never happen, since 'reset-at-rcpt' was asked for first, for good: that takes times=1, .end() or .accept_connections() to have an end",
    ),
    (
        "host.refuse_connections(); host.fail('reset-at-rcpt')",
        InvalidSetting,
        "fail('reset-at-rcpt'): that would never happen, since 'refused-at-connect' was asked for first, for good: that takes times=1, .end() or .accept_connections() to have an end",
    ),
    (
        "host.fail('reset-at-mail'); host.fail('reset-at-rcpt')",
        InvalidSetting,
        "fail('reset-at-rcpt'): that would never happen, since 'reset-at-mail' was asked for first, for good: that takes times=1, .end() or .accept_connections() to have an end",
    ),
    (
        "mailnet.fail('gmail.com')",
        TypeError,
        "mailnet.fail() missing 1 required positional argument: 'fault'",
    ),
    (
        "mailnet.fail('gmial.com', 'refused-at-connect')",
        UnknownName,
        "no host 'gmial.com' (did you mean 'gmail.com' or 'mail.com' or 'ymail.com'?). To have one: mailnet.add_server('gmial.com').",
    ),
    (
        "mailnet.fail('gmail.com', 'refused-at-connect', times=0)",
        InvalidSetting,
        "fail('refused-at-connect', times=0): a fault happens 1 time or more",
    ),
    ("mailnet.chaos(rate=5)", InvalidSetting, "mailnet.chaos(rate=5): a rate is 0 (never) to 1 (every time)"),
    (
        "mailnet.chaos(rate='often')",
        InvalidSetting,
        "mailnet.chaos(rate='often'): a rate is 0 (never) to 1 (every time)",
    ),
    (
        "mailnet.chaos(rate=0.1).rate = 1",
        ReadOnly,
        "'rate' of a mailnet's chaos can only be read: mailnet.chaos(rate=0.1, seed=7) makes another, mailnet.chaos(rate=0) calms it",
    ),
    (
        "FaultSchedule('reset-at-rctp')",
        UnknownName,
        "no fault 'reset-at-rctp' (did you mean 'reset-at-rcpt' or 'reset-at-rset' or 'reset-at-select'?). `mailnet faults` lists them all.",
    ),
    (
        "FaultSchedule('reset-at-rcpt').steps = ()",
        ReadOnly,
        "'steps' of a schedule of faults can only be read: FaultSchedule('reset-after-dot', None) makes another",
    ),
    (
        "mailnet.fail('gmail.com', ['refused-at-connect'])",
        InvalidSetting,
        "['refused-at-connect'] is no fault; it takes one, or its id as in 'reset-after-dot'",
    ),
]


@pytest.mark.parametrize(("written", "error", "told"), MISUSES, ids=[written for written, *_ in MISUSES])
def test_a_misuse_is_told_where_it_is_written(misuse, written, error, told):
    misuse(written, error, told)
