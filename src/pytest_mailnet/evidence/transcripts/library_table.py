"""The errors that mail libraries print: how each is recognised, and where the facts stand in it."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["ADDRESS", "LIBRARY_ERRORS", "REPLY", "TEXT", "LibraryError", "library_error"]

REPLY = r"(?P<reply>[45]\d\d[ -][^\n]{0,2000}(?:\n[ \t]*[45]\d\d[ -][^\n]{0,2000}){0,50})"
"""Matches a reply, and those of the next lines that go on with it."""

TEXT = r"(?P<text>[^\n]{0,2000})"
"""Matches the text of a reply without its code, up to the end of the line."""

ADDRESS = r"[^\s<>\"',;:()\[\]]{1,64}@[\w.-]{1,255}"
"""Matches an address."""

# The innermost function that tells the command, in the stack below.
_IN_JAVAMAIL = (
    r"^.*?SMTPTransport\.(?P<command>openServer|ehlo|helo|startTLS|mailFrom|rcptTo|data|finishData)\("
)
_IN_RUBY = r"[`'](?:[\w:]{1,30}#)?(?P<command>do_helo|tlsconnect|starttls|mailfrom|rcptto|data)'"


class LibraryError(NamedTuple):
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


def library_error(read_as: str, pattern: str, *beside: str) -> LibraryError:
    """A kind of error, by the texts of its patterns: the ones of what is beside it see several lines."""
    return LibraryError(
        read_as, re.compile(pattern, re.MULTILINE), tuple(re.compile(it, re.DOTALL) for it in beside)
    )


LIBRARY_ERRORS = (
    library_error(
        "nodemailer's error",
        r"(?:^|Error: )(?:Can't send mail - all recipients were rejected"
        r"|(?P<command>Recipient|Mail|Data|EHLO|HELO|STARTTLS|AUTH\w*) command failed"
        rf"|Invalid login|Invalid greeting[^:]*): {REPLY}",
        r"command: '(?P<command>[^'\n]{1,60})'",
        rf"^(?:(?!\n[^\n]*Error: ).)*?recipient: '(?P<recipient>{ADDRESS})'"
        rf"|rejected: \[ '(?P<rejected>{ADDRESS})' \]",
    ),
    library_error("nodemailer's error", rf"(?:^|Error: )(?P<command>Message) failed: {REPLY}"),
    library_error(
        "nodemailer's error",
        r"(?:^|Error: )(?P<why>(?:connect|getaddrinfo|query\w{1,5}) E[A-Z_]{3,20} ?(?P<host>[^\s:]{0,255})"
        r"[^\n]{0,80}|Greeting never received|Connection (?:timeout|closed unexpectedly))"
        r"(?=\n(?:.*\n){0,40}?.* command: 'CONN')",
    ),
    # Its stack without the fields: that it is of mail, the port or the host's name tells.
    library_error(
        "nodemailer's error",
        r"(?:^|Error: )(?P<why>(?:connect E[A-Z_]{3,20} (?P<address>\S{1,60}):(?:25|465|587|2525)"
        r"|getaddrinfo E[A-Z_]{3,20} (?P<host>(?:smtp|mail|mx)[\w-]{0,60}\.[\w.-]{1,255}))\b)",
    ),
    library_error(
        "an exception of JavaMail",
        rf"(?P<command>SMTPAddress|SMTPSender|Authentication)FailedException: {REPLY}",
    ),
    library_error("an exception of JavaMail", rf"SMTPSendFailedException: {REPLY}", _IN_JAVAMAIL),
    library_error(
        "an exception of JavaMail",
        r"MessagingException: (?P<why>(?:Exception reading response|Can't send command to SMTP host"
        r"|Could not convert socket to TLS)[^\n]{0,200}(?:\n[^\n]{0,200}){0,2})",
        _IN_JAVAMAIL,
    ),
    library_error(
        "an exception of JavaMail",
        r"Mail(?P<command>Connect)Exception: (?P<why>Couldn't connect to host, port: (?P<host>[^\s,]+), \d+"
        rf"{TEXT}(?:\n[^\n]{{0,200}}){{0,2}})",
    ),
    library_error(
        "an exception of .NET",
        r"Smtp(?:Failed(?P<command>Recipient)s?)?Exception: (?P<phrase>[^\n]{1,200}?) "
        rf"The server response was: {TEXT}",
        r"^.*?Mail\.(?P<command>Mail|Recipient|Data|DataStop)Command\.CheckResponse",
    ),
    library_error(
        "an exception of .NET", r"SmtpException: (?P<why>Failure sending mail\.(?:\n[^\n]{0,300}){1,3})"
    ),
    library_error(
        "an exception of MailKit", rf"\b(?P<command>Authentication)Exception: (?P<code>[45]\d\d): {TEXT}"
    ),
    library_error(
        "an exception of MailKit",
        rf"SmtpCommandException: {TEXT}",
        r"(?P<command>Recipient|Sender|Message)NotAccepted",
    ),
    library_error("an error of lettre", rf"(?:permanent|transient) error \((?P<code>[45]\d\d)\): {TEXT}"),
    library_error(
        "an error of lettre",
        r"Error \{ kind: \w{1,20}\((?P<code>[45]\d\d)\), source: \"(?P<text>[^\"\n]{1,2000})\"",
    ),
    library_error(
        "an error of lettre",
        r"Error \{ kind: \w{1,20}\(Code \{ severity: (?P<severity>\w{1,30}), category: "
        r"(?P<category>\w{1,30}), detail: (?P<detail>\w{1,10}) \}\), source: \"(?P<text>[^\"\n]{1,2000})\"",
    ),
    library_error(
        "an error of gen_smtp",
        r":?(?:permanent|temporary)_failure, ?(?:~c|<<)?[\"']?(?P<host>[\w.-]{1,255})[\"']?(?:>>)?, ?"
        r"(?:<<)?\"(?P<reply>[45]\d\d[^\"\n]{1,2000})\"",
    ),
    library_error(
        "an error of gen_smtp",
        r"network_failure, ?(?:~c)?[\"']?(?P<host>[\w.-]{1,255})[\"']?, ?(?P<why>\{[^\n]{1,200})",
    ),
    library_error(
        "an exception of Symfony Mailer or SwiftMailer",
        r"Expected response code [^\n]{1,40}? but got (?:code )?\"?(?:[45]\d\d)\"?, with message "
        r"\"(?P<reply>[45]\d\d[^\"]{1,2000})\"",
        # The session follows, in one line or several; the last command is the one that was refused.
        r"^(?:(?!!!).){0,4000}>> (?P<command>[A-Z]{4}[A-Z :]{0,8}|\.)[^>]{0,400}?\s<< [45]\d\d",
        rf">> RCPT TO: ?<(?P<recipient>{ADDRESS})>",
    ),
    library_error(
        "an exception of Symfony Mailer or SwiftMailer",
        r"(?P<why>(?P<command>Connect)ion could not be established with host \"?(?:\w{1,9}://)?(?P<host>[\w.-]{1,255})"
        r"[^\n]{0,500})",
    ),
    library_error(
        "an error of PHPMailer",
        rf"SMTP Error: The following (?P<command>recipient)s failed: (?P<recipient>{ADDRESS})"
        r"(?:: (?P<why>[^\n]{0,500}))?",
    ),
    library_error("an error of PHPMailer", r"(?P<why>SMTP Error: Could not (?P<command>auth)enticate)"),
    library_error(
        "an error of PHPMailer",
        r"SMTP server error: (?P<command>[A-Z ]{3,20}) command failed Detail: (?P<text>[^\n]{0,2000}?) "
        r"SMTP code: (?P<code>[45]\d\d)(?: Additional SMTP info: (?P<status>[45]\.\d{1,3}\.\d{1,3}))?",
    ),
    library_error(
        "an error of Go's net package",
        r"(?P<why>dial tcp (?:lookup )?(?P<host>\S{1,255}?):(?:25|465|587|2525)(?: on \S{1,80})?: "
        r"[^\n]{1,200})",
    ),
    library_error(
        "an error of Go's net package",
        r"(?P<why>dial tcp: lookup (?P<host>(?:smtp|mail|mx)[\w-]{0,60}\.[\w.-]{1,255})(?: on \S{1,80})?: "
        r"[^\n]{1,200})",
    ),
    library_error(
        "an error of Go's crypto/tls",
        r"^(?=[^\n]{0,500}(?i:mail|smtp))[^\n]{0,500}?(?P<why>tls: [^\n]{0,60}?x509: [^\n]{1,300})",
    ),
    library_error(
        "an error of Go's net/textproto",
        r"textproto\.Error\{Code:(?P<code>[45]\d\d), Msg:\"(?P<text>[^\"\n]{1,2000})\"",
    ),
    library_error(
        "an exception of Ruby's net/smtp", rf"Net::SMTP\w{{1,40}}(?:Error|Busy)(?:\)?: | \(){REPLY}"
    ),
    library_error(
        "an exception of Ruby's net/smtp",
        r"(?P<why>(?:Errno::E[A-Z]{3,20}|Net::OpenTimeout|SocketError|OpenSSL::SSL::SSLError): [^\n]{1,300})"
        r"(?=(?:\n[^\n]{0,300}){1,20}?net/smtp\.rb)",
        rf"^.*?net/smtp\.rb:\d{{1,5}}:in {_IN_RUBY}",
    ),
    # Where the reply was read stands in `protocol.rb`: without the command nothing tells the stage.
    library_error(
        "an exception of Ruby's net/smtp",
        r"(?P<why>(?:Net::ReadTimeout|EOFError): [^\n]{1,300})"
        rf"(?=(?:\n[^\n]{{0,300}}){{1,20}}?net/smtp\.rb:\d{{1,5}}:in {_IN_RUBY})",
    ),
    library_error(
        "an exception of Ruby's net/smtp", rf"^(?:[^\n]{{0,300}}: )?{REPLY} \(Net::SMTP\w{{1,40}}\)"
    ),
    library_error(
        "an error of Exchange's queue",
        r"\{LED=(?P<reply>[45]\d\d[ -][^}\n]{1,2000})\}",
        r"\{FQDN=(?P<host>[\w.-]{1,255})\}",
    ),
)
"""The kinds of errors; a sample of each is in the tests."""
