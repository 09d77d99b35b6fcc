"""Bounces of Gmail, Google Workspace and Google Groups.

Until 2016 they were plain texts, "Technical details of permanent failure: …". Since then they are delivery
status notifications with a page in the user's language, in which the reply is a paragraph of its own.
The cases are listed at https://support.google.com/mail/answer/6596.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from pytest_mailnet.evidence.bounces.layouts import ADDRESS, failure_of, failure_words, passages, spoken
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import Trouble, trouble_in
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.values import Stage

__all__ = ["failures_in"]

_FROM = re.compile(r"mailer-daemon@(?:googlemail|gmail|google)\.com", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"@(?:mx\.)?google\.com>?$")
_ENDS = re.compile(
    r"^[ \t]*-{3,}[ \t]*(?:Original message|Message header follows)", re.IGNORECASE | re.MULTILINE
)
_ADDRESSES = re.compile(ADDRESS)
_LISTED = re.compile(rf"^[ \t]+(?:\*[ \t]+)?{ADDRESS}[ \t]*$", re.MULTILINE)

# Behind "The error that the other server returned was:", "The response from the remote server was:", or the
# same in another language. The reply always begins a line, and ends at an empty one.
_REPLY = re.compile(r"^[ \t]*(?P<reply>[45]\d\d[ \-]\S.*?)(?=\n[ \t]*\n|\Z)", re.DOTALL | re.MULTILINE)
# "PERM_FAILURE: SMTP Error (state 14): 550 550 No such user": Google's client puts the code in front of a
# reply that has it already.
_STATE = re.compile(
    r"SMTP Error \(state \d{1,2}\):[ \t\n]*(?P<reply>[45]\d\d[ \-].*?)(?=\n[ \t]*\n|\Z)", re.DOTALL
)
# Before 2014 the reply was a sentence among others.
_INLINE = re.compile(
    r"the other server returned was:[ \t]+(?P<reply>[45]\d\d[ \-].*?)(?=\n[ \t]*\n|\Z)", re.DOTALL
)
_TWICE = re.compile(r"^([45]\d\d) (?=\1[ \-])")
_STATE_BEHIND = re.compile(r"[ \t]*\(state \d{1,2}\)\.?[ \t]*$")

# "by mx.shop.example. [192.0.2.8]."; "[(0) shop.example. [192.0.2.8]:25: Connection refused]",
# "[shop.example 192.0.2.8: socket error]", "[mx.shop.example. (10): Connection timed out]".
_REFUSED_BY = re.compile(r"\bby[ \t\n]+(?P<host>[\w.\-]{1,255}?)\.?[ \t\n]+(?P<ip>\[[0-9A-Fa-f.:]{3,45}\])")
_ATTEMPT = re.compile(
    r"^\[(?:\(\d{1,3}\) )?(?P<host>[\w.\-]{1,255}?)\.? "
    r"(?:\(\d{1,3}\)|\[?(?P<ip>[0-9A-Fa-f.:]{3,45}?)\]?(?::\d{1,5})?): (?P<why>[^\]\n]{1,300})\]",
    re.MULTILINE,
)
_NO_CONNECTION = re.compile(r"did not accept our requests to connect", re.IGNORECASE)
_NULL_MX = re.compile(r"null mx", re.IGNORECASE)
_LOOK_UP = re.compile(r"DNS Error:?[ \t\n]*(?P<why>[^\n]{1,500}(?:\n[^\n]{1,500})?)")
_DNS_FAULTS: tuple[tuple[re.Pattern[str], FaultName], ...] = (
    (re.compile(r"NXDOMAIN|(?:domain|name) not found|does(?:n't| not) exist", re.IGNORECASE), "dns-nxdomain"),
    (re.compile(r"SERVFAIL|returned (?:general|server) failure|server fail", re.IGNORECASE), "dns-servfail"),
    (re.compile(r"REFUSED", re.IGNORECASE), "dns-refused"),
    (re.compile(r"timed? ?out|DEADLINE|timeout", re.IGNORECASE), "dns-time-out"),
    (re.compile(r"no data|NODATA|NOERROR|no (?:mx|valid mx|address) ", re.IGNORECASE), "dns-nodata"),
)
_DELAYED = re.compile(
    r"has been delayed|\(delay\)|will be retried|will retry|Delivery incomplete", re.IGNORECASE
)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce by Google; none in any other mail."""
    if not _is_of_google(mail):
        return
    text = spoken(mail, _ENDS)
    late = _DELAYED.search(mail.subject) or _DELAYED.search(text)
    for recipient, passage in _recipients(mail, text):
        failure = _failure(recipient, passage)
        yield dataclasses.replace(failure, action="delayed") if late else failure


def _is_of_google(mail: BouncedMail) -> bool:
    if _FROM.search(str(mail.head["From"] or "")):
        return True
    return bool(mail.head["X-Failed-Recipients"] and _MESSAGE_ID.search(str(mail.head["Message-ID"] or "")))


def _recipients(mail: BouncedMail, text: str) -> Iterator[tuple[str, str]]:
    """Each failed recipient with its part of the text, or with the whole text if it is not divided."""
    if listed := [(it["address"], passage) for it, passage in passages(_LISTED, text, mail.sender)]:
        yield from listed
        return
    named = [it["address"] for it in _ADDRESSES.finditer(str(mail.head["X-Failed-Recipients"] or ""))]
    if not named:
        # "Your message wasn't delivered to alice@shop.example …", in any language: take the first address.
        others = (it["address"] for it in _ADDRESSES.finditer(text))
        named = [it for it in others if it.lower() != (mail.sender or "").lower()][:1]
    for address in dict.fromkeys(named):
        yield address, text


def _failure(recipient: str, text: str) -> Failure:
    if found := _STATE.search(text) or _INLINE.search(text) or _REPLY.search(text):
        reply = _TWICE.sub("", _STATE_BEHIND.sub("", found["reply"].strip()))
        by = _REFUSED_BY.search(text)
        return failure_of(recipient, reply, server=f"{by['host']} {by['ip']}" if by else "")
    attempt = _ATTEMPT.search(text)
    trouble = _trouble(text, attempt["why"] if attempt else "")
    return dataclasses.replace(
        failure_of(recipient, "", server=f"{attempt['host']} {attempt['ip'] or ''}" if attempt else ""),
        fault=trouble.fault if trouble else None,
        stage=trouble.stage if trouble else None,
        words=failure_words(text),
    )


def _trouble(text: str, why: str) -> Trouble | None:
    if found := _LOOK_UP.search(text):
        # A null MX (RFC 7505) is an answer, not a fault of DNS.
        if _NULL_MX.search(text):
            return None
        return next((Trouble(fault, None) for sign, fault in _DNS_FAULTS if sign.search(found["why"])), None)
    if why and (trouble := trouble_in(why, Stage.CONNECT)):
        return trouble
    # Behind "socket error" Google does not give the system's error, only that the server did not accept.
    if _NO_CONNECTION.search(text):
        return Trouble("refused-at-connect", Stage.CONNECT)
    return trouble_in(text)
