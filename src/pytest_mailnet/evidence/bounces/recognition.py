"""Decides whether a mail is a bounce, without knowing which program wrote it."""

from __future__ import annotations

import re

from pytest_mailnet.evidence.bounces.mail import BouncedMail, address_in

__all__ = ["is_automatic", "is_bounce", "is_success", "tells_of_failure"]


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_AUTOMATIC = _words(
    r"^\W*auto(?:mati\w{1,6})?[ \-]?(?:reply|response|antwort|answer)",
    r"^\W*(?:autoreply|auto:|out of (?:the )?office|(?:on |my )?vacation|away from|abwesen)",
    r"^\W*(?:r[eé]ponse automatique|respuesta autom|resposta autom|自動応答|自動返信|автоответ|自动回复)",
)
_SUBJECT = _words(
    r"undeliver|non-?deliver|not (?:be )?deliver|bounce|status notif|user unknown|mailbox (?:full|unavail)",
    r"deliver\w* (?:status|fail|problem|error|report|has|notif|delay|incompl|attempt|unsuccess)",
    r"fail\w* (?:deliver|notice|mail|to deliver)|delayed mail|warning: (?:message|could not)",
    r"return(?:ed|ing)? (?:mail|message|e-?mail|to sender)",
    r"mail (?:fail|error|system error|deliver|could|delay|block|reject|zur[uü]ck)",
    r"(?:message|mail) (?:was |has been |could )?(?:not|delay|reject|block|return|undeliver|fail)",
    r"unzustellbar|не доставлен|недоставл|no entregad|não entregue|non remis|mancat",
    r"配信|送信|配送|エラー|届き?ません|退信|投递",
)
_DAEMONS = _words(
    r"(?:mail(?:er)?[.\-_]?daemon|post-?master|postoffice|mdaemon|mailmaster|daemon|bounces?)(?:$|[+\-.@])",
    r"(?:(?:mail[.\-_])?delivery[.\-_]?\w*|(?:system-?)?administrator|emailgateway|mail-?system)(?:$|[+\-.@])",
)
_NAMES = _words(r"mail(?:er)? (?:delivery|daemon|system)|postmaster|mailer-daemon|delivery sub-?system")
_FAILURE = _words(
    r"\b(?:undeliver|fail|reject|refus|den(?:y|ied)|disabled|inactive|invalid|unable|unknown|full\b|quota)",
    r"\b(?:exceed|expired|delay|block|suspend|unreachable|unavailable|error|bounced?\b|violat|problem)",
    r"\b(?:could ?n.t|could not|can ?not|can.t|wasn.t|was not|has not|hasn.t|does ?n.t|does not|don.t)\b",
    r"\bnot (?:be |been )?(?:deliver|found|exist|known|valid|accept|allow|permit|listed|our|reach|regist)",
    r"\bno (?:such|mailbox|longer|user|account|one)\b|\bnon-?existent|\btoo (?:large|big|long|many)",
    r"ません|失敗|拒否|エラー|一杯|存在し|未送達|不存在|无法|失败|拒绝|退回",
    r"не (?:мо|уда|был|сущ|най|дост)|ошибк",
    r"nicht (?:zuge|gefund|existi|erreich|ange)|unzustellbar|abgewiesen|n.a pas|impossible|inconnu",
    r"no (?:se )?pud|no existe|rechazad|n[ãa]o (?:foi|p[ôo]de|existe)|impossibile|non (?:è|esiste)",
)
_ACTION = re.compile(r"^[ \t]{0,8}action[ \t]?:[ \t]*(\w+)", re.IGNORECASE | re.MULTILINE)
_SUCCESS = ("delivered", "relayed", "expanded", "deliverable")


def is_bounce(mail: BouncedMail) -> bool:
    """Whether a mail server wrote a mail to report that another was not delivered.

    False for automatic replies of mailboxes (RFC 3834, 5.2), mails of mailing lists, receipts (RFC 8098) and
    complaints (RFC 5965).
    """
    if mail.feedback or str(mail.head.get_param("report-type") or "").lower() == "disposition-notification":
        return False
    if mail.status or mail.head["X-Failed-Recipients"] is not None:
        return True
    subject = mail.subject
    if _AUTOMATIC.match(subject):
        return False
    listed = any(mail.head[it] is not None for it in ("List-Unsubscribe", "List-Id", "List-Post"))
    if listed and not _has_null_path(mail):
        return False
    return is_automatic(mail) or _SUBJECT.search(subject) is not None


def is_automatic(mail: BouncedMail) -> bool:
    """Whether a program wrote a mail, by its header; a person may forward a bounce under its subject."""
    automatic = str(mail.head["Auto-Submitted"] or "no").lower().startswith("auto-")
    return _has_null_path(mail) or automatic or _is_daemon(str(mail.head["From"] or ""))


def _has_null_path(mail: BouncedMail) -> bool:
    return str(mail.head["Return-Path"] or "?").strip() in {"<>", "", "<null>"}


def is_success(mail: BouncedMail) -> bool:
    """Whether a delivery status reports only success: every action is one of arrival (RFC 3464, 2.3.3)."""
    actions = [it.lower() for it in _ACTION.findall(mail.status)]
    return bool(actions) and all(it in _SUCCESS for it in actions)


def tells_of_failure(text: str) -> bool:
    """Whether a text contains words of failure, in one of several languages."""
    return _FAILURE.search(text) is not None


def _is_daemon(author: str) -> bool:
    address = address_in(author) or author.strip(" <>")
    return not address or _DAEMONS.match(address) is not None or _NAMES.search(author) is not None
