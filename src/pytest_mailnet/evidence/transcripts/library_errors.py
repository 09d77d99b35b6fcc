"""Errors as mail libraries print them, each with the reply that it was raised for.

One table for all: what marks an error, and where its reply, code, recipient and command stand. Python's are
in `exceptions`, since they need the frames around them. A sample of each is in the tests.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.replies import code_of, enhanced_in, reply_in, reply_lines
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.evidence.transcripts.server_lines import split_host
from pytest_mailnet.values import Stage

__all__ = ["addressee", "failures_in", "failures_said"]

_MOST = 1000
_LONGEST = 4000
# A reply, and those of the next lines that go on with it.
_REPLY = r"(?P<reply>[45]\d\d[ -][^\n]{0,2000}(?:\n[ \t]*[45]\d\d[ -][^\n]{0,2000}){0,50})"
_TEXT = r"(?P<text>[^\n]{0,2000})"
_ADDRESS = r"[^\s<>\"',;:()\[\]]{1,64}@[\w.-]{1,255}"
_ADDRESSED = re.compile(rf"<({_ADDRESS})>")
_ESCAPED_END = re.compile(r"(?:\\r)?\\n")
_IN_REPLY_TO = re.compile(r" ?\(in reply to ([^()\n]{1,60})\)+\s*$")


class _Error(NamedTuple):
    """One kind of error.

    Attributes:
        read_as: whose it is, with an article.
        pattern: matches it, with some of the groups "reply", "code", "phrase", "text", "recipient",
            "command", "host", "address", "status", "why".
        beside: patterns of what is printed below it, with some of the same groups.
    """

    read_as: str
    pattern: re.Pattern[str]
    beside: tuple[re.Pattern[str], ...] = ()


def _error(read_as: str, pattern: str, *beside: str) -> _Error:
    return _Error(
        read_as, re.compile(pattern, re.MULTILINE), tuple(re.compile(it, re.DOTALL) for it in beside)
    )


_ERRORS = (
    _error(
        "nodemailer's error",
        r"(?:^|Error: )(?:Can't send mail - all recipients were rejected"
        r"|(?P<command>Recipient|Mail|Data|EHLO|HELO|STARTTLS|AUTH\w*) command failed"
        rf"|Invalid login|Invalid greeting[^:]*): {_REPLY}",
        r"command: '(?P<command>[^'\n]{1,60})'",
        rf"recipient: '(?P<recipient>{_ADDRESS})'|rejected: \[ '(?P<rejected>{_ADDRESS})'",
    ),
    _error("nodemailer's error", rf"(?:^|Error: )(?P<command>Message) failed: {_REPLY}"),
    _error(
        "nodemailer's error",
        r"(?:^|Error: )(?P<why>(?:connect|getaddrinfo|query\w{1,5}) E[A-Z_]{3,20} ?(?P<host>[^\s:]{0,255})"
        r"[^\n]{0,80}|Greeting never received|Connection (?:timeout|closed unexpectedly))"
        r"(?=\n(?:.*\n){0,40}? +command: 'CONN')",
    ),
    _error(
        "an exception of JavaMail",
        rf"(?P<command>SMTPAddress|SMTPSender|SMTPSend|Authentication)FailedException: {_REPLY}",
    ),
    _error(
        "an exception of JavaMail",
        r"Mail(?P<command>Connect)Exception: (?P<why>Couldn't connect to host, port: (?P<host>[^\s,]+), \d+"
        rf"{_TEXT}(?:\n[^\n]{{0,200}}){{0,2}})",
    ),
    _error(
        "an exception of .NET",
        r"Smtp(?:Failed(?P<command>Recipient)s?)?Exception: (?P<phrase>[^\n]{1,200}?) "
        rf"The server response was: {_TEXT}",
    ),
    _error("an exception of .NET", r"SmtpException: (?P<why>Failure sending mail\.(?:\n[^\n]{0,300}){1,3})"),
    _error(
        "an exception of MailKit", rf"\b(?P<command>Authentication)Exception: (?P<code>[45]\d\d): {_TEXT}"
    ),
    _error(
        "an exception of MailKit",
        rf"SmtpCommandException: {_TEXT}",
        r"(?P<command>Recipient|Sender|Message)NotAccepted",
    ),
    _error("an error of lettre", rf"(?:permanent|transient) error \((?P<code>[45]\d\d)\): {_TEXT}"),
    _error(
        "an error of lettre",
        r"Error \{ kind: \w{1,20}\((?P<code>[45]\d\d)\), source: \"(?P<text>[^\"\n]{1,2000})\"",
    ),
    _error(
        "an error of gen_smtp",
        r":?(?:permanent|temporary)_failure, ?(?:~c)?[\"']?(?P<host>[\w.-]{1,255})[\"']?, ?"
        r"(?:<<)?\"(?P<reply>[45]\d\d[^\"\n]{1,2000})\"",
    ),
    _error(
        "an error of gen_smtp",
        r"network_failure, ?(?:~c)?[\"']?(?P<host>[\w.-]{1,255})[\"']?, ?(?P<why>\{[^\n]{1,200})",
    ),
    _error(
        "an exception of Symfony Mailer or SwiftMailer",
        r"Expected response code [^\n]{1,40}? but got (?:code )?\"?(?:[45]\d\d)\"?, with message "
        r"\"(?P<reply>[45]\d\d[^\"]{1,2000})\"",
        # The session follows, in one line or several; the last command is the one that was refused.
        r"^(?:(?!!!).){0,4000}>> (?P<command>[A-Z]{4}[A-Z :]{0,8}|\.)[^>]{0,400}?\s<< [45]\d\d",
        rf">> RCPT TO: ?<(?P<recipient>{_ADDRESS})>",
    ),
    _error(
        "an exception of Symfony Mailer or SwiftMailer",
        r"(?P<why>(?P<command>Connect)ion could not be established with host \"?(?:\w{1,9}://)?(?P<host>[\w.-]{1,255})"
        r"[^\n]{0,500})",
    ),
    _error(
        "an error of PHPMailer",
        rf"SMTP Error: The following (?P<command>recipient)s failed: (?P<recipient>{_ADDRESS})"
        r"(?:: (?P<why>[^\n]{0,500}))?",
    ),
    _error("an error of PHPMailer", r"(?P<why>SMTP Error: Could not (?P<command>auth)enticate)"),
    _error(
        "an error of PHPMailer",
        r"SMTP server error: (?P<command>[A-Z ]{3,20}) command failed Detail: (?P<text>[^\n]{0,2000}?) "
        r"SMTP code: (?P<code>[45]\d\d)(?: Additional SMTP info: (?P<status>[45]\.\d{1,3}\.\d{1,3}))?",
    ),
    _error(
        "an error of Go's net package",
        r"(?P<why>dial tcp (?:lookup )?(?P<host>\S{1,255}?):(?:25|465|587|2525)(?: on \S{1,80})?: "
        r"[^\n]{1,200})",
    ),
    _error("an exception of Ruby's net/smtp", rf"Net::SMTP\w{{1,40}}(?:Error|Busy)\)?: {_REPLY}"),
    _error("an exception of Ruby's net/smtp", rf"^(?:[^\n]{{0,300}}: )?{_REPLY} \(Net::SMTP\w{{1,40}}\)"),
    _error(
        "an error of Exchange's queue",
        r"\{LED=(?P<reply>[45]\d\d[ -][^}\n]{1,2000})\}",
        r"\{FQDN=(?P<host>[\w.-]{1,255})\}",
    ),
)
_STAGES = (
    (Stage.CONNECT, ("Connect", "me")),
    (Stage.AUTH, ("Authentication",)),
    (Stage.MAIL, ("Mail", "Sender", "SMTPSender")),
    (Stage.RCPT, ("Recipient", "recipient", "SMTPAddress")),
    (Stage.MESSAGE, (".", "DATA END", "Message")),
)
# In whatever its words have been copied into.
_SAID = _error(
    "words of Postfix's SMTP client",
    r"\b(?:host|server) (?P<host>[^\s\[]{1,255})\[(?P<address>[^\]\s]{1,60})\](?::\d+)? "
    rf"(?:said|refused to talk to (?P<command>me)): {_REPLY}",
)
_CODED = _error(
    "a reply as the crate smtp-proto writes it",  # and so Stalwart and mail-send
    r"Code: (?P<code>[45]\d\d), Enhanced code: (?P<status>\d\.\d{1,3}\.\d{1,3}), "
    r"Message: (?P<text>[^\"\n]{1,2000})",
)
# What no library names, in the words of any program: surely a reply, since it has an enhanced code.
_BARE = _error(
    "a reply", rf"(?:^|(?<=: ))(?=(?P<class>[45])\d\d[ -](?P=class)\.\d{{1,3}}\.\d{{1,3}} ){_REPLY}"
)
# A mail in Postfix's and in Sendmail's queue: the reason, and the recipients that it holds for.
_QUEUED = re.compile(
    rf"^[ \t]*\((?P<why>[^\n]{{5,2000}})\)\n(?P<to>(?:[ \t]{{8,80}}<?{_ADDRESS}>?[ \t]*(?:\n|\Z))+)",
    re.MULTILINE,
)
_PEER = re.compile(
    r"(?:connect to|connection with|conversation with|host) ([^\s\[]{1,255})\[([^\]\s]{1,60})\]"
)
# .NET tells the code by a phrase.
_PHRASES = (
    ("Mailbox unavailable", 550),
    ("Mailbox name not allowed", 553),
    ("Exceeded storage allocation", 552),
    ("Insufficient system storage", 452),
    ("Transaction failed", 554),
    ("Service not available", 421),
    ("Error in processing", 451),
    ("requires a secure connection", 530),
    ("Client does not have permission", 454),
)


def failures_in(text: str) -> list[Failure]:
    """The failures in errors of mail libraries, each once, though printed with causes and fields."""
    if queued := list(_queued(text)):
        return queued
    found: list[Failure] = []
    for failure in _read_all(_ERRORS, text):
        at = next((at for at, it in enumerate(found) if _is_same(it, failure)), None)
        if at is None:
            found.append(failure)
        else:
            found[at] = found[at].completed_by(failure)
    return found


def failures_said(text: str, *, bare: bool = False) -> list[Failure]:
    """The failures in words of Postfix's SMTP client: "host mx.shop.example[192.0.2.8] said: 550 No".

    Args:
        text: the text.
        bare: whether a reply alone will do, if it has an enhanced code.
    """
    kinds = (_SAID, _CODED, *([_BARE] if bare else []))
    return next((found for error in kinds if (found := list(_read_all((error,), text)))), [])


def addressee(failure: Failure) -> Failure:
    """A failure with the recipient that its reply names, if nothing else has named one."""
    if failure.recipient is not None or failure.stage not in {None, Stage.RCPT}:
        return failure
    found = _ADDRESSED.search(" ".join(failure.reply) or failure.words)
    return dataclasses.replace(failure, recipient=found[1]) if found else failure


def _queued(text: str) -> Iterator[Failure]:
    for found in _QUEUED.finditer(text):
        why = found["why"]
        of = next(iter(failures_said(why, bare=True)), Failure(words=why[:500]))
        if not of.reply and (trouble := trouble_in(why)):
            peer = _PEER.search(why)
            host, address = (split_host(peer[1])[0], peer[2]) if peer else (None, None)
            of = Failure(host=host, address=address, stage=trouble.stage, fault=trouble.fault, words=of.words)
        of = dataclasses.replace(of, action="delayed", read_as=("a listing of a mail queue",))
        yield from (dataclasses.replace(of, recipient=it) for it in re.findall(_ADDRESS, found["to"]))


def _read_all(errors: Iterable[_Error], text: str) -> Iterator[Failure]:
    for error in errors:
        for match, _ in zip(error.pattern.finditer(text), range(_MOST), strict=False):
            yield _read(error, match, text[match.end() : match.end() + _LONGEST])


def _read(error: _Error, match: re.Match[str], below: str) -> Failure:
    groups = {name: value for name, value in match.groupdict().items() if value}
    for pattern in error.beside:
        if found := pattern.search(below):
            groups = {name: value for name, value in found.groupdict().items() if value} | groups
    command = groups.get("command", "")
    stage = next((stage for stage, names in _STAGES if command in names), None)
    stage = stage or (named_stage(command) if command else None)
    reply_text = groups.get("reply", "")
    if told := _IN_REPLY_TO.search(reply_text):
        reply_text = reply_text[: told.start()]
        stage = named_stage(told[1]) if stage is None else stage
    reply = reply_lines(_ESCAPED_END.sub("\n", reply_text)) or _composed(groups)
    words = "" if reply else groups.get("why") or groups.get("text") or match[0]
    trouble = trouble_in(words, stage) if words else None
    host, address = split_host(groups.get("host", ""))
    failure = Failure(
        recipient=groups.get("recipient") or groups.get("rejected"),
        host=host,
        address=groups.get("address") or address,
        stage=trouble.stage if trouble else stage,
        reply=reply,
        status=None if reply else enhanced_in(words),
        fault=trouble.fault if trouble else None,
        words=" ".join(words.split())[:500],
        read_as=(error.read_as,),
    )
    return addressee(failure)


def _composed(groups: dict[str, str]) -> tuple[str, ...]:
    """The reply of a text from which a library has taken the code away."""
    text = groups.get("text", "").strip()
    if (begins := reply_in(text)) and code_of(text):
        return begins
    code = groups.get("code")
    number = next((code for phrase, code in _PHRASES if phrase in groups.get("phrase", "")), None)
    if code is None and number is not None:
        code = f"{(enhanced_in(text) or str(number))[0]}{number % 100:02}"
    status = "" if enhanced_in(text[:12]) else groups.get("status", "")
    return reply_lines(" ".join(filter(None, (code, status, text)))) if code and text else ()


def _is_same(one: Failure, other: Failure) -> bool:
    same = (one.recipient or other.recipient) == (other.recipient or one.recipient)
    return same and one.code == other.code and one.enhanced == other.enhanced
