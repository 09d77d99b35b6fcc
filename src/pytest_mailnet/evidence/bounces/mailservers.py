"""Bounces of commercial mail servers and of sending services: a table of their layouts.

Sources: bounces that their users quote; https://communigate.com/Guide/SMTP.html; Oracle Communications
Messaging Server System Administrator's Guide, "Notification Messages";
https://portal.smartertools.com/kb/a136 (SmarterMail).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.bounces.layouts import ADDRESS, END, Layout, in_lines, laid_out
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.values import Stage

__all__ = ["failures_in"]


_IMAIL = Layout(
    sign=re.compile(r"SMTP32"),
    field="X-Mailer",
    opens=in_lines(rf"^(?P<words>[A-Za-z][^\n:@]{{3,100}}?):?[ \t]+{ADDRESS}[ \t]*$"),
    ends=in_lines(r"^[Oo]riginal message follows"),
)
_GROUPWISE = Layout(
    sign=re.compile(r"message that you sent was undeliverable to the following"),
    opens=in_lines(rf"^[ \t]+{ADDRESS}[ \t]*(?:\(|$)"),
    details=(in_lines(r"\A(?P<reply>(?P<words>.{1,2000}?))\)[ \t]*(?=\n|\Z)"),),
    ends=in_lines(r"^(?:Possibly truncated original message|Received: )"),
)
_COMMUNIGATE = Layout(
    sign=re.compile(r"\n[ \t]*(?:Failed to deliver to|Delivery to) '"),
    opens=in_lines(rf"^[ \t]*(?:Failed to deliver to|Delivery to) '{ADDRESS}'?"),
    details=(
        in_lines(rf"\breports:[ \t]*\n?(?P<words>.{{1,2000}}?){END}"),
        in_lines(
            rf"\bhost[ \t]+(?P<server>[\w.\-\[\]]{{2,255}})[ \t]+says:[ \t]*\n?[ \t]*"
            rf"(?P<reply>.{{1,4000}}?){END}"
        ),
    ),
)
_MESSAGING_SERVER = Layout(
    sign=re.compile(
        r"\n[ \t]*Recipient address:[ \t]*\S[^\n]{0,500}\n"
        r"(?:[ \t]*Original address:[^\n]{0,500}\n)?[ \t]*Reason:"
    ),
    opens=in_lines(rf"^[ \t]*Recipient address:[ \t]*(?:[\w\-]{{1,20}};)?{ADDRESS}"),
    details=(
        in_lines(r"^[ \t]*Reason:[ \t]*(?P<words>[^\n]{1,500})"),
        in_lines(
            r"^[ \t]*Diagnostic code:[ \t]*smtp;(?P<reply>.{1,4000}?)"
            r"(?=\n[ \t]+[A-Z][a-z]+ [a-z]+:|\n[ \t]*\n|\Z)"
        ),
        in_lines(r"^[ \t]*Remote system:[ \t]*(?:dns;)?(?P<server>[^\n]{1,300})"),
    ),
    stages=(
        (re.compile(r"SMTP server has rejected address", re.IGNORECASE), Stage.RCPT),
        (re.compile(r"rejected MAIL FROM", re.IGNORECASE), Stage.MAIL),
    ),
)
_SMARTERMAIL = Layout(
    sign=re.compile(r"\n[ \t]*Failed Recipient: "),
    opens=in_lines(rf"^[ \t]*Failed Recipient:[ \t]*{ADDRESS}"),
    details=(in_lines(rf"^[ \t]*Reason:[ \t]*(?P<reply>(?P<words>.{{1,4000}}?)){END}"),),
    ends=in_lines(r"^[ \t]*-- The header and top"),
)
_MAIL2000 = Layout(
    sign=re.compile(r"\n---The following addresses had delivery errors---"),
    opens=in_lines(rf"^[ \t]*{ADDRESS}[ \t]+\["),
    details=(in_lines(r"\A(?P<reply>(?P<words>[^\n]{1,2000}?))\][ \t]*$"),),
)
# "alice:000000:<alice@shop.example> : 192.0.2.25 : mx.shop.example:[192.0.2.8] : 550 5.1.1 …  in RCPT TO"
_SENDGRID = Layout(
    sign=re.compile(r"generated message from SendGrid"),
    opens=in_lines(
        rf"^[^\n:]{{1,100}}:\w{{1,20}}:<{ADDRESS} :[ \t]*"
        rf"(?:[0-9A-Fa-f.:]{{3,45}} : (?P<server>[^\n ]{{3,300}}) : )?"
    ),
    details=(
        in_lines(
            r"\A(?P<reply>(?P<words>.{1,4000}?))"
            r"(?:[ \t]{1,4}in (?P<stage>[A-Za-z][A-Za-z ]{2,30}))?[ \t]*(?=\n|\Z)"
        ),
    ),
)
# Cisco's AsyncOS; Amazon SES once ran on it too.
_ASYNCOS = Layout(
    sign=re.compile(r"\nThe following message to <[^>\n]{3,320}> was undeliverable\."),
    opens=in_lines(rf"^The following message to {ADDRESS} was undeliverable\."),
    details=(in_lines(rf"The reason for the problem:\s{{0,20}}(?P<reply>(?P<words>.{{1,4000}}?)){END}"),),
)
_AMAZON = Layout(
    sign=re.compile(r"\nAn error occurred while trying to deliver the mail to the following recipients:"),
    opens=in_lines(rf"^[ \t]*{ADDRESS}[ \t]*$"),
    ends=in_lines(r"^(?:Technical report:|Reporting-MTA:|-{5,})"),
)
_MIMECAST = Layout(
    sign=re.compile(r"\nThis is a delivery failure notification message indicating that"),
    opens=in_lines(rf"addressed to email address :[ \t]*\n--[ \t]*{ADDRESS}"),
    details=(
        in_lines(
            rf"^Additional information follows :[ \t]*\n--[ \t]*(?P<reply>(?P<words>.{{1,4000}}?)){END}"
        ),
    ),
)
# Dovecot, for a Sieve script that rejects (RFC 5429) or a full quota; the default of its rejection_reason:
# https://doc.dovecot.org/2.3/settings/core/
_DOVECOT = Layout(
    sign=re.compile(r"\nYour message to <[^>\n]{3,320}> was automatically rejected:"),
    opens=in_lines(rf"^Your message to {ADDRESS} was automatically rejected:"),
    details=(in_lines(rf"\A\s{{0,20}}(?P<reply>(?P<words>.{{1,4000}}?)){END}"),),
)
_LAYOUTS = (
    _IMAIL,
    _GROUPWISE,
    _COMMUNIGATE,
    _MESSAGING_SERVER,
    _SMARTERMAIL,
    _MAIL2000,
    _SENDGRID,
    _ASYNCOS,
    _AMAZON,
    _MIMECAST,
    _DOVECOT,
)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce by one of these servers or services; none in any other mail."""
    return laid_out(_LAYOUTS, mail)
