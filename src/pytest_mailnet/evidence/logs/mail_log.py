"""Reads logs of mail servers, also logs into which several programs write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import LineFormat
from pytest_mailnet.evidence.logs.exim import EXIM
from pytest_mailnet.evidence.logs.lines import LogEntry, has_sign, has_sign_or_message_id, log_entries
from pytest_mailnet.evidence.logs.log_reader import LogReader
from pytest_mailnet.evidence.logs.opensmtpd import OPENSMTPD
from pytest_mailnet.evidence.logs.postfix import POSTFIX
from pytest_mailnet.evidence.logs.queued import Found
from pytest_mailnet.evidence.logs.sendmail import SENDMAIL

__all__ = ["MAIL_LOG", "failures_of"]

_PROGRAMS = {"postfix": POSTFIX, "exim": EXIM, "sendmail": SENDMAIL, "opensmtpd": OPENSMTPD}
_POSTFIX = re.compile(
    r"postfix.*|.*/(?:bounce|cleanup|discard|error|lmtp|local|n?qmgr|oqmgr|pickup|pipe|postscreen|relay|retry"
    r"|smtpd?|submissions?|smtps|tlsproxy|trivial-rewrite|verify|virtual)"
)
_SENDMAIL = re.compile(r"sendmail|sm-\w+(?:-\w+)?")
_EXIM = re.compile(r"exim\S*")

# Lines without a program's name, as of `journalctl -o cat`: the forms that only one program writes.
_SHAPES = (
    (
        "postfix",
        re.compile(r"\w{5,20}: (?:to=<[^>]*>, (?:orig_to=<[^>]*>, )?relay=|from=<[^>]*>, size=\d+, nrcpt=)"),
    ),
    ("postfix", re.compile(r"\w{5,20}: (?:removed|message-id=<.*>)$")),
    ("sendmail", re.compile(r"\w{8,20}: (?:to=[^=]*, (?:ctladdr|delay|xdelay)=|from=.*, size=\d+, class=)")),
    ("smtpd", re.compile(r"(?:[0-9a-f]{16} )?(?:mta|mda) (?:event=)?delivery evpid=")),
    ("exim", re.compile(r"\w{6}-(?:\w{6}-\w\w|\w{11}-\w{4}) (?:\*\*|==|<=|Completed)")),
)

# Other servers have a program "smtpd" too; these lines are OpenSMTPD's.
_OPENSMTPD = re.compile(
    r"[0-9a-f]{16} (?:smtp|mta|mda) |(?:smtp-in|smtp-out|relay|delivery): |info: OpenSMTPD"
)

# The log of a host may begin with these programs; the log of an application has none of them.
_OF_A_MACHINE = frozenset(
    (
        "systemd",
        "kernel",
        "sshd",
        "cron",
        "CRON",
        "sudo",
        "rsyslogd",
        "syslogd",
        "dovecot",
        "named",
        "amavis",
        "opendkim",
    )
)


def _name(entry: LogEntry) -> str | None:
    """The mail server that logged an entry; None for any other program."""
    program = entry.program or next((name for name, shape in _SHAPES if shape.match(entry.message)), "")
    if _POSTFIX.fullmatch(program):
        return "postfix"
    if program == "smtpd":
        return "opensmtpd"
    if _SENDMAIL.fullmatch(program):
        return "sendmail"
    return "exim" if _EXIM.fullmatch(program) else None


def _found(lines: Iterable[str], is_of_interest: Callable[[str], bool] = has_sign) -> Iterator[Found]:
    readers = {name: LogReader(program) for name, program in _PROGRAMS.items()}
    by_program: dict[str, LogReader | None] = {}
    for entry in log_entries(lines, is_of_interest):
        program = entry.program
        if program in by_program:
            reader = by_program[program]
        else:
            name = _name(entry)
            reader = readers[name] if name is not None else None
            if program and len(by_program) < 1000:  # a hostile log may have a new one in every line
                by_program[program] = reader
        if reader is not None:
            yield from reader.read(entry)
    for each in readers.values():
        yield from each.left()


def _failures(lines: Iterable[str]) -> Iterator[Failure]:
    return (it.failure for it in _found(lines))


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
        name = _name(entry)
        if name is None:
            if entry.program in _OF_A_MACHINE:
                return True
        elif name != "opensmtpd" or _OPENSMTPD.match(entry.message):
            return True
    return False


MAIL_LOG = LineFormat(
    name="a mail log",
    missing="no line in it tells of a failed delivery",
    recognises=_recognises,
    failures=_failures,
)
"""Logs of Postfix, Exim, Sendmail and OpenSMTPD, from files, syslog, the journal or containers."""
