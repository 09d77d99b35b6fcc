"""SASL mechanisms on the server's side (RFC 4422, RFC 4954), without the SMTP lines around them.

A mechanism is a generator: it yields challenges, receives responses, and returns credentials. The service
decides whether the credentials are valid.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

__all__ = ["CLIENT_FIRST", "MECHANISMS", "PROMPTS", "Credentials", "Malformed", "SaslExchange"]

PROMPTS = (b"Username:", b"Password:")
"""The challenges of LOGIN (draft-murchison-sasl-login); servers word them differently."""


class Malformed(Exception):
    """A response that its mechanism cannot read."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials that a client logs in with.

    Attributes:
        mechanism: "PLAIN".
        identity: the user's name, as given.
        secret: the password, token or digest; "" if none was sent.
        challenge: the server's challenge, if the secret is a digest made with it; otherwise b"".
        authorisation: the user to act as; "" for the same user (RFC 4616, 2).
    """

    mechanism: str
    identity: str
    secret: str
    challenge: bytes = b""
    authorisation: str = ""

    @property
    def by_token(self) -> bool:
        """Whether the secret is an OAuth 2.0 access token."""
        return self.mechanism in {"XOAUTH2", "OAUTHBEARER"}

    def proves(self, secrets: Iterable[str]) -> bool:
        """Whether the secret is one of these passwords, or was made with one of them."""
        if not self.challenge:
            return self.secret in secrets
        return any(hmac.compare_digest(_digest(it, self.challenge), self.secret) for it in secrets)


SaslExchange: TypeAlias = Generator[bytes, bytes, Credentials]


def _plain(_challenge: bytes) -> SaslExchange:
    """Read authorisation identity, user and password in one response (RFC 4616)."""
    parts = _text((yield b"")).split("\0")
    if len(parts) != 3 or not (parts[1] and parts[2]):
        raise Malformed
    authorisation, identity, password = parts
    return Credentials("PLAIN", identity, password, authorisation=authorisation)


def _login(_challenge: bytes) -> SaslExchange:
    """Ask for the user, then for the password."""
    identity = _text((yield PROMPTS[0]))
    return Credentials("LOGIN", identity, _text((yield PROMPTS[1])))


def _cram_md5(challenge: bytes) -> SaslExchange:
    """Have the password proved by a keyed digest of the challenge (RFC 2195)."""
    identity, space, digest = _text((yield challenge)).rpartition(" ")
    if not space:
        raise Malformed
    return Credentials("CRAM-MD5", identity, digest, challenge)


def _xoauth2(_challenge: bytes) -> SaslExchange:
    """Read user and bearer token (developers.google.com/gmail/imap/xoauth2-protocol)."""
    fields = _fields(_text((yield b"")).split("\1"))
    return Credentials("XOAUTH2", fields.get("user", ""), _bearer(fields))


def _oauthbearer(_challenge: bytes) -> SaslExchange:
    """Read a GS2 header with the user, and the bearer token (RFC 7628, 3.1)."""
    header, *pairs = _text((yield b"")).split("\1")
    flag, _, identity = header.partition(",")
    if flag not in {"n", "y"} or not identity.endswith(","):
        raise Malformed
    user = identity.removesuffix(",").removeprefix("a=").replace("=2C", ",").replace("=3D", "=")
    return Credentials("OAUTHBEARER", user, _bearer(_fields(pairs)))


def _text(response: bytes) -> str:
    try:
        return response.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed from None


def _fields(pairs: Iterable[str]) -> dict[str, str]:
    return {key: value for key, equals, value in (pair.partition("=") for pair in pairs) if equals}


def _bearer(fields: Mapping[str, str]) -> str:
    kind, _, token = fields.get("auth", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Malformed
    return token.strip()


def _digest(secret: str, challenge: bytes) -> str:
    return hmac.new(secret.encode(), challenge, hashlib.md5).hexdigest()


MECHANISMS: Mapping[str, Callable[[bytes], SaslExchange]] = MappingProxyType(
    {
        "PLAIN": _plain,
        "LOGIN": _login,
        "CRAM-MD5": _cram_md5,
        "XOAUTH2": _xoauth2,
        "OAUTHBEARER": _oauthbearer,
    }
)
"""The mechanisms by name. Each is given a fresh challenge; only CRAM-MD5 needs it."""

CLIENT_FIRST = frozenset({"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"})
"""Mechanisms whose first response may come with the AUTH command; that of LOGIN is the user."""
