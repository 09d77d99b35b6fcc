"""Errors as mail libraries print them, each with the reply that it was raised for.

One table for all: what marks an error, and where its reply, code, recipient and command stand. Python's are
in `exceptions`, since they need the frames around them. The forms are those of nodemailer, JavaMail and Angus
Mail, .NET, MailKit, lettre, gen_smtp, Symfony Mailer and SwiftMailer, PHPMailer, Ruby's net/smtp and Go's net
package; a sample of each is in the tests.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
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


class _Error(NamedTuple):
    """One kind of error.

    Attributes:
        pattern: matches it, with some of the groups "reply", "code", "phrase", "text", "recipient",
            "command", "host", "address", "status", "why".
        stage: the stage at which it is raised; None if the group "command" or nothing tells.
        beside: patterns of what is printed below it, with some of the same groups.
    """

    pattern: re.Pattern[str]
    stage: Stage | None = None
    beside: tuple[re.Pattern[str], ...] = ()


def _error(pattern: str, stage: Stage | None = None, *beside: str) -> _Error:
    return _Error(re.compile(pattern, re.MULTILINE), stage, tuple(re.compile(it, re.DOTALL) for it in beside))


_ERRORS = (
    _error(
        r"(?:^|Error: )(?:Can't send mail - all recipients were rejected"
        r"|(?P<command>Recipient|Mail|Data|EHLO|HELO|STARTTLS|AUTH\w*) command failed"
        rf"|Invalid login|Invalid greeting[^:]*): {_REPLY}",
        None,
        r"command: '(?P<command>[^'\n]{1,60})'",
        rf"recipient: '(?P<recipient>{_ADDRESS})'|rejected: \[ '(?P<rejected>{_ADDRESS})'",
    ),
    _error(rf"(?:^|Error: )Message failed: {_REPLY}", Stage.MESSAGE),
    _error(
        r"(?:^|Error: )(?P<why>(?:connect|getaddrinfo|query\w{1,5}) E[A-Z_]{3,20} ?(?P<host>[^\s:]{0,255})"
        r"[^\n]{0,80}|Greeting never received|Connection (?:timeout|closed unexpectedly))"
        r"(?=\n(?:.*\n){0,40}? +command: 'CONN')"
    ),
    _error(rf"SMTPAddressFailedException: {_REPLY}", Stage.RCPT),
    _error(rf"SMTPSenderFailedException: {_REPLY}", Stage.MAIL),
    _error(rf"AuthenticationFailedException: {_REPLY}", Stage.AUTH),
    _error(rf"SMTPSendFailedException: {_REPLY}"),
    _error(
        rf"MailConnectException: (?P<why>Couldn't connect to host, port: (?P<host>[^\s,]+), \d+{_TEXT}"
        r"(?:\n[^\n]{0,200}){0,2})",
        Stage.CONNECT,
    ),
    _error(
        rf"SmtpFailedRecipients?Exception: (?P<phrase>[^\n]{{1,200}}?) The server response was: {_TEXT}",
        Stage.RCPT,
    ),
    _error(rf"SmtpException: (?P<phrase>[^\n]{{1,200}}?) The server response was: {_TEXT}"),
    _error(rf"\bAuthenticationException: (?P<code>[45]\d\d): {_TEXT}", Stage.AUTH),
    _error(rf"SmtpCommandException: {_TEXT}", None, r"(?P<command>Recipient|Sender|Message)NotAccepted"),
    _error(r"SmtpException: (?P<why>Failure sending mail\.(?:\n[^\n]{0,300}){1,3})"),
    _error(rf"(?:permanent|transient) error \((?P<code>[45]\d\d)\): {_TEXT}"),
    _error(
        r":?(?:permanent|temporary)_failure, ?(?:~c)?[\"']?(?P<host>[\w.-]{1,255})[\"']?, ?"
        r"(?:<<)?\"(?P<reply>[45]\d\d[^\"\n]{1,2000})\""
    ),
    _error(
        r"Expected response code [^\n]{1,40}? but got (?:code )?\"?(?:[45]\d\d)\"?, with message "
        r"\"(?P<reply>[45]\d\d[^\"]{1,2000})\"",
        None,
        # The session follows, in one line or several; the last command is the one that was refused.
        r"^(?:(?!!!).){0,4000}>> (?P<command>[A-Z]{4}[A-Z :]{0,8}|\.)[^>]{0,400}?\s<< [45]\d\d",
        rf">> RCPT TO: ?<(?P<recipient>{_ADDRESS})>",
    ),
    _error(
        rf"SMTP Error: The following recipients failed: (?P<recipient>{_ADDRESS})"
        r"(?:: (?P<why>[^\n]{0,500}))?",
        Stage.RCPT,
    ),
    _error(r"(?P<why>SMTP Error: Could not authenticate)", Stage.AUTH),
    _error(
        r"SMTP server error: (?P<command>[A-Z ]{3,20}) command failed Detail: (?P<text>[^\n]{0,2000}?) "
        r"SMTP code: (?P<code>[45]\d\d)(?: Additional SMTP info: (?P<status>[45]\.\d{1,3}\.\d{1,3}))?"
    ),
    _error(
        r"(?P<why>Connection could not be established with host \"?(?:\w{1,9}://)?(?P<host>[\w.-]{1,255})"
        r"[^\n]{0,500})",
        Stage.CONNECT,
    ),
    _error(
        r"Error \{ kind: (?:Permanent|Transient)\((?P<code>[45]\d\d)\), source: \"(?P<text>[^\"\n]{1,2000})\""
    ),
    _error(r"network_failure, ?(?:~c)?[\"']?(?P<host>[\w.-]{1,255})[\"']?, ?(?P<why>\{[^\n]{1,200})"),
    _error(
        r"(?P<why>dial tcp (?:lookup )?(?P<host>\S{1,255}?):(?:25|465|587|2525)(?: on \S{1,80})?: "
        r"[^\n]{1,200})"
    ),
    _error(rf"Net::SMTP\w{{1,40}}(?:Error|Busy)\)?: {_REPLY}"),
    _error(rf"^(?:[^\n]{{0,300}}: )?{_REPLY} \(Net::SMTP\w{{1,40}}\)"),
    _error(r"\{LED=(?P<reply>[45]\d\d[ -][^}\n]{1,2000})\}", None, r"\{FQDN=(?P<host>[\w.-]{1,255})\}"),
)
# Postfix's SMTP client, in whatever its words have been copied into.
_SAID = _error(
    r"\b(?:host|server) (?P<host>[^\s\[]{1,255})\[(?P<address>[^\]\s]{1,60})\](?::\d+)? "
    rf"(?:said|(?P<refused>refused to talk to me)): {_REPLY}"
)
# A reply as the Rust crate smtp-proto writes it, and so Stalwart and mail-send.
_CODED = _error(
    r"Code: (?P<code>[45]\d\d), Enhanced code: (?P<status>\d\.\d{1,3}\.\d{1,3}), "
    r"Message: (?P<text>[^\"\n]{1,2000})"
)
# What no library names, in the words of any program: surely a reply, since it has an enhanced code.
_BARE = _error(rf"(?:^|(?<=: ))(?=(?P<class>[45])\d\d[ -](?P=class)\.\d{{1,3}}\.\d{{1,3}} ){_REPLY}")
# A mail in Postfix's and in Sendmail's queue: the reason, and the recipients that it holds for.
_QUEUED = re.compile(
    rf"^[ \t]*\((?P<why>[^\n]{{5,2000}})\)\n(?P<to>(?:[ \t]{{8,80}}<?{_ADDRESS}>?[ \t]*(?:\n|\Z))+)",
    re.MULTILINE,
)
# .NET tells the code by a phrase.
_PEER = re.compile(
    r"(?:connect to|connection with|conversation with|host) ([^\s\[]{1,255})\[([^\]\s]{1,60})\]"
)
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
_COMMANDS = {
    ".": Stage.MESSAGE,
    "DATA END": Stage.MESSAGE,
    "Recipient": Stage.RCPT,
    "Mail": Stage.MAIL,
    "Sender": Stage.MAIL,
    "Message": Stage.MESSAGE,
}
_IN_REPLY_TO = re.compile(r" ?\(in reply to ([^()\n]{1,60})\)+\s*$")


def failures_in(text: str) -> list[Failure]:
    """The failures in errors of mail libraries, each once, though printed with causes and fields."""
    found: dict[tuple[str | None, int | None, str], Failure] = {}
    if queued := list(_queued(text)):
        return queued
    for error in _ERRORS:
        for match, _ in zip(error.pattern.finditer(text), range(_MOST), strict=False):
            failure = _read(error, match, text[match.end() : match.end() + _LONGEST])
            known = next((it for it in found if _same(found[it], failure)), None)
            key = known or (failure.recipient, failure.code, " ".join(failure.reply))
            found[key] = found[key].completed_by(failure) if key in found else failure
    return list(found.values())


def failures_said(text: str, *, bare: bool = False) -> list[Failure]:
    """The failures in words of Postfix's SMTP client: "host mx.shop.example[192.0.2.8] said: 550 No".

    Args:
        text: the text.
        bare: whether a reply alone will do, if it has an enhanced code.
    """
    for error in (_SAID, _CODED, *([_BARE] if bare else [])):
        matches = zip(error.pattern.finditer(text), range(_MOST), strict=False)
        if found := [_read(error, match, "") for match, _ in matches]:
            return found
    return []


def _queued(text: str) -> Iterator[Failure]:
    for found in _QUEUED.finditer(text):
        said = failures_said(found["why"], bare=True)
        trouble = trouble_in(found["why"])
        if said:
            of = said[0]
        elif trouble is not None:
            peer = _PEER.search(found["why"])
            host, address = (split_host(peer[1])[0], peer[2]) if peer else (None, None)
            of = Failure(
                host=host, address=address, stage=trouble.stage, fault=trouble.fault, words=found["why"][:500]
            )
        else:
            of = Failure(words=found["why"][:500])
        for recipient in re.findall(_ADDRESS, found["to"]):
            yield dataclasses.replace(of, recipient=recipient, action="delayed")


def addressee(failure: Failure) -> Failure:
    """A failure with the recipient that its reply names, if nothing else has named one."""
    if failure.recipient is not None or failure.stage not in {None, Stage.RCPT}:
        return failure
    found = _ADDRESSED.search(" ".join(failure.reply) or failure.words)
    return dataclasses.replace(failure, recipient=found[1]) if found else failure


def _read(error: _Error, match: re.Match[str], below: str) -> Failure:
    groups = {name: value for name, value in match.groupdict().items() if value}
    for pattern in error.beside:
        if found := pattern.search(below):
            groups = {name: value for name, value in found.groupdict().items() if value} | groups
    command = groups.get("command", "")
    stage = error.stage or _COMMANDS.get(command) or (named_stage(command) if command else None)
    if "reply" in groups and (told := _IN_REPLY_TO.search(groups["reply"])):
        groups["reply"] = groups["reply"][: told.start()]
        stage = stage or named_stage(told[1])
    if "refused" in groups and stage is None:
        stage = Stage.CONNECT
    reply = reply_lines(_ESCAPED_END.sub("\n", groups.get("reply", ""))) or _composed(groups)
    words = "" if reply else groups.get("why") or groups.get("text") or match[0]
    trouble = trouble_in(words, stage) if words else None
    host, address = split_host(groups.get("host", ""))
    return addressee(
        Failure(
            recipient=groups.get("recipient") or groups.get("rejected"),
            host=host,
            address=groups.get("address") or address,
            stage=trouble.stage if trouble else stage,
            reply=reply,
            status=None if reply else enhanced_in(words),
            fault=trouble.fault if trouble else None,
            words=" ".join(words.split())[:500],
        )
    )


def _composed(groups: dict[str, str]) -> tuple[str, ...]:
    """The reply of a text from which a library has taken the code away."""
    text = groups.get("text", "").strip()
    if (begins := reply_in(text)) and code_of(text):
        return begins
    code = groups.get("code")
    if code is None and "phrase" in groups:
        number = next((code for phrase, code in _PHRASES if phrase in groups["phrase"]), None)
        code = None if number is None else f"{(enhanced_in(text) or str(number))[0]}{number % 100:02}"
    status = "" if enhanced_in(text[:12]) else groups.get("status", "")
    return reply_lines(" ".join(filter(None, (code, status, text)))) if code and text else ()


def _same(one: Failure, other: Failure) -> bool:
    same = (one.recipient or other.recipient) == (other.recipient or one.recipient)
    return same and one.code == other.code and one.enhanced == other.enhanced
