"""Reads delivery status notifications (RFC 3464; internationalised, RFC 6533)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping

from pytest_mailnet.evidence.bounces.nesting import innermost
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.replies import enhanced_in, reply_in

__all__ = ["failures_in"]

_FIELD = re.compile(r"[ \t]{0,8}([A-Za-z][A-Za-z0-9\-]{2,40})[ \t]?:[ \t]*(.*)")
_RECIPIENT = ("final-recipient", "original-recipient", "x-actual-recipient")
_DOMAIN = r"@[^\s<>\"',;:()\[\]]{1,255}"
_ADDRESS = re.compile(rf"[^\s<>\"',;:()\[\]]{{1,320}}{_DOMAIN}|\"[^\"\n]{{1,64}}\"{_DOMAIN}")
_IP = re.compile(
    r"(?<![\w.:])\[?(?:IPv6:)?((?:\d{1,3}\.){3}\d{1,3}(?![\w.]?\d)"
    r"|(?=[0-9a-fA-F:]{0,40}::|(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})\]?"
)
_HOST = re.compile(
    r"(?<![\w@.\-])(?:\w(?:[\w\-]{0,61}\w)?\.){1,20}"
    r"[^\W\d_][\w\-]{1,62}(?![\w.]{0,200}@)"  # no top level domain begins with a digit; "5.7.1" is no host
)
# Sun's and Oracle's Messaging Server writes a connection as "TCP|ours|our port|theirs|their port".
_CONNECTION = re.compile(r"\(?TCP\|[^|\s]{1,60}\|\d{1,5}\|(?P<theirs>[^|\s]{1,60})\|\d{1,5}\)?")
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")  # RFC 6533, 3: an address where only ASCII may stand
_GIVEN_UP = ("failed", "failure")
_NO_FAILURES = ("delivered", "relayed", "expanded", "deliverable")


def failures_in(status: str) -> Iterator[Failure]:
    """The failed recipients in a delivery status.

    Args:
        status: the groups of fields, with empty lines between them. Stray empty lines may split a group, and
            a recipient's fields may stand among those of the mail; so a group ends only where a second
            recipient begins.
    """
    for fields in _recipients(status):
        action = fields.get("action", "").split(" ")[0].lower()
        if action in _NO_FAILURES:
            continue
        failure = _failure(fields, action)
        if failure is not None:
            yield failure


def _failure(fields: Mapping[str, str], action: str) -> Failure | None:
    said = innermost(_untyped(fields.get("diagnostic-code", "")))
    status = enhanced_in(fields.get("status", "")[:40])
    if not (said or status or action):
        return None
    reply = reply_in(said)
    beside = re.sub(r"^[245]\.\d{1,3}\.\d{1,3}\s*", "", fields.get("status", "")).strip(" ()")
    words = said or beside
    trouble = None if reply else trouble_in(words)
    host, address = server_in(_untyped(fields.get("remote-mta", "")))
    recipient = next(filter(None, (typed_address(fields.get(name, "")) for name in _RECIPIENT)), None)
    original = typed_address(fields.get("original-recipient", "")) or ""
    return Failure(
        recipient=recipient,
        original=original if "@" in original and original.lower() != (recipient or "").lower() else None,
        host=host,
        address=address,
        stage=trouble.stage if trouble else None,
        reply=reply,
        status=status,
        action="failed" if action in _GIVEN_UP else "delayed" if action else None,
        fault=trouble.fault if trouble else None,
        words="" if reply else " ".join(words.split()),
    )


def typed_address(text: str) -> str | None:
    """The first mail address in a text, or the text itself if it is a bare mailbox name; None for neither."""
    text = _ESCAPED.sub(_unescaped, text)
    found = _ADDRESS.search(text) or re.fullmatch(r"[\w.+\-]{1,64}", _untyped(text))
    return found[0].strip(".") if found else None


def _unescaped(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if code <= sys.maxunicode else found[0]


def server_in(text: str) -> tuple[str | None, str | None]:
    """The host name and the IP address in a text, "mx.shop.example ([192.0.2.8])"; each may be None."""
    text = _CONNECTION.sub(r" \g<theirs> ", text)
    ip = _IP.search(text)
    host = _HOST.search(text if ip is None else text.replace(ip[0], " "))
    return (host[0].lower() if host else None), (ip[1] if ip else None)


def _untyped(value: str) -> str:
    """The value of a field without its type: "550 No" of "smtp; 550 No"."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and re.fullmatch(r"[\w\-]{1,60}", kind.strip()) else value.strip()


def _recipients(status: str) -> Iterator[Mapping[str, str]]:
    """The fields of each recipient, by their names in lower case."""
    fields: dict[str, str] = {}
    name = ""
    for line in status.split("\n"):
        if line[:1] in (" ", "\t") and name and line.strip() and not _is_recipient(line):
            fields[name] += f"\n{line.strip()}"
            continue
        found = _FIELD.match(line)
        name = found[1].lower() if found else ""
        if found is None:
            continue
        if name in fields and name in ("final-recipient", "original-recipient", "action", "status"):
            if any(it in fields for it in _RECIPIENT):
                yield fields
            fields = {}
        fields.setdefault(name, found[2])
    if any(it in fields for it in _RECIPIENT):
        yield fields


def _is_recipient(line: str) -> bool:
    found = _FIELD.match(line)
    return found is not None and found[1].lower() in _RECIPIENT
