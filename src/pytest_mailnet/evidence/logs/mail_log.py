"""Reads logs of mail servers, also logs into which several programs write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import LineFormat
from pytest_mailnet.evidence.logs.exim import EXIM
from pytest_mailnet.evidence.logs.lines import LogEntry, has_sign, has_sign_or_message_id, log_entries
from pytest_mailnet.evidence.logs.log_reader import LogReader, Program
from pytest_mailnet.evidence.logs.opensmtpd import OPENSMTPD
from pytest_mailnet.evidence.logs.postfix import POSTFIX
from pytest_mailnet.evidence.logs.queued import Found
from pytest_mailnet.evidence.logs.sendmail import SENDMAIL

__all__ = ["MAIL_LOG", "failures_of"]

_PROGRAMS = (POSTFIX, OPENSMTPD, SENDMAIL, EXIM)
# Other servers have a program "smtpd" too; these lines are OpenSMTPD's.
_OPENSMTPD = re.compile(
    r"[0-9a-f]{16} (?:smtp|mta|mda) |(?:smtp-in|smtp-out|relay|delivery): |info: OpenSMTPD"
)
# The log of a host may begin with these programs; the log of an application has none of them.
_OF_A_MACHINE = re.compile(
    r"systemd|kernel|sshd|cron|CRON|sudo|rsyslogd|syslogd|dovecot|named|amavis|opendkim"
)


def _program(entry: LogEntry) -> Program | None:
    """The mail server that logged an entry; None for any other program."""
    for each in _PROGRAMS:
        if re.fullmatch(each.called, entry.program) if entry.program else re.match(each.shape, entry.message):
            return each
    return None


def _found(lines: Iterable[str], is_of_interest: Callable[[str], bool]) -> Iterator[Found]:
    readers = {it.read_as: LogReader(it) for it in _PROGRAMS}
    by_name: dict[str, LogReader | None] = {}
    for entry in log_entries(lines, is_of_interest):
        name = entry.program
        if name in by_name:
            reader = by_name[name]
        else:
            program = _program(entry)
            reader = readers[program.read_as] if program else None
            if name and len(by_name) < 1000:  # a hostile log may have a new one in every line
                by_name[name] = reader
        if reader is not None:
            yield from reader.read(entry)
    for each in readers.values():
        yield from each.left()


def failures_of(lines: Iterable[str], queue_ids: frozenset[str]) -> Iterator[Failure]:
    """The failures of certain mails in a mail log.

    Args:
        lines: the lines of the log, without their ends.
        queue_ids: Postfix's and Sendmail's queue ids, Exim's message ids, OpenSMTPD's ids of envelopes,
            messages and sessions, or Message-IDs in angle brackets. OpenSMTPD does not log Message-IDs.
    """
    by_message_id = any(it.startswith("<") for it in queue_ids)
    found = _found(lines, has_sign_or_message_id if by_message_id else has_sign)
    return (it.failure for it in found if not queue_ids.isdisjoint(it.names))


def _recognises(text: str) -> bool:
    """Whether a text is a log with lines of a mail server, or a host's log that may have some later."""
    for entry in log_entries(text.splitlines(), lambda _: True):
        program = _program(entry)
        if program is None:
            if _OF_A_MACHINE.fullmatch(entry.program):
                return True
        elif program is not OPENSMTPD or _OPENSMTPD.match(entry.message):
            return True
    return False


MAIL_LOG = LineFormat(
    name="a mail log",
    missing="no line in it tells of a failed delivery",
    recognises=_recognises,
    failures=lambda lines: (it.failure for it in _found(lines, has_sign)),
)
"""Logs of Postfix, Exim, Sendmail and OpenSMTPD, from files, syslog, the journal or containers."""
