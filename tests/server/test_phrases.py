"""Replies of the phrasebooks that no scripted answer can bring about yet, sent in place of another."""

from __future__ import annotations

import re

import pytest

from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.values import Stage

CATALOGUE = catalogue_with()
SCRIPTED = {Stage.CONNECT, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE}


@pytest.mark.parametrize("stem", CATALOGUE.stems)
def test_every_other_phrase_goes_over_the_wire_as_it_stands(decider, running, converse, stem):
    for phrase in CATALOGUE.load_stem(stem).phrases.values():
        if phrase.stage in SCRIPTED:
            continue
        decider.phrases["help"] = phrase.reply
        client = converse("127.0.0.1", running.port)

        said = client.say("HELP")

        written = re.split(r"(\\\{\w+\\\})", re.escape(str(phrase.reply)))
        pattern = "".join(".*" if part.startswith(r"\{") else part for part in written)
        assert re.fullmatch(pattern, said.replace("\r\n", "\n").rstrip("\n")), phrase.name
        if phrase.reply.closes:
            assert client.rest() == b"", phrase.name
        else:
            assert client.say("NOOP") == "250 2.0.0 OK\r\n", phrase.name
