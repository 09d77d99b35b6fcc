"""Why a mail failed, as one text has it: a server's reply, what went wrong below SMTP, or only words."""

from __future__ import annotations

from typing import NamedTuple

from pytest_mailnet.evidence.network_errors import Trouble, trouble_in
from pytest_mailnet.values import Stage

__all__ = ["Reason", "in_words"]


class Reason(NamedTuple):
    """The fields of a `Failure` that one text decides.

    Attributes:
        reply: the reply's lines; empty if there is none.
        fault: the id of one of `pytest_mailnet.faults.FAULTS`, where a connection or a look-up has failed.
        stage: where, if the text says so or it is known from elsewhere.
        words: the text, if there is no reply in it.
    """

    reply: tuple[str, ...] = ()
    fault: str | None = None
    stage: Stage | None = None
    words: str = ""


def in_words(words: str, stage: Stage | None = None, trouble: Trouble | None = None) -> Reason:
    """The reason in words that are no server's reply.

    Args:
        words: of the program that gave up.
        stage: where, if that is known from elsewhere.
        trouble: what went wrong, if the program has words of its own for it.
    """
    trouble = trouble or trouble_in(words, stage)
    if trouble is None:
        return Reason(stage=stage, words=words)
    return Reason(fault=trouble.fault, stage=trouble.stage, words=words)
