"""Dialogues without a socket, at a host whose decisions a test lays out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_mailnet.record.journal import Journal
from pytest_mailnet.smtp.commands import OwnDialogue, answer_command
from pytest_mailnet.smtp.manners import Manners
from pytest_mailnet.smtp.state import Step
from pytest_mailnet.values import Endpoint, Stage

CLIENT = Endpoint("203.0.113.7", 40000)
SERVER = Endpoint("192.0.2.27", 25)

_WORDS = {
    Stage.EHLO: "EHLO app.example",
    Stage.STARTTLS: "STARTTLS",
    Stage.AUTH: "AUTH PLAIN AGFsaWNlAHNlY3JldA==",
    Stage.MAIL: "MAIL FROM:<bob@b.example>",
    Stage.RCPT: "RCPT TO:<alice@shop.example>",
    Stage.DATA: "DATA",
}
_ON_THE_WAY = [Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE]


@pytest.fixture
def shop(decider: Any) -> Any:
    return decider


class Talk:
    """A dialogue without a socket."""

    def __init__(self, shop: Any, journal: Journal) -> None:
        self._shop = shop
        self.session = journal.open_session(CLIENT, SERVER, shop.hostname, "shop")
        self.step = Step(self.session, CLIENT, SERVER, shop.hostname)
        self.dialogue = OwnDialogue(shop, self.step, journal)

    def say(self, *lines: str) -> str:
        """Say each line, and return the reply to the last."""
        return [answer_command(self.dialogue, f"{line}\r\n".encode()).decode() for line in lines][-1]

    def go_to(self, stage: Stage) -> None:
        """Go on until the next thing said is of that stage."""
        if stage is Stage.CONNECT:
            return
        self.dialogue.greet()
        for earlier in _ON_THE_WAY[: _ON_THE_WAY.index(stage) if stage in _ON_THE_WAY else 1]:
            assert self.say(_WORDS[earlier])[0] in "23"
        if stage in {Stage.STARTTLS, Stage.AUTH}:
            self._shop.extensions = ("STARTTLS", "AUTH PLAIN")

    def content(self, content: bytes) -> str:
        """Say the content that follows DATA, and return the reply to it."""
        reading = self.dialogue.reading
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        assert reading.feed(stuffed + b".\r\n") == b""
        return self.dialogue.content().decode()

    def do(self, stage: Stage) -> str:
        """Do what brings the stage about."""
        match stage:
            case Stage.CONNECT:
                return self.dialogue.greet().decode()
            case Stage.MESSAGE:
                return self.content(b"Subject: hi\r\n")
            case _:
                return self.say(_WORDS[stage])


@pytest.fixture
def new_talk() -> type[Talk]:
    """For tests that hold many dialogues."""
    return Talk


@pytest.fixture
def talk(shop: Any, journal: Journal) -> Talk:
    return Talk(shop, journal)


@pytest.fixture
def welcomed(talk: Talk) -> Talk:
    """A dialogue that has got past EHLO."""
    talk.go_to(Stage.MAIL)
    return talk


@pytest.fixture
def talk_with(shop: Any, journal: Journal) -> Callable[..., Talk]:
    """A dialogue with a server of such manners, greeted."""

    def begin(**manners: Any) -> Talk:
        shop.manners = Manners(**manners)
        talk = Talk(shop, journal)
        talk.dialogue.greet()
        return talk

    return begin
