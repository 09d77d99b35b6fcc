"""From what production said to the same failure in a net, or in a test that is written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_mailnet.errors import EvidenceError
from pytest_mailnet.evidence import Failure, NoFailure
from pytest_mailnet.evidence.reading import outcomes_of
from pytest_mailnet.evidence.sources import sources_at
from pytest_mailnet.providers import Catalogue
from pytest_mailnet.reproduction.anonymity import Anonymity
from pytest_mailnet.reproduction.document import as_json, as_toml
from pytest_mailnet.reproduction.plan import Plan, plan_for
from pytest_mailnet.reproduction.python import as_test
from pytest_mailnet.reproduction.recognition import Recognised, Recogniser
from pytest_mailnet.reproduction.staging import stage_in
from pytest_mailnet.reproduction.text import as_text

if TYPE_CHECKING:
    from pytest_mailnet.population import Population

__all__ = [
    "Anonymity",
    "Plan",
    "Recognised",
    "Recogniser",
    "as_json",
    "as_test",
    "as_text",
    "as_toml",
    "plan_for",
    "reproduce_in",
]


def reproduce_in(
    net: Population, evidence: Iterable[str | os.PathLike[str] | Failure], catalogue: Catalogue
) -> list[Failure]:
    """Let what evidence tells of happen in a net, and return it.

    Args:
        net: where.
        evidence: paths of files or folders, or failures that have been read already.
        catalogue: the net's.

    Raises:
        EvidenceError: for a path where nothing is, a file that cannot be read, or one in which no failure is
            found.
    """
    __tracebackhide__ = True
    recogniser = Recogniser(catalogue)
    failures: list[Failure] = []
    for given in evidence:
        failures += _failures(given)
    recognised = list(map(recogniser.recognise, failures))
    for one in recognised:
        stage_in(net, plan_for(one, catalogue))
    return [one.failure for one in recognised]


def _failures(given: str | os.PathLike[str] | Failure) -> list[Failure]:
    __tracebackhide__ = True
    if isinstance(given, Failure):
        return [given]
    if not isinstance(given, (str, os.PathLike)):
        raise EvidenceError(
            f"mailnet.reproduce({given!r}): it takes paths of evidence, and failures as it returns them"
        )
    sources = list(sources_at([given]))
    outcomes = [outcome for source in sources for outcome in outcomes_of(source)]
    unread = [str(it) for it in outcomes if isinstance(it, NoFailure) and it.unread]
    if unread:
        raise EvidenceError("; ".join(unread))
    found = [it for it in outcomes if isinstance(it, Failure)]
    if not found:
        raise EvidenceError("; ".join(map(str, outcomes)) or f"{given}: there is no file in it")
    return found
