"""Bounces of mail gateways: products in front of a mail server that filter spam and viruses.

A table of their layouts, from bounces that their users quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.bounces.layouts import ADDRESS, END, Layout, in_lines, laid_out
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.failure import Failure

__all__ = ["failures_in"]


_ALONE = in_lines(rf"^[ \t]*{ADDRESS}[ \t]*$")

_M_FILTER = Layout(
    sign=re.compile(r"\n-------server message"),
    opens=_ALONE,
    details=(
        in_lines(r"^-------server message[^\n]*\n(?P<reply>(?P<words>.{1,4000}?))(?=\n[ \t]*\n|\n-------)"),
        in_lines(r"^-------SMTP command[^\n]*\n[ \t]*(?P<stage>\S[^\n]{0,600})"),
    ),
    ends=in_lines(r"^-------original message"),
)
_INTERSCAN_RECIPIENT = Layout(
    sign=re.compile(r"\n[ \t]*Sent <<< RCPT"),
    opens=in_lines(
        rf"^[ \t]*Sent <<< (?P<stage>RCPT TO):[ \t]*{ADDRESS}[^\n]{{0,300}}\n"
        rf"[ \t]*Received >>> (?P<reply>[45]\d\d[^\n]{{1,2000}}(?:\n[ \t]*[45]\d\d[^\n]{{1,2000}}){{0,20}})"
    ),
)
_INTERSCAN = Layout(
    sign=re.compile(r"\n[ \t]*Sent <<< "),
    opens=in_lines(rf"(?:Unable to deliver (?:the )?message to|Sent <<< RCPT TO):?[ \t]*{ADDRESS}"),
    details=(
        in_lines(
            r"^[ \t]*Sent <<< (?P<stage>[^\n]{1,600})\n"
            r"[ \t]*Received >>> (?P<reply>[45]\d\d[^\n]{1,2000}(?:\n[ \t]*[45]\d\d[^\n]{1,2000}){0,20})"
        ),
    ),
)
_SURFCONTROL = Layout(
    sign=re.compile(r"\nA transcript of the attempts to send the message follows"),
    opens=in_lines(rf"^{ADDRESS}:[ \t]*(?P<server>\[[0-9A-Fa-f.:]{{3,45}}\]),[ \t]*"),
    details=(in_lines(r"\A(?P<reply>(?P<words>.{1,2000}?))(?=\n---|\n[ \t]*\n|\Z)"),),
)
_SURFCONTROL_BEFORE_A_HOST = Layout(
    sign=_SURFCONTROL.sign,
    opens=in_lines(rf"^Addressed To:[ \t]*{ADDRESS}"),
)
_MX_LOGIC = Layout(
    sign=re.compile(r"<?mxl~|mxlogic", re.IGNORECASE),
    field="Message-ID",
    opens=in_lines(rf"^[ \t]+<{ADDRESS}:[ \t]*"),
    details=(in_lines(rf"\A(?P<reply>(?P<words>.{{1,2000}}?)){END}"),),
    ends=in_lines(r"^Included is a copy of the message header"),
)
_MCAFEE = Layout(
    sign=re.compile(r"\n[ \t]*--- The following addresses had delivery problems ---"),
    opens=in_lines(rf"^<{ADDRESS}[ \t]*\("),
    details=(in_lines(r"\A(?P<reply>(?P<words>[^\n]{1,2000}?))\)[ \t]*$"),),
)
_MESSAGELABS = Layout(
    sign=re.compile(r"\nThis is the mail delivery agent at [\w.\-]{1,100}\."),
    opens=in_lines(rf"^[ \t]*{ADDRESS}[ \t]*$"),
    details=(in_lines(rf"^Reason:[ \t]*(?P<reply>(?P<words>.{{1,4000}}?)){END}"),),
    ends=in_lines(r"^The message subject was:"),
)
_MAIL_MARSHAL = Layout(
    sign=re.compile(r"\nCould not be delivered because of"),
    # The reply stands above the recipients, and is for all of them.
    opens=in_lines(rf"(?<=\n)[ \t]+{ADDRESS}[ \t]*$"),
    details=(
        in_lines(
            rf"^Could not be delivered because of[^\n]*\n\s{{0,40}}(?P<reply>(?P<words>\S.{{1,4000}}?)){END}"
        ),
    ),
    ends=in_lines(r"^(?:Additional Information|Message Details|-{5,}[ \t]*Original)"),
)
_BARRACUDA = Layout(
    sign=re.compile(r"was blocked by our Spam Firewall"),
    opens=in_lines(rf"Your message to:?[ \t]*{ADDRESS}[ \t]*"),
    ends=in_lines(r"^(?:Subject|Reporting-MTA):"),
)
# An unknown product with qmail's wording: "STEP: DATA SEND".
_STEP = Layout(
    sign=re.compile(r"\n[ \t]*STEP: ?[A-Z]"),
    opens=in_lines(rf"^[ \t]*Delivery failed:[ \t]*{ADDRESS}"),
    details=(
        in_lines(r"^[ \t]*(?P<server>[0-9A-Fa-f.:]{3,45}|[\w.\-]{4,255}) (?:failed|does not|did not)"),
        in_lines(
            r"Remote host said(?:\[[^\]\n]{1,60}\])?:[ \t]*(?P<reply>(?P<words>.{1,4000}?))"
            r"(?=\n[ \t]*STEP:|\Z)"
        ),
        in_lines(r"^[ \t]*STEP:[ \t]*(?P<stage>[^\n]{1,100})"),
    ),
)
_LAYOUTS = (
    _M_FILTER,
    _INTERSCAN_RECIPIENT,
    _INTERSCAN,
    _SURFCONTROL,
    _SURFCONTROL_BEFORE_A_HOST,
    _MX_LOGIC,
    _MCAFEE,
    _MESSAGELABS,
    _MAIL_MARSHAL,
    _BARRACUDA,
    _STEP,
)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce by one of these products; none in any other mail."""
    return laid_out(_LAYOUTS, mail)
