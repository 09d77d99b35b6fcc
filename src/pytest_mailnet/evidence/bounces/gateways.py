"""Bounces of products that stand between a mail server and the world, and look at mail for spam and viruses.

A table of how each lays its bounces out, as their users quote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.bounces.layouts import ADDRESS, Layout, laid_out
from pytest_mailnet.evidence.bounces.mail import Mail
from pytest_mailnet.evidence.failure import Failure

__all__ = ["failures_in"]


def _lines(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE | re.DOTALL)


_ALONE = _lines(rf"^[ \t]*{ADDRESS}[ \t]*$")
_END = r"(?=\n[ \t]*\n|\Z)"

_M_FILTER = Layout(
    sign=_lines(r"^-------server message"),
    opens=_ALONE,
    details=(
        _lines(r"^-------server message[^\n]*\n(?P<reply>(?P<words>.{1,4000}?))(?=\n[ \t]*\n|\n-------)"),
        _lines(r"^-------SMTP command[^\n]*\n[ \t]*(?P<stage>\S[^\n]{0,600})"),
    ),
    ends=_lines(r"^-------original message"),
)
_INTERSCAN_RECIPIENT = Layout(
    sign=_lines(r"^[ \t]*Sent <<< RCPT"),
    opens=_lines(
        rf"^[ \t]*Sent <<< (?P<stage>RCPT TO):[ \t]*{ADDRESS}[^\n]{{0,300}}\n"
        rf"[ \t]*Received >>> (?P<reply>[45]\d\d[^\n]{{1,2000}}(?:\n[ \t]*[45]\d\d[^\n]{{1,2000}}){{0,20}})"
    ),
)
_INTERSCAN = Layout(
    sign=_lines(r"^[ \t]*Sent <<< "),
    opens=_lines(rf"(?:Unable to deliver (?:the )?message to|Sent <<< RCPT TO):?[ \t]*{ADDRESS}"),
    details=(
        _lines(
            r"^[ \t]*Sent <<< (?P<stage>[^\n]{1,600})\n"
            r"[ \t]*Received >>> (?P<reply>[45]\d\d[^\n]{1,2000}(?:\n[ \t]*[45]\d\d[^\n]{1,2000}){0,20})"
        ),
    ),
)
_SURFCONTROL = Layout(
    sign=_lines(r"^A transcript of the attempts to send the message follows"),
    opens=_lines(rf"^{ADDRESS}:[ \t]*(?P<server>\[[0-9A-Fa-f.:]{{3,45}}\]),[ \t]*"),
    details=(_lines(r"\A(?P<reply>(?P<words>.{1,2000}?))(?=\n---|\n[ \t]*\n|\Z)"),),
)
_SURFCONTROL_BEFORE_A_HOST = Layout(
    sign=_SURFCONTROL.sign,
    opens=_lines(rf"^Addressed To:[ \t]*{ADDRESS}"),
)
_MX_LOGIC = Layout(
    sign=re.compile(r"<?mxl~|mxlogic", re.IGNORECASE),
    field="Message-ID",
    opens=_lines(rf"^[ \t]+<{ADDRESS}:[ \t]*"),
    details=(_lines(rf"\A(?P<reply>(?P<words>.{{1,2000}}?)){_END}"),),
    ends=_lines(r"^Included is a copy of the message header"),
)
_MCAFEE = Layout(
    sign=_lines(r"^[ \t]*--- The following addresses had delivery problems ---"),
    opens=_lines(rf"^<{ADDRESS}[ \t]*\("),
    details=(_lines(r"\A(?P<reply>(?P<words>[^\n]{1,2000}?))\)[ \t]*$"),),
)
_MESSAGELABS = Layout(
    sign=_lines(r"^This is the mail delivery agent at [\w.\-]{1,100}\."),
    opens=_lines(rf"^[ \t]*{ADDRESS}[ \t]*$"),
    details=(_lines(rf"^Reason:[ \t]*(?P<reply>(?P<words>.{{1,4000}}?)){_END}"),),
    ends=_lines(r"^The message subject was:"),
)
_MAIL_MARSHAL = Layout(
    sign=_lines(r"^Could not be delivered because of"),
    # The reply stands before the recipients, and holds for all of them.
    opens=_lines(rf"(?<=\n)[ \t]+{ADDRESS}[ \t]*$"),
    details=(
        _lines(
            rf"^Could not be delivered because of[^\n]*\n\s{{0,40}}(?P<reply>(?P<words>\S.{{1,4000}}?)){_END}"
        ),
    ),
    ends=_lines(r"^(?:Additional Information|Message Details|-{5,}[ \t]*Original)"),
)
_BARRACUDA = Layout(
    sign=_lines(r"was blocked by our Spam Firewall"),
    opens=_lines(rf"Your message to:?[ \t]*{ADDRESS}[ \t]*"),
    ends=_lines(r"^(?:Subject|Reporting-MTA):"),
)
# Of a product without a name that sends by qmail's words: "STEP: DATA SEND".
_STEP = Layout(
    sign=_lines(r"^[ \t]*STEP: ?[A-Z]"),
    opens=_lines(rf"^[ \t]*Delivery failed:[ \t]*{ADDRESS}"),
    details=(
        _lines(r"^[ \t]*(?P<server>[0-9A-Fa-f.:]{3,45}|[\w.\-]{4,255}) (?:failed|does not|did not)"),
        _lines(
            r"Remote host said(?:\[[^\]\n]{1,60}\])?:[ \t]*(?P<reply>(?P<words>.{1,4000}?))"
            r"(?=\n[ \t]*STEP:|\Z)"
        ),
        _lines(r"^[ \t]*STEP:[ \t]*(?P<stage>[^\n]{1,100})"),
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


def failures_in(mail: Mail) -> Iterator[Failure]:
    """What a bounce of such a product tells of each recipient."""
    return laid_out(_LAYOUTS, mail)
