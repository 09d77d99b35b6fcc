"""Why a mail failed, according to one text: a server's reply, a network error, or only words."""

from __future__ import annotations

from typing import NamedTuple

from pytest_mailnet.evidence.network_errors import Trouble, trouble_in
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.values import Stage

__all__ = ["Reason", "in_words"]


class Reason(NamedTuple):
    """The fields of a `Failure` that one text decides.

    Attributes:
        reply: the reply's lines; empty if there is none.
        fault: the id of one of `pytest_mailnet.FAULTS`, if a connection or a look-up failed.
        stage: the stage of the session, if the text names it or it is known from elsewhere.
        words: the text, if there is no reply in it.
    """

    reply: tuple[str, ...] = ()
    fault: FaultName | None = None
    stage: Stage | None = None
    words: str = ""


def in_words(words: str, stage: Stage | None = None, trouble: Trouble | None = None) -> Reason:
    """The reason for a failure, from a text that is no server's reply.

    Args:
        words: the text, written by the program that gave up.
        stage: the stage of the session, if known from elsewhere.
        trouble: the network error, if the caller has recognised it by the program's own wording; None to
            look for one in the words.
    """
    trouble = trouble or trouble_in(words, stage)
    if trouble is None:
        return Reason(stage=stage, words=words)
    return Reason(fault=trouble.fault, stage=trouble.stage, words=words)
