"""Responses of IMAP and POP3 as what they mean: without words, and in one order where a server is free to choose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

__all__ = ["heard_line", "heard_pop3"]

_TOKEN = re.compile(rb'\(|\)|"(?:[^"\\]|\\.)*"|\{[0-9]+\}\r\n|[^\s()"\[\]]*\[[^\]]*\](?:<[0-9]+>)?|[^\s()]+')
_STATUS = re.compile(rb"(OK|NO|BAD|BYE|PREAUTH)(?: \[([^\]]*)\])?")
_UIDS = re.compile(r"(APPENDUID|COPYUID|UIDVALIDITY) [0-9]+")
_FREE = {"FLAGS", "SEARCH", "LSUB", "LIST"}  # whose parentheses are sets

# What each server tells of itself.
_OWN = ("ALERT", "CAPABILITY", "CLIENTBUG", "CLOSED", "HIGHESTMODSEQ", "ID", "NOMODSEQ")
# Attributes of LIST that a server may tell unasked, or not (RFC 3501, 7.2.2; RFC 5258, 4; RFC 6154, 2).
_UNASKED = {b"\\hasnochildren", b"\\haschildren", b"\\marked", b"\\unmarked"}
_USES = {b"\\drafts", b"\\junk", b"\\sent", b"\\trash"}


def heard_line(lines: Sequence[bytes]) -> tuple[str, ...]:
    """What the lines of an answer say, untagged ones in one order, the last one last."""
    read = [_read(it) for it in lines]
    # Whether a literal is waited for where the command fails anyhow, and when numbers of recent mails are told again.
    opened = any(it.startswith("FLAGS ") for it in read)
    untagged = [it for it in _expunged(read[:-1]) if it not in {"", "+"} and not it.startswith(_OWN)]
    told = sorted(it for it in untagged if opened or not it.endswith(" RECENT"))
    return (*told, read[-1])


def _read(line: bytes) -> str:
    if not line:
        return "(closes)"
    if line.startswith(b"+"):
        return "+"
    tag, _, rest = line.partition(b" ")
    status = _STATUS.match(rest)
    if status is not None:
        code = (status[2] or b"").decode("latin-1")
        code = _UIDS.sub(r"\1 _", code)
        name = code.partition(" ")[0]
        if tag == b"*":
            return "" if name in _OWN or (not code and status[1] == b"OK") else _code(status[1], code)
        return status[1].decode() if name in _OWN else _code(status[1], code)
    values = _values(rest)
    return _untagged(values)


def _code(status: bytes, code: str) -> str:
    if code.startswith("PERMANENTFLAGS"):
        code = f"PERMANENTFLAGS {_set(_values(code.partition(' ')[2].encode())[0])}"
    return f"{status.decode()} [{code}]" if code else status.decode()


def _untagged(values: list) -> str:  # noqa: PLR0911  # a form a response
    if len(values) > 1 and values[1] in [b"FETCH", b"EXISTS", b"RECENT", b"EXPUNGE"]:
        number, name, *rest = values
        if name == b"FETCH":
            pairs = sorted(_item(key, value) for key, value in zip(rest[0][::2], rest[0][1::2], strict=True))
            return f"{number.decode()} FETCH {{ {' | '.join(pairs)} }}"
        return f"{number.decode()} {name.decode()}"
    name, *rest = values
    word = name.decode().upper()
    if word == "SEARCH":
        return f"SEARCH {sorted(int(it) for it in rest)}"
    if word == "FLAGS":
        return f"FLAGS {_set(rest[0])}"
    if word in {"LIST", "LSUB"}:
        told = [_set(_kinds(rest[0], word)), *map(_shown, rest[1:3])]
        return f"{word} {' '.join(told)}"
    if word == "STATUS":
        items = dict(zip(rest[1][::2], rest[1][1::2], strict=True))
        if b"UIDVALIDITY" in items:
            items[b"UIDVALIDITY"] = b"_"
        return f"STATUS {_shown(rest[0])} {sorted(f'{k.decode()} {v.decode()}' for k, v in items.items())}"
    if word == "ESEARCH":
        return f"ESEARCH {_shown(rest)}"
    return f"{word} {_shown(rest)}"


def _kinds(attributes: list, word: str) -> list:
    r"""Attributes of a folder; \NoSelect and \Noselect are one."""
    small = {it.lower() for it in attributes} - _UNASKED
    return sorted(small - _USES if word == "LSUB" else small)


def _item(key: bytes, value: object) -> str:
    name = key.decode("latin-1").upper()
    if name == "FLAGS":
        return f"FLAGS {_set(value)}"
    if name == "INTERNALDATE":
        at = datetime.strptime(value.decode().strip('"').strip(), "%d-%b-%Y %H:%M:%S %z")
        return f"INTERNALDATE {at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if name in {"BODY", "BODYSTRUCTURE"}:
        return f"{name} {_shown(value).lower()}"
    plain = name.replace('"', "")  # around names of header fields
    if "[" in name and value == b"NIL":
        value = b"="  # a section that is not there is empty to Dovecot
    return f"{plain} {_shown(value)}"


def _set(values: object) -> str:
    return "{" + " ".join(sorted({it.decode() for it in values})) + "}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "(" + " ".join(map(_shown, value)) + ")"
    if value[:1] == b'"':
        value = re.sub(rb"\\(.)", rb"\1", value[1:-1])
        return ascii(value.decode("utf-8", "backslashreplace"))
    if value[:1] == b"=":  # a literal
        return ascii(value[1:].decode("utf-8", "backslashreplace"))
    text = value.decode("utf-8", "backslashreplace")
    return text if text.upper() == "NIL" or text.isdigit() else ascii(text)


def _values(text: bytes) -> list:
    """The tokens of a response, parentheses as lists; a literal is `=` and its bytes."""
    stack: list[list] = [[]]
    at = 0
    while found := _TOKEN.search(text, at):
        token, at = found[0], found.end()
        if token == b"(":
            stack.append([])
        elif token == b")":
            inner = stack.pop()
            stack[-1].append(inner)
        elif token.endswith(b"}\r\n"):
            size = int(token[1:-3])
            stack[-1].append(b"=" + text[at : at + size])
            at += size
        else:
            stack[-1].append(token)
    return stack[0]


def _expunged(lines: Sequence[str]) -> list[str]:
    """The lines with the numbers of expunged mails as they were before: a server is free in their order."""
    gone: list[int] = []
    told = []
    for it in lines:
        number, _, what = it.partition(" ")
        if what != "EXPUNGE":
            told.append(it)
            continue
        was = int(number)
        for earlier in sorted(gone):
            was += earlier <= was
        gone.append(was)
        told.append(f"{was} EXPUNGE")
    return told


def heard_pop3(lines: Sequence[bytes]) -> tuple[str, ...]:
    """What an answer of POP3 says: yes or no with its response code, numbers, and the lines that follow."""
    first, *rest = [it.decode("utf-8", "backslashreplace").removesuffix("\r\n") for it in lines]
    if not first:
        return ("(closes)",)
    status, _, text = first.partition(" ")
    code = re.match(r"\[[A-Z/-]+\]", text)
    numbers = re.fullmatch(r"[0-9]+ [0-9]+", text)
    return (" ".join(filter(None, (status, code and code[0], numbers and text))), *rest)
