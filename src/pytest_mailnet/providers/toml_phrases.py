"""The replies in a provider's TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pytest_mailnet.errors import InvalidReply, amongst
from pytest_mailnet.providers.phrasebook import Phrase
from pytest_mailnet.providers.toml_table import Table
from pytest_mailnet.providers.variables import VARIABLES
from pytest_mailnet.values import DELIVERY, Reply, Stage

__all__ = ["read_phrase", "read_phrases"]

_REQUIRED = frozenset({"stage", "reply", "source"})
_OPTIONAL = frozenset({"closes", "condition", "confidence", "note", "role", "stage_evidence", "year"})
_CHALLENGE = 334  # RFC 4954, 4
_STAGES = (*DELIVERY, "any", "ndr")
_EVIDENCE = ("captured", "documented", "source code", "inferred")
_CONFIDENCE = ("primary", "secondary")
_ROLES = ("mx", "submission")


def read_phrases(replies: Table, sources: Mapping[str, str]) -> Mapping[str, Phrase]:
    """Read the replies of a file, by name.

    Args:
        replies: the table that has a table for each.
        sources: the sources that several replies name by a word.

    Raises:
        ProviderFileError: for what is wrong in a reply.
    """
    return MappingProxyType({name: read_phrase(name, replies.table(name), sources) for name in replies})


def read_phrase(name: str, table: Table, sources: Mapping[str, str]) -> Phrase:
    """Read one reply.

    Args:
        name: its name.
        table: its table.
        sources: the sources that several replies name by a word.

    Raises:
        ProviderFileError: for what is wrong in it.
    """
    table.check_keys(required=_REQUIRED, optional=_OPTIONAL)
    stage = table.one_of("stage", _STAGES)
    source = table.text("source")
    return Phrase(
        name=name,
        condition=table.text("condition", name),
        stage=stage,
        reply=_reply(table, stage),
        source=sources.get(source, source),
        year=table.number("year", None),
        stage_evidence=table.one_of("stage_evidence", _EVIDENCE, "inferred"),
        role=table.one_of("role", _ROLES, "mx"),
        secondary=table.one_of("confidence", _CONFIDENCE, "primary") == "secondary",
        note=table.text("note"),
    )


def _reply(table: Table, stage: str) -> Reply:
    try:
        reply = Reply.parse(table.text("reply"), closes=table.flag("closes"))
        # A reply for "any" stage cannot be checked.
        if stage in DELIVERY and reply.code != _CHALLENGE:
            reply.check_stage(Stage(stage))
    except InvalidReply as error:
        raise table.error("reply", str(error)) from error
    for variable in reply.variables:
        if variable not in VARIABLES:
            raise table.error("reply", f"no variable {{{variable}}}{amongst(variable, VARIABLES)}")
    return reply
