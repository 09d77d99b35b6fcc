"""What a test holds takes no attribute that it does not have, and names no inner class."""

from __future__ import annotations

import pytest

from pytest_mailnet.errors import MailNetError
from pytest_mailnet.handles.attributes import steady

HELD = [
    "mailnet",
    "mailnet.config",
    "mailnet.clock",
    "mailnet.dns",
    "mailnet.queue",
    "mailnet.queue.schedule",
    "mailnet.sender",
    "mailnet.ca",
    "mailnet.gmail",
    "mailnet.gmail.submission",
    "mailnet.gmail.replies",
    "mailnet.chaos(rate=0.0)",
    "mailnet.account_for({})",
    "mailnet.dns.queries[0]",
    "shop",
    "shop.on_rcpt()",
    "host",
    "host.tls",
    "host.extensions",
    "alice",
    "alice.account",
    "session",
    "message",
    "key",
    "FaultSchedule()",
]


@pytest.mark.parametrize("name", HELD)
def test_nothing_that_a_test_holds_takes_an_attribute_that_it_does_not_have(held, name):
    one = eval(name, held)

    with pytest.raises(AttributeError) as raised:
        one.no_such_setting = True

    assert isinstance(raised.value, MailNetError)


@pytest.mark.parametrize("name", HELD)
def test_no_inner_class_is_named_where_an_attribute_is_missing(held, name):
    one = eval(name, held)

    with pytest.raises(AttributeError) as raised:
        _ = one.no_such_setting

    assert isinstance(raised.value, MailNetError)
    assert f"'{type(one).__name__}'" not in str(raised.value)


def test_what_begins_with_an_underscore_is_let_through(held):
    held["host"]._own = True

    assert held["host"]._own is True


def test_what_begins_with_an_underscore_can_be_deleted_again(held):
    held["host"]._own = True

    del held["host"]._own

    assert not hasattr(held["host"], "_own")


def test_a_property_that_fails_says_why():
    @steady("a thing")
    class Thing:
        @property
        def broken(self):
            raise AttributeError("its inner workings have no such part")

    with pytest.raises(AttributeError, match="its inner workings have no such part"):
        _ = Thing().broken
