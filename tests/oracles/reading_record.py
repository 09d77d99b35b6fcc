"""The page of the docs about the sessions that are held with Dovecot and with the net."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .reading_comparison import Known
from .reading_differences import KNOWN
from .reading_sessions import SESSIONS
from .record import row, shown

__all__ = ["PAGE", "section"]

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "oracles-reading.md"

_SAID = {it.name: it.commands for it in SESSIONS}


def section(version: str) -> str:
    """The page: what was said, and what stays different.

    Args:
        version: Dovecot's, as in "2.3.19.1".
    """
    pop3 = sum(it.protocol == "pop3" for it in SESSIONS)
    commands = sum(map(len, _SAID.values()))
    apart = {it for known in KNOWN for it in _times(known)}
    differing = {name for name, _ in apart}
    rows = "\n".join(row((it.what, _commands(it), it.reason)) for it in KNOWN)
    return f"""\
# Dovecot beside the net's servers for reading

Dovecot {version} and a server of the net have the same mailboxes, with the same mails in them, among them some that no RFC
allows. The same sessions of IMAP and POP3 are held with both, and `tests/oracles/test_reading.py` holds that they are
answered alike. That run writes this page with `MAILNET_ORACLES_RECORD=1`.

| | how many | answered alike |
| --- | --- | --- |
| sessions, {len(SESSIONS) - pop3} of IMAP and {pop3} of POP3 | {len(SESSIONS)} | {len(SESSIONS) - len(differing)} |
| commands in them | {commands} | {commands - len(apart)} |

Compared are, for each command, OK, NO, BAD, BYE or the end of the connection, the response code, and all data before it:
flags, envelopes, structures, sections to the byte, numbers and uids, what other sessions are told. Not compared are

- the words behind a status, and an untagged OK without a code;
- the order of untagged responses, and of flags, attributes, search results and the items of a FETCH, which is free;
- the values of UIDVALIDITY, and the time zone of INTERNALDATE, but the moment that it names is;
- capital letters in BODY and BODYSTRUCTURE;
- what each server tells of itself: CAPABILITY, ID, and the codes ALERT, CLIENTBUG, CLOSED, HIGHESTMODSEQ and NOMODSEQ;
- attributes of LIST that a server may tell unasked: \\HasChildren, \\HasNoChildren, \\Marked, \\Unmarked, and special uses
  in LSUB;
- RECENT, unless a folder is selected by the command;
- whether a section that is not there is empty or NIL;
- a code that the net alone has behind a NO (RFC 5530).

Dovecot has the configuration of its package, but for ports, mailboxes, the folders of a server of the net, no wait after a
wrong password, and IDLE told at once.

These differ, and stay so:

| what | session: commands | why |
| --- | --- | --- |
{rows}
"""


def _times(known: Known) -> Iterator[tuple[str, int]]:
    """The places in sessions at which it is met."""
    for name, commands in known.where.items():
        yield from ((name, place) for place, it in enumerate(_SAID[name]) if it in commands)


def _commands(known: Known) -> str:
    told = (f"{name}: {', '.join(map(shown, commands))}" for name, commands in known.where.items())
    return "; ".join(told)
