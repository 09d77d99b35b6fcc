"""The comparison of an application's own log of its mails with the mails that servers took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import cast

from pytest_mailnet.errors import InvalidSetting, amongst
from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.printable import printable
from pytest_mailnet.record.session import HUNG_UP, Message
from pytest_mailnet.values import Stage

__all__ = ["Log", "Reckoning", "message_id", "reckon"]

_BELIEFS = ("sent", "deferred", "failed")

Key = str | tuple[str, str]
# Each kind of key by itself too: a dict with texts for keys is no mapping of `Key`.
Log = (
    Mapping[str, str | None]
    | Mapping[tuple[str, str], str | None]
    | Mapping[Key, str | None]
    | Iterable[tuple[Key, str | None]]
)


@steady("a reckoning")
@dataclass(frozen=True, slots=True)
class Reckoning:
    """The mails about which the application and the servers disagree, each by its key in the log.

    Attributes:
        lost: mails that the application has recorded no fate of, and no server took.
        duplicated: mails taken more than once, although the application got each reply.
        failed_but_taken: mails that the application believes failed, but a server took.
        sent_but_not_taken: mails that the application believes sent, but no server took.
        duplicates_possible: mails that were taken, while the application will try again or has recorded no
            fate; or that were taken more than once, because the reply after the dot was lost or came before
            the dot, or the application died or left before it. No mistake by itself: nobody can rule it out
            (RFC 1047).
    """

    lost: tuple[Key, ...] = ()
    duplicated: tuple[Key, ...] = ()
    failed_but_taken: tuple[Key, ...] = ()
    sent_but_not_taken: tuple[Key, ...] = ()
    duplicates_possible: tuple[Key, ...] = ()

    @property
    def right(self) -> bool:
        """Whether the application is right about every mail; possible duplicates are no mistake."""
        return not (self.lost or self.duplicated or self.failed_but_taken or self.sent_but_not_taken)

    def __bool__(self) -> bool:
        """The same as `right`, for `assert` of the reckoning itself."""
        return self.right

    def __str__(self) -> str:
        told = {it.name: getattr(self, it.name) for it in fields(self)}
        lines = [f"{_TITLES[name]}: {', '.join(map(_shown, keys))}" for name, keys in told.items() if keys]
        return "\n".join(lines) or "every mail is where the application believes it"


_TITLES = {
    "lost": "lost",
    "duplicated": "duplicated",
    "failed_but_taken": "told failed but taken",
    "sent_but_not_taken": "told sent but not taken",
    "duplicates_possible": "duplicates are possible here",
}


def message_id(message: Message) -> str:
    """The Message-ID of a mail, without its angle brackets; "" without one."""
    return str(message.parsed["Message-ID"] or "").strip().strip("<>")


def reckon(log: Log, taken: Sequence[Message], key: Callable[[Message], str] = message_id) -> Reckoning:
    """Compare an application's log with the mails that servers took from it.

    Args:
        log: a mapping or pairs: for each mail, by its key or (key, recipient), the fate that the application
            believes in: "sent", "deferred", "failed", or None if it has recorded none.
        taken: the messages that servers took from the application.
        key: finds a message's key in the log.

    Raises:
        InvalidSetting: for any other fate, with near misses, or for something that is no such log.
    """
    beliefs = _beliefs(log)
    times: Counter[Key] = Counter()
    unheard: Counter[Key] = Counter()
    last = {message.session: message for message in taken}
    for message in taken:
        name = key(message)
        keys: list[Key] = [name, *((name, to) for to in message.envelope.rcpt_tos)]
        times.update(keys)
        if last[message.session] is message and _went_wrong(message):
            unheard.update(keys)
    found: dict[str, list[Key]] = {it.name: [] for it in fields(Reckoning)}
    for given, belief in beliefs:
        if belief is not None and belief not in _BELIEFS:
            raise InvalidSetting(
                f"account_for: {belief!r} of {_shown(given)}{amongst(str(belief), _BELIEFS)}; "
                "None is for a mail that the application has no word of"
            )
        plain = _plain(given)
        for verdict in _verdicts(belief, times[plain], unheard[plain]):
            found[verdict].append(given)
    return Reckoning(**{name: tuple(keys) for name, keys in found.items()})


def _beliefs(log: Log) -> list[tuple[Key, str | None]]:
    try:
        # A cast: what is a mapping of beliefs could be an iterable of pairs by its type too.
        pairs = cast("Iterable[tuple[Key, str | None]]", log.items() if isinstance(log, Mapping) else log)
        found = [(key, belief) for key, belief in pairs]
    except (TypeError, ValueError):
        found = None
    if found is None or not all(_is_key(key) for key, _ in found):
        raise InvalidSetting(
            f"account_for({log!r}) takes what the application believes of each mail, by its Message-ID, or "
            "by that and the recipient: {'1@b.example': 'sent', ('2@b.example', 'a@shop.example'): 'failed'}"
        )
    return found


def _is_key(key: object) -> bool:
    parts = key if isinstance(key, tuple) and len(key) == 2 else (key,)
    return all(isinstance(it, str) for it in parts)


def _verdicts(belief: str | None, times: int, unheard: int) -> list[str]:
    if times == 0:
        return {"sent": ["sent_but_not_taken"], None: ["lost"]}.get(belief, [])
    verdicts = ["failed_but_taken"] if belief == "failed" else []
    if times - unheard > 1:
        verdicts.append("duplicated")
    elif times > 1 or belief in {"deferred", None}:
        verdicts.append("duplicates_possible")
    return verdicts


def _went_wrong(message: Message) -> bool:
    """Whether a reply after the dot was not heard: a fault, the application's death, or it was too late."""
    session = message.session
    refused = session.ended == HUNG_UP  # without a reply, as well
    said = (it for it in session.exchanges if it.stage is Stage.MESSAGE)
    return any(
        (not it.reply and not refused) or (it.finding is not None and it.finding.is_harm) for it in said
    )


def _plain(key: Key) -> Key:
    if isinstance(key, tuple):
        return (key[0].strip("<>"), key[1])
    return key.strip("<>")


def _shown(key: Key) -> str:
    return printable(key if isinstance(key, str) else f"{key[0]} to {key[1]}")
