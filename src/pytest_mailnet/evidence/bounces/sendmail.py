"""What is told of each recipient in bounces of Sendmail and of other programs with such transcripts.

Sections have titles between dashes. One lists the addresses, since version 8.10 each with "(reason: 550 …)";
another is the transcript of the session: ">>> RCPT To:<…>" was sent, "<<< 550 …" was the reply, and lines
such as "550 5.1.1 <address>... User unknown" are Sendmail's own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.replies import reply_in, reply_lines
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["recipients_in"]

_LEFT_OPEN = "Sendmail shows DATA for the final dot too"

_HEADING = re.compile(r"^[ \t]*-{3,}[ \t]*(?P<title>[A-Za-z][^\n]{4,100}?)[ \t]*-{3,}[ \t]*$", re.MULTILINE)
_TALK = re.compile(
    r"^[ \t]*(?:(?:sent|received)[ \t]*)?(?:>>>|<<<)[ \t]?(?=RCPT|MAIL|DATA|EHLO|HELO|STARTTLS|AUTH)",
    re.IGNORECASE | re.MULTILINE,
)
_FAILED_ADDRESSES = re.compile(
    r"following (?:address|recipient)\S* .*(?:error|problem|fail)|could not be", re.IGNORECASE
)
_TRANSCRIPT = re.compile(r"transcript of session", re.IGNORECASE)
_RETURNED = re.compile(
    r"(?:original|unsent|returned|message header|message follows|message lines|header follows)", re.IGNORECASE
)
_ADDRESS = r"<?(?P<address>\"?[^\s<>(),;:]{1,200}@[^\s<>(),;:]{1,255}?)>?"
_ENTRY = re.compile(
    rf"[ \t]*(?:{_ADDRESS}|(?P<local><?[\w.+\-]{{1,64}}>?|<?\"?[|/][^\n()]{{1,300}}?))[ \t]*"
    r"(?:[(\[](?P<rest>[^\n]*?)[)\]]?[ \t]*)?$"
)
_EXPANDED = re.compile(rf"[ \t]+\(expanded from: *{_ADDRESS}\)", re.IGNORECASE)
_REASON = re.compile(r"[ \t]+\(reason: *(?P<reason>.*)")
_RCPT = re.compile(rf"to:\s*{_ADDRESS}(?:\s|$)", re.IGNORECASE)
_SENDMAILS_OWN = re.compile(rf"(?:[45]\d\d(?: [45]\.\d+\.\d+)? )?{_ADDRESS}[ \t]*\.\.\.")

_TALKING = re.compile(
    r"[ \t]*(?:\.\.\.[ \t]*)?while (?:talking|connected|speaking) to (?P<host>\S+?)\.?:?[ \t]*$",
    re.IGNORECASE,
)
_LINE = re.compile(
    r"[ \t]*(?:(?P<who>sent|received)[ \t]*)?(?P<arrow>>>>|<<<|-->|<--)[ \t]?(?P<text>.*)", re.IGNORECASE
)
_REPLY = re.compile(r"[2-5]\d\d(?:[ \-]|$)")
_COMMAND = re.compile(
    r"(?:RCPT|MAIL|DATA|BDAT|EHLO|HELO|LHLO|STARTTLS|AUTH|RSET|QUIT|NOOP|VRFY)\b|\.$", re.IGNORECASE
)
_CONSEQUENCE = re.compile(
    r"^(?:503\b|5\d\d[ \-].*(?:(?:no|without|need|valid|all)\b.{0,20}\b(?:rcpt|recipients?)\b"
    r"|rcpt\b.{0,20}\b(?:first|before|precede|expected|required)))",
    re.IGNORECASE,
)
_USER_UNKNOWN = re.compile(r"^[45]\d\d\b.*@.*\.\.\. *User unknown", re.IGNORECASE)


@dataclass(slots=True)
class _Answer:
    """A server's reply in a transcript, with its context.

    Attributes:
        host: the server's name in the transcript; "" if it is not named.
        command: the last command before the reply; "" before any command, so that the reply is the greeting.
        reply: the lines of the reply.
        remarks: the program's own lines behind the reply.
        group: all replies to the same command.
        place: the index of this reply in the group.
    """

    host: str
    command: str
    reply: tuple[str, ...]
    remarks: list[str] = field(default_factory=list)
    group: list[tuple[str, ...]] = field(default_factory=list)
    place: int = 0

    @property
    def is_consequence(self) -> bool:
        """Whether the reply only says that no recipient is left: DATA's refusal after all were refused."""
        return _CONSEQUENCE.match(self.reply[0]) is not None

    def mentions(self, address: str) -> bool:
        """Whether an address stands in the command, the reply or a remark."""
        return address.lower() in "\n".join((self.command, *self.reply, *self.remarks)).lower()

    def details(self) -> Mapping[str, str]:
        """The reply with server, stage and, if the transcript leaves the stage open, the rule for it.

        With PIPELINING (RFC 2920) Sendmail sends all recipients before it reads a reply, and shows only the
        last command. So refusals of recipients stand under DATA too. DATA's own refusal, for want of
        recipients, follows them, or Sendmail's remark "User unknown", which it never makes about a refused
        message.
        """
        told = {"reply": "\n".join(self.reply), "server": self.host, "stage": self.command or "greeting"}
        if self.command == ".":
            told["stage"] = "final dot"
        elif self.command[:4].upper() == "DATA":
            later = (it[0] for it in self.group[self.place + 1 :])
            if any(map(_CONSEQUENCE.match, later)) or any(map(_USER_UNKNOWN.match, self.remarks)):
                told["stage"] = "RCPT"
            elif not self.is_consequence:
                told |= {"stage": "final dot", "rule": _LEFT_OPEN}
        return told


def recipients_in(mail: BouncedMail) -> Iterator[tuple[str, Mapping[str, str], str]]:
    """The failed recipients, what is told of each, and the passage about it."""
    sections = list(_sections(mail.text))
    answers, remarks = _answers(
        line for title, body in sections if _TRANSCRIPT.search(title) for line in body.split("\n")
    )
    entries = [it for title, body in sections if _FAILED_ADDRESSES.search(title) for it in _entries(body)]
    entries = entries or [(it, "") for it in _refused(answers, remarks, mail.sender)]
    alone = len(entries) == 1
    left = [it for it in answers if not it.is_consequence]
    for recipient, reason in entries:
        answer = _answer(recipient, reply_in(reason), answers, left, alone=alone)
        if answer is not None:
            yield recipient, answer.details(), ""
            continue
        own = [it for it in remarks if recipient.lower() in it.lower()]
        said = "; ".join(own or (remarks if alone else []))
        # A reason may be no more than "Deferred".
        words = next(filter(trouble_in, (reason, said)), reason or said)
        words = words or " ".join(it for one in answers for it in one.reply)
        told = {"words": words, "reply": reason if reply_in(reason) else ""}
        yield recipient, told, f"{words}\n{said}"


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """The sections of a text, each with its title; a transcript without titles is one section."""
    found = list(_HEADING.finditer(text))
    titles = [it["title"] for it in found]
    if not any(_TRANSCRIPT.search(it) or _FAILED_ADDRESSES.search(it) for it in titles):
        if _TALK.search(text) and "<<<" in text and ">>>" in text:
            yield "Transcript of session", text
        return
    for here, following in itertools.zip_longest(found, found[1:]):
        if _RETURNED.search(here["title"]) and not _TRANSCRIPT.search(here["title"]):
            return
        yield here["title"], text[here.end() : following.start() if following else len(text)]


def _entries(body: str) -> Iterator[tuple[str, str]]:
    """The recipients in a list, each with its reason; "" for none."""
    recipient = reason = ""
    for line in body.split("\n"):
        if recipient and not line.strip():
            break
        if expanded := _EXPANDED.match(line):
            recipient = recipient if "@" in recipient else expanded["address"]
        elif told := _REASON.match(line):
            reason = told["reason"].removesuffix(")")
        elif entry := _ENTRY.match(line) if line.strip() else None:
            if recipient:
                yield recipient, reason
            recipient = entry["address"] or entry["local"].strip('"<> ')
            reason = entry["rest"] or ""
    if recipient:
        yield recipient, reason


def _refused(answers: Iterable[_Answer], remarks: Iterable[str], sender: str | None) -> Iterator[str]:
    """The recipients in a bounce that does not list them: from refused commands and Sendmail's own lines."""
    known = {(sender or "").lower()}
    commands = (
        it.command for it in answers if not it.is_consequence and named_stage(it.command) is Stage.RCPT
    )
    for found in (*map(_RCPT.search, commands), *map(_SENDMAILS_OWN.match, remarks)):
        if found is not None and found["address"].lower() not in known:
            known.add(found["address"].lower())
            yield found["address"]


def _answer(
    recipient: str, reason: tuple[str, ...], answers: list[_Answer], left: list[_Answer], *, alone: bool
) -> _Answer | None:
    """The reply because of which Sendmail gave a recipient up; None if the transcript has none.

    Recipients are told of in the order in which they were refused, so an answer is taken off those that are
    left when it is given to one.
    """
    if reason:
        fitting = [it for it in answers if _is_same(it.reply, reason)]
    else:
        fitting = [it for it in left if it.reply[0][:1] in "45" and it.reply[0][1:3].isdigit()]
    own = [it for it in fitting if it.mentions(recipient)]
    if not reason and (own or alone):
        permanent = [it for it in own or fitting if it.reply[0].startswith("5")]
        return next(reversed(permanent or own or fitting), None)
    found = next(iter(own or fitting), None)
    if found in left and not alone:
        left.remove(found)
    return found


def _is_same(reply: tuple[str, ...], reason: tuple[str, ...]) -> bool:
    """Whether "(reason: …)" quotes a reply; Sendmail puts the reply's first or last line there."""
    start = reason[0][4:60]
    return reply[0][:3] == reason[0][:3] and any(it[4:].startswith(start[: len(it) - 4]) for it in reply)


def _answers(lines: Iterable[str]) -> tuple[list[_Answer], list[str]]:
    """The replies in a transcript, and the program's own lines."""
    answers: list[_Answer] = []
    remarks: list[str] = []
    host = command = ""
    continued = False  # whether the last line was one of a reply, so that the next may continue it
    for line in lines:
        if talk := _TALKING.match(line):
            host, command, continued = talk["host"], "", False
        elif found := _LINE.match(line):
            text = found["text"].strip()
            if _is_sent(found, text):
                command, continued = text, False
            elif continued and answers[-1].reply[-1][3:4] == "-":
                answers[-1].reply += (" ".join(text.split()),)
            else:
                continued = bool(text)
                if text:
                    _note(answers, _Answer(host, command, reply_lines(text) or (text,)))
        elif line.strip():
            remarks.append(line.strip())
            continued = False
            if answers:
                answers[-1].remarks.append(line.strip())
    return answers, remarks


def _note(answers: list[_Answer], answer: _Answer) -> None:
    last = answers[-1] if answers else None
    if last is not None and (last.host, last.command) == (answer.host, answer.command):
        answer.group = last.group
    answer.place = len(answer.group)
    answer.group.append(answer.reply)
    answers.append(answer)


def _is_sent(found: re.Match[str], text: str) -> bool:
    """Whether the client sent a line: by the word in front or the content, since arrows point both ways."""
    if found["who"]:
        return found["who"].lower() == "sent"
    if _REPLY.match(text):
        return False
    return _COMMAND.match(text) is not None or found["arrow"] in {">>>", "-->"}
