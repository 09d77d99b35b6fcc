"""The variables of replies, such as `{ip}`, and their values in a session."""

from __future__ import annotations

import email.utils
import functools
import itertools
import string
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pytest_mailnet.clock import Clock

if TYPE_CHECKING:
    from random import Random

    from pytest_mailnet.smtp.state import Step

__all__ = ["VARIABLES", "Circumstances", "made_like"]

_SIGNS = {"#": string.digits, "@": string.ascii_lowercase, "%": "0123456789abcdef"}
_FORMATS = {"#": "d", "%": "x"}
_SECONDS = 0.105  # a server's time to read a message; a test's messages are too small to measure


class Circumstances(NamedTuple):
    """The circumstances in which a reply is given.

    Attributes:
        step: the session.
        queue_id: the form of the provider's queue ids.
        random: draws the ids.
        clock: the net's.
        name_of: returns the name that an IP address has in DNS; "" for none.
    """

    step: Step
    queue_id: str
    random: Random
    clock: Clock
    name_of: Callable[[str], str]


def _queue_id(given: Circumstances) -> str:
    if not given.step.queue_id:
        given.step.queue_id = made_like(given.queue_id, given.random)
    return given.step.queue_id


def _message_id(given: Circumstances) -> str:
    for line in (given.step.content or b"").partition(b"\r\n\r\n")[0].split(b"\r\n"):
        if line[:11].lower() == b"message-id:":
            return line[11:].strip(b" \t<>").decode("ascii", "replace")
    return f"{made_like('%' * 16, given.random)}@{given.step.host}"


def _iso_date(now: datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"


def _size(step: Step) -> int:
    return len(step.content or b"")


def _recipient(step: Step) -> str:
    recipient = step.details.get("recipient")
    return next(iter(step.named_recipients), "") if recipient is None else recipient


def _sender(step: Step) -> str:
    sender = step.details.get("sender")
    return step.reverse_path or "" if sender is None else sender


def _sender_domain(step: Step) -> str:
    sender = _sender(step)
    return _domain(sender) if sender else step.helo


def _local_part(address: str) -> str:
    return address.rpartition("@")[0] if "@" in address else address


def _domain(address: str) -> str:
    """The domain of an address; "" for one without, such as "postmaster"."""
    return address.rpartition("@")[2] if "@" in address else ""


def _detail(name: str, usual: str, given: Circumstances) -> str:
    return given.step.details.get(name, usual)


VARIABLES: Mapping[str, Callable[[Circumstances], str]] = MappingProxyType(
    {
        "queue_id": _queue_id,
        "ip": lambda given: given.step.client.ip,
        "server": lambda given: given.step.host,
        "client": lambda given: given.name_of(given.step.client.ip) or given.step.helo,
        # Amazon's hosts have their region in their names: email-smtp.us-east-1.amazonaws.com.
        "region": lambda given: "".join(given.step.host.split(".")[1:2]).upper(),
        "helo": lambda given: given.step.helo,
        "sender": lambda given: _sender(given.step),
        "recipient": lambda given: _recipient(given.step),
        "domain": lambda given: given.step.details.get("domain") or _sender_domain(given.step),
        "rcpt_domain": lambda given: _domain(_recipient(given.step)),
        "user": lambda given: given.step.details.get("user") or _local_part(_recipient(given.step)),
        "epoch": lambda given: str(int(given.clock.time())),
        "date": lambda given: email.utils.format_datetime(given.clock.now()),
        "iso_date": lambda given: _iso_date(given.clock.now()),
        "message_id": _message_id,
        "internal_id": lambda given: made_like("#" * 14, given.random),
        "size": lambda given: str(_size(given.step)),
        "rate": lambda given: f"{_size(given.step) / 1024 / _SECONDS:.3f}",
        "port": lambda given: str(given.step.client.port),
        # RFC 2195, 2: the challenge of CRAM-MD5, different each time.
        "challenge": lambda given: f"<{made_like('#' * 12, given.random)}@{given.step.host}>",
        # A rule that refuses gives these values. Those here are for replies that a test scripts.
        **{
            name: functools.partial(_detail, name, usual)
            for name, usual in {
                "argument": "",
                "command": "",
                "count": "2",
                "dkim_result": "Fail",
                "dmarc_result": "Fail",
                "header": "From",
                "keyword": "SIZE",
                "limit": "100",
                "octets": "0",
                "path": "",
                "total": "0",
                "value": "",
                "option": "UNKNOWN",
                "range": "0.0.0.0/0",
                "rbl": "zen.spamhaus.org",
                "rbl_reason": "",
                "reason": "",
                "spf_result": "Fail",
                "seconds": str(_SECONDS),
                "version": "4.98",
            }.items()
        },
    }
)


def made_like(form: str, random: Random) -> str:
    """A random queue id of a form.

    Args:
        form: '#' stands for a digit, '@' for a letter, '%' for a hexadecimal digit, all else for itself.
        random: draws the characters.
    """
    drawn = random.getrandbits(8 * len(form))
    made = []
    for signs, many, text in _runs(form):
        if not many:
            made.append(text)
            continue
        drawn, number = divmod(drawn, many)
        made.append(f"{number:{text}}" if text else signs[number])
    return "".join(made)


@functools.cache
def _runs(form: str) -> list[tuple[str, int, str]]:
    """The runs of equal signs in a form.

    Returns:
        For each: what to draw from; how many values it can have, 0 for a text that stands for itself; the
        text, or the format of the value as a number, "" for one of the signs.
    """
    runs: list[tuple[str, int, str]] = []
    for sign, run in itertools.groupby(form):
        signs, length = _SIGNS.get(sign, ""), len(list(run))
        if sign in _FORMATS:
            runs.append((signs, len(signs) ** length, f"0{length}{_FORMATS[sign]}"))
        elif signs:
            runs += [(signs, len(signs), "")] * length
        else:
            runs.append(("", 0, sign * length))
    return runs
