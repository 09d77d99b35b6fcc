"""What a mail that has come back says: a failure, a delay, a complaint, or nothing of the kind.

Failures come as reports for programs (RFC 3464), and as letters for people, in whoever's words.
"""

from __future__ import annotations

import email
import email.utils
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

# Refusals that are not about the address: a sender that is not liked, a full mailbox, a server's trouble, a
# time-out, the size, the content, policy (RFC 3463, 3). Another mail to the same address may get through.
_NOT_THE_ADDRESS = re.compile(r"5\.(1\.[78]|2\.[23]|3\.\d+|4\.7|6\.\d+|7\.\d+)")
_ENHANCED = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_CODE = re.compile(r"(?<![\d.])([45])(\d\d)(?=[ :-])")
_STORAGE = "52"  # 552 is about room, as 452 is (RFC 5321, 4.2.3)
_RETURNED = re.compile(r"^-+ .*\b(copy|header|message)\b.*$", re.IGNORECASE | re.MULTILINE)
_WAITING = re.compile(r"\b(delayed|warning)\b", re.IGNORECASE)
_HARMLESS_FEEDBACK = {"not-spam", "auth-failure"}  # RFC 6591, RFC 6430


@dataclass(frozen=True)
class Report:
    """What a mail says; `kind` is hard, soft, complaint, notice (there is nothing to do) or unclear."""

    kind: str
    reason: str


def read(content: bytes) -> Report:
    """Read a mail: the fields that are meant for programs if it has them, else its words."""
    mail = email.message_from_bytes(content)
    for part in mail.walk():
        if part.get_content_type() == "message/feedback-report":  # RFC 5965
            return _of_feedback(part)
        if part.get_content_type() in {"message/delivery-status", "message/global-delivery-status"}:
            return _of_status(part)
    if _is_of_a_mail_system(mail):
        return _of_words(f"{mail['Subject']}\n{_text(mail)}")
    if str(mail.get("Auto-Submitted", "no")).strip().lower() != "no":  # RFC 3834, 5
        return Report("notice", f"automatic reply: {mail['Subject']}")
    return Report("unclear", str(mail["Subject"]))


def judged(said: str, status: str = "") -> Report:
    """Judge a refusal by its enhanced status code (RFC 3463), or else by its code.

    Args:
        said: what the server has said, "550 5.1.1 No such user".
        status: what a report gives as the status; servers make it up where they were told none.
    """
    known = status_in(f"{said} {status}")
    hard = known.startswith("5") and not _NOT_THE_ADDRESS.fullmatch(known)
    return Report("hard" if hard else "soft", said or status)


def status_in(said: str) -> str:
    """The first enhanced status code in a text; one that is made of the first code if there is only that."""
    if found := _ENHANCED.search(said):
        return found[0]
    plain = _CODE.search(said)
    if plain is None:
        return ""
    return f"{plain[1]}.2.2" if plain[2] == _STORAGE else f"{plain[1]}.0.0"


def _of_feedback(part: Message) -> Report:
    kinds = [str(it["Feedback-Type"]).strip().lower() for it in _groups(part) if it["Feedback-Type"]]
    if not kinds:
        return Report("unclear", "feedback of no type")
    return Report("notice" if kinds[0] in _HARMLESS_FEEDBACK else "complaint", f"feedback: {kinds[0]}")


def _of_status(part: Message) -> Report:
    for fields in _groups(part):
        action = str(fields["Action"]).strip().lower()
        said = " ".join(str(fields["Diagnostic-Code"] or "").partition(";")[2].split())
        if action == "failed":
            return judged(said, str(fields["Status"] or ""))
        if fields["Action"]:
            return Report("notice", f"{action}: {said}")
    return Report("unclear", "a report that names no recipient")


def _groups(part: Message) -> Iterator[Message]:
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        yield block
        # email knows message/delivery-status, and takes its global form (RFC 6533) for a mail with a body.
        for text in str(block.get_payload()).split("\n\n"):
            yield email.message_from_string(text)


def _is_of_a_mail_system(mail: Message) -> bool:
    author = str(mail["From"]).lower()
    local = email.utils.parseaddr(author)[1].partition("@")[0] or author.partition(" ")[0]
    return local in {"mailer-daemon", "postmaster"} or "X-Failed-Recipients" in mail


def _text(mail: Message) -> str:
    """The first text for people, up to the mail that is returned."""
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            text = bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace")
            return _RETURNED.split(text.replace("\r\n", "\n"))[0]
    return ""


def _of_words(text: str) -> Report:
    if _WAITING.search(text):
        return Report("notice", "delayed")
    said = next((line.strip() for line in text.splitlines() if status_in(line)), "")
    return judged(said) if said else Report("unclear", text[:80])
