"""Globs as in `on_rcpt("sales@*")`: what they match, and what they never can."""

from __future__ import annotations

import fnmatch
import re

from pytest_mailnet.domain_names import a_labels, u_labels
from pytest_mailnet.values import Stage

__all__ = ["cannot_match", "could_be_ip", "matches"]

_ADDRESSES = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE})
_WILD = re.compile(r"[*?\[]")
_OF_AN_IP = frozenset("0123456789abcdef.:")


def matches(pattern: str, text: str) -> bool:
    """Whether a glob matches a text, upper and lower case alike, and U-labels and A-labels of its domain.

    Args:
        pattern: the glob.
        text: all of it is compared.
    """
    pattern, text = pattern.lower(), text.lower()
    if fnmatch.fnmatchcase(text, pattern):
        return True
    if text.isascii() and "xn--" not in text:
        return False
    local, at, domain = text.rpartition("@")
    return any(fnmatch.fnmatchcase(f"{local}{at}{it(domain)}", pattern) for it in (a_labels, u_labels))


def cannot_match(stage: Stage, glob: str) -> str:
    """Why a glob can match nothing at a stage; "" if it can.

    Args:
        stage: the stage, which decides what is compared.
        glob: the glob.
    """
    if stage is Stage.CONNECT:
        return "" if could_be_ip(glob) else "a client is its IP address there, as in '203.0.113.*'"
    if stage not in _ADDRESSES or "@" in glob or _WILD.search(glob) or glob.lower() == "postmaster":
        return ""
    if stage is Stage.MAIL and not glob:  # the null sender
        return ""
    return f"what is compared is the whole address, as in '{glob or 'alice'}@*'"


def could_be_ip(glob: str) -> bool:
    """Whether a glob can match an IP address."""
    return bool(_WILD.search(glob)) or not set(glob.lower()) - _OF_AN_IP
