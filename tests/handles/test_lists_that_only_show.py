"""Lists that only show: changing one is an error, and in all else they are lists."""

from __future__ import annotations

import pickle

import pytest

from pytest_mailnet.errors import ReadOnly

MISUSES = [
    (
        "mailnet.messages.clear()",
        ReadOnly,
        "mailnet.messages.clear() would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "mailnet.messages.append(message)",
        ReadOnly,
        "mailnet.messages.append(...) would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "mailnet.messages.pop()",
        ReadOnly,
        "mailnet.messages.pop() would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "mailnet.messages += [message]",
        ReadOnly,
        "mailnet.messages += ... would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "del mailnet.messages[0]",
        ReadOnly,
        "del mailnet.messages[...] would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "mailnet.messages[0] = message",
        ReadOnly,
        "mailnet.messages[...] = ... would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "mailnet.sessions.clear()",
        ReadOnly,
        "mailnet.sessions.clear() would change nothing: mailnet.sessions is a new list each time. What comes later: before = len(mailnet.sessions), and then mailnet.sessions[before:].",
    ),
    (
        "mailnet.sessions.sort()",
        ReadOnly,
        "mailnet.sessions.sort() would change nothing: mailnet.sessions is a new list each time. What comes later: before = len(mailnet.sessions), and then mailnet.sessions[before:].",
    ),
    (
        "mailnet.dns.queries.clear()",
        ReadOnly,
        "mailnet.dns.queries.clear() would change nothing: mailnet.dns.queries is a new list each time. What comes later: before = len(mailnet.dns.queries), and then mailnet.dns.queries[before:].",
    ),
    (
        "mailnet.dns.names.remove('shop.example')",
        ReadOnly,
        "mailnet.dns.names.remove(...) would change nothing: mailnet.dns.names is a new list each time. .dns.add and .dns.remove change them.",
    ),
    (
        "mailnet.hosts.append(host)",
        ReadOnly,
        "mailnet.hosts.append(...) would change nothing: mailnet.hosts is a new list each time. mailnet.add_server('mx.shop.example') adds one.",
    ),
    (
        "mailnet.providers.remove(shop)",
        ReadOnly,
        "mailnet.providers.remove(...) would change nothing: mailnet.providers is a new list each time. mailnet.add_server('mx.shop.example') adds a server.",
    ),
    (
        "shop.sessions.clear()",
        ReadOnly,
        "provider.sessions.clear() would change nothing: provider.sessions is a new list each time. What comes later: before = len(provider.sessions), and then provider.sessions[before:].",
    ),
    (
        "shop.mailboxes.clear()",
        ReadOnly,
        "provider.mailboxes.clear() would change nothing: provider.mailboxes is a new list each time. .add_mailbox('alice') opens one.",
    ),
    (
        "session.replies.clear()",
        ReadOnly,
        "session.replies.clear() would change nothing: session.replies is a new list each time. session.exchanges has the record.",
    ),
    (
        "shop.hosts['mx.shop.example'] = host",
        TypeError,
        "'mappingproxy' object does not support item assignment",
    ),
]


@pytest.mark.parametrize(("written", "error", "told"), MISUSES, ids=[written for written, *_ in MISUSES])
def test_a_misuse_is_told_where_it_is_written(misuse, written, error, told):
    misuse(written, error, told)


@pytest.mark.parametrize(
    "name", ["mailnet.messages", "mailnet.sessions", "mailnet.dns.queries", "mailnet.hosts"]
)
def test_a_list_that_only_shows_is_a_list_in_all_else(held, name):
    shown = eval(name, held)

    assert isinstance(shown, list)
    assert shown == list(shown)
    assert repr(shown) == repr(list(shown))
    assert type(shown[:1]) is list
    assert sorted(shown, key=repr) == sorted(iter(shown), key=repr)


def test_a_list_that_only_shows_is_pickled_as_one_that_can_be_changed(mailnet):
    mailnet.dns.add("shop.example", "A", "192.0.2.1")

    names = pickle.loads(pickle.dumps(mailnet.dns.names))  # noqa: S301

    assert names == mailnet.dns.names
    names.clear()
