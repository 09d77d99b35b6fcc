"""Writes failures as JSON, and as TOML entries of a phrasebook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pytest_mailnet.printable import printable
from pytest_mailnet.reproduce.match import Recognised
from pytest_mailnet.values import Stage, literal

__all__ = ["as_json", "as_toml"]

# The conditions of phrasebooks, by the enhanced status codes that mean the same (RFC 3463; RFC 7372).
_CONDITIONS = {
    "1.1": "user_unknown",
    "1.2": "bad_destination_system",
    "1.6": "mailbox_moved",
    "1.8": "sender_domain_not_found",
    "2.1": "mailbox_disabled",
    "2.2": "mailbox_full",
    "3.4": "message_too_big",
    "7.20": "dkim_fail",
    "7.23": "spf_fail",
    "7.25": "no_ptr",
    "7.26": "unauthenticated",
}


def as_json(recognised: Iterable[Recognised]) -> Iterator[str]:
    """A JSON list with an object for each failed recipient, in pieces of one object; null is unknown."""
    before = "[\n"
    for one in recognised:
        text = json.dumps(_object(one), ensure_ascii=False)
        yield f"{before}  {printable(text, lambda it: json.dumps(it)[1:-1])}"
        before = ",\n"
    yield "\n]\n" if before == ",\n" else "[]\n"


def as_toml(recognised: Iterable[Recognised]) -> Iterator[str]:
    """The lines of a provider's TOML file: an entry for each reply that is not in the catalogue yet."""
    written: dict[tuple[str, str], str] = {}
    names: set[str] = set()
    for one in recognised:
        failure = one.failure
        if not failure.reply:
            continue
        if one.matches:
            yield f"# {printable(failure.file)}: {one.matches} is in the catalogue."
            continue
        reply = _with_variables(one)
        stage = str(failure.stage or Stage.RCPT)
        if (reply, stage) in written:
            continue
        name = written[reply, stage] = _name(one, names)
        yield ""
        for label, said in (("Read as", failure.read_as), ("Left out", failure.left_out)):
            if said:
                yield f"# {label}: {printable('; '.join(said))}."
        yield f"[replies.{name}]"
        yield f"stage = {_text(stage)}"
        yield f"reply = {_text(reply)}"
        yield f"source = {_text(failure.file)}"
        told = failure.stage is not None and failure.stage_rule is None
        yield f"stage_evidence = {_text('captured' if told else 'inferred')}"


def _object(one: Recognised) -> dict[str, Any]:
    failure = one.failure
    return {
        "file": failure.file,
        "recipient": failure.recipient,
        "original": failure.original,
        "sender": failure.sender,
        "host": failure.host,
        "address": failure.address,
        "stage": failure.stage,
        "stage_inferred": None if failure.stage is None else failure.stage_rule is not None,
        "stage_rule": failure.stage_rule,
        "code": failure.code,
        "enhanced": failure.enhanced,
        "reply": list(failure.reply) or None,
        "permanent": failure.permanent,
        "provider": one.provider,
        "matches": one.matches,
        "read_as": list(failure.read_as),
        "left_out": list(failure.left_out),
    }


def _with_variables(one: Recognised) -> str:
    """A reply in the form of a phrasebook: recipient and sender are variables."""
    failure = one.failure
    text = literal("\n".join(failure.reply))
    for value, variable in ((failure.recipient, "{recipient}"), (failure.sender, "{sender}")):
        if value:
            text = re.sub(re.escape(value), variable, text, flags=re.IGNORECASE)
    return text


def _name(one: Recognised, names: set[str]) -> str:
    enhanced = (one.failure.enhanced or "").partition(".")[2]
    coded = f"{one.failure.code}_{(one.failure.enhanced or '').replace('.', '_')}".strip("_")
    name = stem = _CONDITIONS.get(enhanced, f"reply_{coded}")
    number = 1
    while name in names:
        number += 1
        name = f"{stem}_{number}"
    names.add(name)
    return name


def _text(text: str) -> str:
    """A basic string of TOML: it has JSON's escapes, and its own long one instead of surrogates."""
    return printable(json.dumps(text, ensure_ascii=False), _escaped)


def _escaped(character: str) -> str:
    number = ord(character)
    if 0xD800 <= number <= 0xDFFF:  # half of a surrogate pair, which TOML does not allow
        number = 0xFFFD
    return f"\\U{number:08x}" if number > 0xFFFF else f"\\u{number:04x}"
