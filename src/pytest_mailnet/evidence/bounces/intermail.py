"""Bounces of InterMail (Openwave Email Mx), used by telephone companies: KDDI's ezweb and au one net.

    This Message was undeliverable due to the following reason:
    The user(s) account is temporarily over quota.
    <alice@shop.example>

    Each of the following recipients was rejected by a remote mail server. …
        Recipient: <alice@shop.example>
        Reason:    5.1.1 <alice@shop.example>... User unknown

KDDI puts the same text in Japanese above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.bounces.layouts import ADDRESS, Layout, laid_out
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.failure import Failure

__all__ = ["failures_in"]

_ENDS = re.compile(
    r"^[ \t]*(?:Please reply to |-{5,}[ \t]*(?:Original|Header)|Received: (?:from|by) )",
    re.IGNORECASE | re.MULTILINE,
)
_DIALOGUE = re.compile(
    r"^[ \t]*>>>[ \t]*(?P<stage>[A-Za-z]{4}(?:[ \t]+\w{2,4}:)?)[^\n]{0,600}\n"
    r"(?:[ \t]*<<<[ \t]*[23]\d\d[^\n]{0,600}\n)?"
    r"[ \t]*<<<[ \t]*(?P<reply>[45]\d\d[ \-].{1,4000}?)(?=\n[ \t]*\n|\n[ \t]*>>>|\Z)",
    re.MULTILINE | re.DOTALL,
)
_LAYOUTS = (
    Layout(
        sign=re.compile(
            r"of the following recipients was rejected by a remote mail server"
            r"|^[ \t]*Recipient: <[^>\n]{3,320}>[ \t]*\n[ \t]*(?:Reason:|>>>)",
            re.MULTILINE,
        ),
        opens=re.compile(rf"^[ \t]*Recipient:[ \t]*{ADDRESS}", re.MULTILINE),
        details=(
            re.compile(
                r"Reason:[ \t]*(?P<words>(?P<reply>[^\n]{1,2000}"
                r"(?:\n[ \t]+[^\s:]{1,80}[ \t.,;][^\n]{0,500}){0,8}))"
            ),
            _DIALOGUE,
        ),
        ends=_ENDS,
    ),
    # "Your mail sent on: …\n Could not be delivered to: <alice@shop.example>\n As their mailbox is full."
    Layout(
        sign=re.compile(r"Your mail sent (?:on|at)\b", re.IGNORECASE),
        opens=re.compile(
            rf"^[ \t]*Could not be delivered to:?[ \t]*{ADDRESS}[ \t]*\n?", re.MULTILINE | re.IGNORECASE
        ),
        details=(re.compile(r"(?P<words>[^\n]{4,400}(?:\n[^\n]{2,400}){0,4})"),),
        ends=_ENDS,
    ),
    Layout(
        sign=re.compile(
            r"The user\(s\) account is|Message was undeliverable due to the following reason"
            r"|destination addresses were (?:unknown|invalid)"
            r"|recipients did not receive (?:this|your) message"
            r"|Following recipients? (?:was|were) rejected",
            re.IGNORECASE,
        ),
        opens=re.compile(
            r"(?:^[ \t]*(?P<words>[^\n@]{4,400}[.:])[ \t]*\n(?:[ \t]*\n){0,2})?"
            rf"^[ \t]*(?:SMTP[ \t]+|RFC822[ \t]+)?<{ADDRESS}[ \t]*$",
            re.MULTILINE,
        ),
        details=(_DIALOGUE,),
        ends=_ENDS,
    ),
)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce by InterMail; none in any other mail."""
    return laid_out(_LAYOUTS, mail)
