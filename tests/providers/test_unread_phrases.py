"""Replies that are read when they are asked for: the same as those of a file that is read whole."""

from __future__ import annotations

import pytest

from pytest_mailnet.providers.catalogue import Catalogue
from pytest_mailnet.providers.provider_files import shipped_files, stock_text
from pytest_mailnet.providers.toml_file import parse_facts
from pytest_mailnet.providers.unread_phrases import UnreadPhrases

SHIPPED = tuple(shipped_files())
WHOLE, UNREAD = Catalogue(SHIPPED), Catalogue(SHIPPED, SHIPPED)


@pytest.mark.parametrize("stem", WHOLE.stems)
def test_each_reply_is_the_same_by_itself_and_in_the_whole_file(stem):
    whole, unread = WHOLE.load_stem(stem), UNREAD.load_stem(stem)

    assert list(unread.phrases.items()) == list(whole.phrases.items())
    assert len(unread.phrases) == len(whole.phrases)


def test_the_replies_of_the_rfcs_are_the_same():
    whole = parse_facts(stock_text("stock.toml"), "stock.toml")
    unread = parse_facts(stock_text("stock.toml"), "stock.toml", checked=True)

    assert dict(unread.phrases) == dict(whole.phrases)


@pytest.mark.parametrize("role", ["mx", "submission"])
def test_a_phrasebook_is_the_same(role):
    books = [it.phrasebook(it.load("gmail"), role) for it in (WHOLE, UNREAD)]

    assert dict(books[0]) == dict(books[1])
    assert len(books[0]) == len(list(books[0])) == len(books[1])


def test_a_reply_is_read_when_it_is_asked_for_and_once():
    phrases = UnreadPhrases(
        "corp.toml", {"good": 'stage = "rcpt"\nreply = "550 no"\nsource = "x"', "bad": "?"}, {}
    )

    assert phrases["good"] is phrases["good"]
    assert ("bad" in phrases, "none" in phrases, len(phrases)) == (True, False, 2)
    with pytest.raises(KeyError):
        phrases["none"]
