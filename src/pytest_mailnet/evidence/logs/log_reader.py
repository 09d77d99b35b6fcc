"""Reads one program's log by a table of the lines that it writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.logs.explanations import Why, peer_of, reason_of
from pytest_mailnet.evidence.logs.lines import LogEntry
from pytest_mailnet.evidence.logs.queued import ROOM, Found, LogQueue
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["LogReader", "Program"]

Does: TypeAlias = Literal["learns", "forgets", "replied", "delivered", "tried", "gave up", "rejected"]
_DELAYED = ("deferred", "softbounce", "==", "Deferred", "TempFail")
_STATUS = re.compile(r"([45]\.\d{1,3}\.\d{1,3}) ")


def _why(told: Mapping[str, str], _: str | None) -> Why:
    return Why(peer_of(told.get("host"), told.get("address")), reason_of(told["reason"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is known of a program's log.

    Patterns have groups: "id" of the mail in the queue, and other names for it, "message" and "session";
    "sender", "recipient" (or "recipients", with commas), "original", "message_id", "host", "address";
    "result" and "reason" of an attempt; "command" that was rejected, and the "path" in it.

    Attributes:
        read_as: what its log is, with an article: "a Postfix log".
        called: matches the names of its programs.
        shape: matches lines that only it writes, for logs without programs, as of `journalctl -o cat`.
        begins: matches what its lines begin with.
        lines: the lines that it writes; the first that matches decides. Each is what it does, what stands in
            all such lines (looking for that first is far cheaper), and a pattern. It "learns" of a mail's
            sender or Message-ID, or "forgets" it; "replied" is a server whose recipient a later line names,
            and "delivered" ends that; "tried" is an attempt that failed, "gave up" a failure unless the mail
            has had one, "rejected" one here and not elsewhere.
        fields: patterns that are looked for in a line's group "fields".
        why: takes the groups of an attempt, and the reply that stood before it, and returns why it failed.
        stages: the stages of commands that have other names in this log.
        alone: whether a reply that no line with a recipient follows is a failure.
    """

    read_as: str
    called: str
    shape: str
    begins: str
    lines: tuple[tuple[Does, str, str], ...]
    fields: tuple[str, ...] = ()
    why: Callable[[Mapping[str, str], str | None], Why] = _why
    stages: Mapping[str, Stage] = field(default_factory=dict)
    alone: bool = False


class LogReader:
    """Reads the log entries of one program, one by one.

    Args:
        program: the program.
        queue: what earlier entries said about the mails; None for an empty one.
        room: for how many mails a reply is remembered until the entry with its outcome.
    """

    def __init__(self, program: Program, queue: LogQueue | None = None, room: int = ROOM // 100) -> None:
        self._program, self._room = program, room
        self._queue = LogQueue() if queue is None else queue
        self._replies: dict[str, str] = {}
        self._fields = [re.compile(it) for it in program.fields]
        self._lines = [
            (does, sign, re.compile(program.begins + line, re.DOTALL)) for does, sign, line in program.lines
        ]

    def __len__(self) -> int:
        return len(self._replies)

    def read(self, entry: LogEntry) -> Iterable[Found]:
        """Read the next entry and return its new failures."""
        message = entry.message
        for does, sign, pattern in self._lines:
            if sign in message and (found := pattern.match(message)):
                if does == "forgets":
                    self._queue.forget(found["id"])
                    return ()
                return self._read(does, found.groupdict(), entry.host)
        return ()

    def left(self) -> Iterator[Found]:
        """The failures of mails for which no entry has told the recipients; an excerpt may end before it."""
        for queue_id, reason in self._replies.items() if self._program.alone else ():
            yield from self._tried(queue_id, {"reason": reason}, None)

    def _read(self, does: str, told: dict[str, str | None], host: str | None) -> Iterable[Found]:
        queue_id = told.get("id") or ""
        if does == "learns":
            message_id = told.get("message_id")
            of_header = f"<{message_id.strip('<>')}>" if message_id else None
            self._queue.learn(queue_id, sender=told.get("sender"), message_id=of_header)
        elif does == "replied":
            if len(self._replies) >= self._room:
                del self._replies[next(iter(self._replies))]  # the entry with its outcome should have come
            self._replies[queue_id] = told["reason"] or ""
        elif does == "delivered":
            self._replies.pop(queue_id, None)
        elif does == "rejected":
            return self._rejected(queue_id, told, host)
        elif does == "tried" or not self._queue.mail(queue_id).failed:
            return list(self._tried(queue_id, told, self._replies.pop(queue_id, None)))
        return ()

    def _tried(self, queue_id: str, groups: Mapping[str, str | None], said: str | None) -> Iterator[Found]:
        told = _given(groups)
        for pattern in self._fields:
            if found := pattern.search(told.get("fields", "")):
                told |= _given(found.groupdict())
        everyone: list[str | None] = [told.get("recipient")]
        if "recipients" in told:
            everyone = [it for each in told["recipients"].split(",") if (it := each.strip(" <>"))]
            said = said if len(everyone) == 1 else None  # it was to one of them only
        peer, why, rule, recipient = self._program.why(told, said)
        original = told.get("original")
        for each in everyone:
            to = recipient or each
            failure = Failure(
                recipient=to,
                original=original if original and "@" in original and original != to else None,
                sender=told.get("sender", self._queue.mail(queue_id).sender),
                host=peer.host,
                address=peer.address,
                stage_rule=rule,
                status=told.get("status"),
                action=_action(told.get("result")),
                read_as=(self._program.read_as,),
                **why._asdict(),
            )
            names = filter(None, (told.get("message"), told.get("session")))
            yield from self._queue.found(queue_id, failure, *names)

    def _rejected(self, queue_id: str, told: Mapping[str, str | None], host: str | None) -> tuple[Found, ...]:
        """Read that this server refused a mail: the refusing server is the host that wrote the log.

        The log has neither that host's address nor what became of the mail: the client may try again, or
        elsewhere. Some have the reason of a rule in place of the reply that the server made of it.
        """
        command, path, reason = told.get("command") or "", told.get("path"), told["reason"] or ""
        stage = self._program.stages.get(command) or named_stage(f"{command} command")
        why = reason_of(reason, stage)
        status = _STATUS.match(reason)
        sender = told.get("sender")
        if sender is None:
            sender = path if stage is Stage.MAIL else self._queue.mail(queue_id).sender
        failure = Failure(
            recipient=path if stage is Stage.RCPT and path is not None else told.get("recipient"),
            sender=sender,
            host=host,
            stage=stage,
            reply=why.reply,
            status=status[1] if status else None,
            words=why.words,
            read_as=(self._program.read_as,),
        )
        return self._queue.found(queue_id, failure)


def _given(groups: Mapping[str, Any]) -> dict[str, str]:
    return {name: it for name, it in groups.items() if it is not None}


def _action(result: str | None) -> Literal["failed", "delayed"] | None:
    if result is None:
        return None
    return "delayed" if result.lower() in _DELAYED or result in _DELAYED else "failed"
