"""Errors of DNS, connections and TLS, recognised by the wording of programs and operating systems."""

from __future__ import annotations

import re
from typing import NamedTuple, cast

from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.values import Stage

__all__ = ["Trouble", "trouble_in"]


_MOST = 4000  # characters in which a cause is looked for


class Trouble(NamedTuple):
    """An error because of which a client got no reply.

    Attributes:
        fault: the id of one of `pytest_mailnet.FAULTS`.
        stage: the stage of the session; None for a failed look-up, or if the text does not say.
    """

    fault: FaultName
    stage: Stage | None


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_NO_CONNECTION: tuple[tuple[re.Pattern[str], FaultName], ...] = (
    (_words(r"connection (?:was )?refused", r"actively refused", "econnrefused"), "refused-at-connect"),
    (_words("network (?:is )?unreachable", "enetunreach"), "no-route-at-connect"),
    (
        _words(
            "no route to host", "host (?:is )?unreachable", "not reachable", "ehostunreach", "host is down"
        ),
        "unreachable-at-connect",
    ),
)
_NO_LOOK_UP: tuple[tuple[re.Pattern[str], FaultName], ...] = (
    # Postfix puts "Host or domain name not found" in front of this, too.
    (_words("no data record of requested type"), "dns-nodata"),
    (
        _words(
            "host (?:name )?not found,? try again",
            "servfail",
            "eai_again",
            "server failure",
            "temporary (?:lookup|dns|name)",
            r"lookup (?:\w+ )?(?:defer|failure|did not complete)",
            r"name ?server.{0,40}(?:fail|error)(?!.{0,80}host not found)",
            "dns (?:server )?(?:fail|error)",
        ),
        "dns-servfail",
    ),
    (_words(r"(?:dns|name ?server|lookup).{0,40}tim(?:ed? ?|e-)out"), "dns-time-out"),
    (
        _words(
            "host (?:or domain name )?(?:name )?not found",
            "unrouteable address",
            "(?:no such|unknown)(?: mail)? (?:host|domain)",
            "(?:domain|host)(?: name)? (?:does ?n.t|does not|not) exist",
            "nxdomain",
            "non-?existent domain",
            "name or service not known",
            "nodename nor servname",
            "getaddrinfo failed",
            "enotfound",
            r"(?:domain|host).{0,60}(?:could ?n.t|could not|can ?not|can.t) be (?:found|resolved)",
            "couldn't find any host",
            "(?:host|domain) unknown",
            r"\binvalid[ _]domain\b",  # Mandrill and Mailjet, of a domain that is not there
        ),
        "dns-nxdomain",
    ),
    (
        _words(
            r"no (?:mx|a|aaaa|address) records?\b",
            r"\bno mx (?:or a )?for\b",
            "couldn't find a mail exchanger",
            r"unable to find mx\b",  # Brevo
            "no mail host",  # Mailjet
        ),
        "dns-nodata",
    ),
    # The look-up failed; the text does not say how.
    (_words("unable to (?:lookup dns|get mx info)"), "dns-servfail"),
)
_ENDED = (
    (_words(r"connection.{0,20}\breset\b", "reset by peer", "econnreset", "broken pipe"), "reset"),
    (
        _words(
            "lost connection",
            r"connection (?:\w+ )?(?:unexpectedly |prematurely )?(?:closed|dropped|lost|terminated|died)",
            r"(?:closed|dropped|terminated|broke|lost) (?:the )?connection",
            "unexpectedly closed",
            "remote host closed",
            "unexpected eof",
            r"\beof on",
        ),
        "closed",
    ),
    # "message timed out" is no time-out of a connection: the mail waited too long in a queue.
    (
        _words(
            r"(?<!message )timed?[ -]?out", "(?<!message )timeout", r"\bno (?:[\w\-]{1,20} ){1,3}response\b"
        ),
        "stalled",
    ),
)
# How TLS libraries word the errors of a handshake.
_NO_TLS: tuple[tuple[re.Pattern[str], FaultName], ...] = (
    (_words("certificate (?:has )?expired"), "expired-at-starttls"),
    (
        _words(
            "hostname mismatch",
            "certificate is not valid for",
            "certificate is valid for",  # Go goes on: "mail.shop.example, not mx.shop.example"
            "certificate not verified",  # Postfix's word for a name that does not match
            "no alternative certificate subject",
            "certificate.{0,60}does not match",
        ),
        "wrong-name-at-starttls",
    ),
    (
        _words("self[- ]signed certificate", "signed by unknown authority", "certificate not trusted"),
        "self-signed-at-starttls",
    ),
    (
        _words(
            r"tls (?:session )?is required,? but (?:was not offered|the server did not offer)",
            r"starttls (?:extension )?(?:is )?not (?:supported|offered) by",
        ),
        "stripped-at-starttls",
    ),
    (_words(r"(?:alert|unsupported) protocol(?: version)?\b"), "old-protocol-at-starttls"),
    (_words("handshake fail(?:ure|ed)(?!.{0,80}tim)"), "handshake-refused-at-starttls"),
    (
        _words(r"\bssl\b.{0,60}\beof\b", r"\beof\b.{0,20}violation of protocol"),
        "handshake-closed-at-starttls",
    ),
)
_NEVER_ANSWERED = _words(
    "etimedout",
    "unable to connect",
    r"(?:could ?n.t|could not|can.t|cannot|failed to) (?:connect|establish)",
    "connection attempt failed",
    "did not respond",
    r"\bnot responding\b",
    "too many connection failures",
)
_CONNECTING = _words(
    r"connect to\b", r"connecting\b", r"connection timed", r"operation timed", r"connect timeout"
)
_AMID = _words("message (?:body|content)")
_TLS = _words("certificate", "(?<!protocol )handshake", r"\btls\b", r"\bssl\b")


def trouble_in(text: str, stage: Stage | None = None) -> Trouble | None:
    """The network error that a text describes; None if it describes none of the catalogue of faults.

    Args:
        text: "connect to mx.shop.example[192.0.2.8]:25: Connection timed out".
        stage: the stage of the session, if known from elsewhere; if None, the text may name it.
    """
    text = text[:_MOST]
    if stage in {None, Stage.CONNECT, Stage.STARTTLS}:
        plain = text.replace("_", " ")
        for words, fault in _NO_TLS:
            if words.search(plain):
                return Trouble(fault, Stage.STARTTLS)
    for words, fault in _NO_CONNECTION:
        if words.search(text):
            return Trouble(fault, Stage.CONNECT)
    for words, fault in _NO_LOOK_UP:
        if words.search(text):
            return Trouble(fault, None)
    for words, manner in _ENDED:
        if found := words.search(text):
            named = stage or named_stage(text[found.end() :]) or named_stage(text[: found.end()])
            return _ended(text, manner, named)
    return Trouble("dropped-at-connect", Stage.CONNECT) if _NEVER_ANSWERED.search(text) else None


def _ended(text: str, manner: str, stage: Stage | None) -> Trouble:
    if stage in (None, Stage.CONNECT, Stage.STARTTLS) and _TLS.search(text):
        manner = "stalled" if manner == "stalled" else "closed"
        return Trouble(cast("FaultName", f"handshake-{manner}-at-starttls"), Stage.STARTTLS)
    if manner == "stalled" and stage in (None, Stage.CONNECT) and (stage is None or _CONNECTING.search(text)):
        return Trouble("dropped-at-connect", Stage.CONNECT)
    if stage is Stage.MESSAGE:
        where = "in-content" if _AMID.search(text) else "after-dot"
    else:
        where = f"at-{stage or Stage.CONNECT}"
    return Trouble(cast("FaultName", f"{manner}-{where}"), stage)
