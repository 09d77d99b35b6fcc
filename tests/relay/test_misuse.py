"""What a test can get wrong with the queue, and what each mistake is told."""

from __future__ import annotations

import pytest

from pytest_mailnet.errors import InvalidSetting, ReadOnly, UnknownAttribute

MISUSES = [
    (
        "mailnet.deliver_all(5)",
        InvalidSetting,
        "mailnet.deliver_all(5): of what? It takes days=, hours=, minutes= and seconds=",
    ),
    (
        "mailnet.deliver_all(days=-1)",
        InvalidSetting,
        "mailnet.deliver_all(): -1 day, 0:00:00 lies in the past",
    ),
    (
        "mailnet.deliver_all(day=1)",
        TypeError,
        "mailnet.deliver_all() got an unexpected keyword argument 'day'…",
    ),
    (
        "mailnet.queue.shedule = RetrySchedule()",
        UnknownAttribute,
        "a mailnet's queue has no attribute 'shedule' to set (did you mean 'schedule'? There is: schedule)",
    ),
    (
        "mailnet.queue.schedule = timedelta(hours=1)",
        InvalidSetting,
        "mailnet.queue.schedule: datetime.timedelta(seconds=3600) is none; it takes one as in RetrySchedule(retries=(timedelta(minutes=30),))",
    ),
    (
        "mailnet.queue.schedule.give_up_after = timedelta(hours=1)",
        ReadOnly,
        "'give_up_after' of a schedule can only be read: mailnet.queue.schedule = RetrySchedule(retries=..., warn_after=..., give_up_after=...) sets another",
    ),
    (
        "mailnet.queue.clear()",
        UnknownAttribute,
        "a mailnet's queue has no attribute 'clear': mailnet.deliver_all() works through it",
    ),
    (
        "RetrySchedule(retries=timedelta(minutes=5))",
        InvalidSetting,
        "RetrySchedule(retries=datetime.timedelta(seconds=300), warn_after=datetime.timedelta(seconds=14400), give_up_after=datetime.timedelta(days=5)): it takes at least one time to wait, as in retries=(timedelta(minutes=30),), and all times are longer than 0",
    ),
    (
        "RetrySchedule(retries=(5,))",
        InvalidSetting,
        "RetrySchedule(retries=(5,), warn_after=datetime.timedelta(seconds=14400), give_up_after=datetime.timedelta(days=5)): it takes at least one time to wait, as in retries=(timedelta(minutes=30),), and all times are longer than 0",
    ),
]


@pytest.mark.parametrize(("written", "error", "told"), MISUSES, ids=[written for written, *_ in MISUSES])
def test_a_misuse_is_told_where_it_is_written(misuse, written, error, told):
    misuse(written, error, told)
