"""What each operator's web hooks tell, event by event.

The forms of the samples are those of the pages that `operators.py` names as sources, with example domains; where a
page shows no such event, of what is named beside the sample here.
"""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path

import pytest

from pytest_mailnet.cli.main import main
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.sources import sources_at
from pytest_mailnet.evidence.webhooks import WEBHOOKS
from pytest_mailnet.evidence.webhooks.members import holds
from pytest_mailnet.evidence.webhooks.operators import OPERATORS

SAMPLES = Path(__file__).parent / "webhooks"
NO_DOMAIN = "Host or domain name not found"
TOLD = {
    # github:anymail/django-anymail, tests/test_brevo_webhooks.py; github:symfony/symfony,
    # src/Symfony/Component/Mailer/Bridge/Brevo/Tests/Webhook/Fixtures.
    "brevo-failures": [
        ("failed", ("550 5.5.0 Requested action not taken: mailbox unavailable.",), {}),
        ("failed", ("550-5.1.1 No mailbox here", "550-5.1.1 by that", "550 5.1.1  name"), {}),
        ("failed", "undefined Unable to find MX of domain example.com", {}),
        (
            "delayed",
            (
                "550 5.1.1 <alice@example.com>: Recipient address rejected: User unknown in virtual alias table",
            ),
            {},
        ),
        ("failed", "blocked : due to unsubscribed user", {}),
        ("failed", "invalid_email", {}),
        ("failed", "error", {}),
    ],
    # https://gist.github.com/ramonsmits/7563502; an empty diag: github:ljean/balafon,
    # balafon/Emailing/tests/test_bounce.py.
    "mandrill-failures": [
        ("failed", ("550 5.1.1 The email account that you tried to reach does not exist.",), {}),
        ("failed", "invalid_domain", {}),
        ("delayed", ("451 4.3.5 Temporarily unavailable, try again later.",), {"address": "192.0.2.25"}),
        ("failed", "reject", {}),
    ],
    "mandrill-form": [
        ("failed", ("550 5.1.1 The email account that you tried to reach does not exist.",), {})
    ],
    # A comment with a reply: github:symfony/symfony, src/Symfony/Component/Mailer/Bridge/Mailjet/Tests.
    "mailjet-failures": [
        (
            "failed",
            f"{NO_DOMAIN}. Name service error for name=example.com type=A: Host not found",
            {"fault": "dns-nxdomain"},
        ),
        ("failed", ("421 4.7.0 [TSS04] Messages from 198.51.100.7 temporarily deferred",), {}),
        ("delayed", "greylisted", {}),
        ("failed", "preblocked", {}),
    ],
    # Resend's SDK has no diagnosticCode; its API and its web hooks do.
    "resend-failures": [
        ("failed", ("550 5.1.1 As requested: user unknown <alice@example.com>",), {}),
        (
            "failed",
            "Resend has suppressed sending to this address because it is on the account-level suppression list.",
            {},
        ),
        ("delayed", "email.delivery_delayed", {}),
        ("failed", "reached_daily_quota", {}),
        ("failed", "On suppression list", {}),
    ],
    "postal-failures": [
        (
            "failed",
            ("550 5.1.1 No mailbox here by that name",),
            {"host": "mx1.example.com", "address": "192.0.2.25"},
        ),
        ("delayed", ("451 4.7.1 Greylisted",), {"host": "mx1.example.com", "address": "2001:db8::19"}),
        ("delayed", "Connection refused - connect(2) for 192.0.2.25:25", {"fault": "refused-at-connect"}),
        (
            "failed",
            "Recipient (alice@example.com) is on the suppression list (reason: too many soft fails)",
            {"fault": None},
        ),
        ("failed", "MessageBounced", {}),
    ],
    "mailersend-failures": [
        ("failed", NO_DOMAIN, {"fault": "dns-nxdomain", "sender": "orders@shop.example"}),
        ("failed", "Unknown reason", {}),
        ("failed", "activity.hard_bounced", {"sender": None}),
        ("delayed", "activity.deferred", {}),
    ],
    # A reply in brackets: github:anymail/django-anymail, tests/test_mailtrap_webhooks.py.
    "mailtrap-failures": [
        ("failed", ("555 [CS01] Message rejected due to local policy",), {}),
        ("delayed", ("451 4.7.1 Temporary error, please retry",), {}),
        (
            "delayed",
            ("450 4.2.0 The email account that you tried to reach is temporarily unavailable. a67b - gsmtp",),
            {},
        ),
        ("failed", "Your account has reached its daily sending limit.", {}),
        ("failed", "Recipient in suppression list. Reason: unsubscription", {}),
    ],
    "mailtrap-line": [("failed", ("555 [CS01] Message rejected",), {})],
    # github:anymail/django-anymail, tests/test_unisender_go_webhooks.py.
    "unisender-failures": [
        ("failed", ("555 5.7.1 User unknown 'alice@example.com'.",), {}),
        ("delayed", ("452 4.2.2 Mailbox full",), {}),
        ("failed", "err_unsubscribed", {}),
    ],
    "unisender-single": [("failed", ("550 5.1.1 No mailbox here",), {})],
}


CONDITIONS = [
    ("event", True),
    ("event=open|bounce", True),
    ("event=open", False),
    ("event=bounce, hard=true", True),
    ("event=bounce, hard=false", False),
    ("code=60|80", True),
    ("!gone", True),
    ("!gone/event", False),
    ("gone", False),
    ("gone=|x", True),
    ("empty", False),
    ("gone/mail.to", True),
    ("mail.to.-1=b", True),
    ("mail.none.-1", False),
    ("event.type", False),
    ("gone; event", True),
    ("gone; event=open", False),
]


def sample(name):
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def read(document):
    return [it for webhook in WEBHOOKS if webhook.recognises(document) for it in webhook.failures(document)]


def test_there_is_a_sample_of_all_that_is_told():
    old = ("ses-", "sendgrid-", "mailgun-", "postmark-", "sparkpost-")

    names = {it.stem for it in SAMPLES.glob("*.json")}

    assert {it for it in names if not it.startswith(old) and not it.endswith("-others")} == TOLD.keys()


@pytest.mark.parametrize("name", TOLD)
def test_each_event_tells_what_became_of_a_mail(name):
    failures = read(sample(name))

    assert [(it.action, it.reply or it.words) for it in failures] == [told[:2] for told in TOLD[name]]
    for failure, (*_, members) in zip(failures, TOLD[name], strict=True):
        assert failure.recipient == "alice@example.com"
        assert {it: getattr(failure, it) for it in members} == members


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_a_failure_says_what_it_was_read_as(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    [webhook] = [it for it in WEBHOOKS if it.recognises(document)]

    read_as = {it.read_as for it in webhook.failures(document)}

    assert read_as == (set() if path.stem.endswith("-others") else {(webhook.name,)})


def test_a_web_hook_becomes_tests_that_pass(pytester, capsys):
    for name in TOLD:
        assert main(["reproduce", str(SAMPLES / f"{name}.json"), "--as", "test"]) == 0
        pytester.makepyfile(**{f"test_{name.replace('-', '_')}": capsys.readouterr().out})

    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:asyncio", "-W", "error")

    result.assert_outcomes(passed=sum(map(len, TOLD.values())))


@pytest.mark.parametrize(("conditions", "met"), CONDITIONS)
def test_a_condition_is_of_members(conditions, met):
    event = {"event": "bounce", "hard": True, "code": 80, "empty": "", "mail": {"to": ["a", "b"], "none": []}}

    assert holds(conditions, event) is met


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_an_event_is_recognised_alone_as_in_a_batch(path):
    document = json.loads(path.read_text(encoding="utf-8"))

    for it in document if isinstance(document, list) else [document]:
        assert [row.recognises(it) for row in OPERATORS] == [row.recognises([it]) for row in OPERATORS]


def test_each_operators_form_has_a_source():
    assert [row.name for row in OPERATORS if not row.source.startswith(("https://", "github:"))] == []


def resend(**data):
    return {"type": "email.bounced", "created_at": "2026-03-02T08:15:06Z", "data": data}


@pytest.mark.parametrize(
    ("document", "recipients"),
    [
        (resend(to=["alice@example.com", "Bob <bob@example.org>"]), ["alice@example.com", "bob@example.org"]),
        (resend(to="alice@example.com"), ["alice@example.com"]),
        (resend(to=[]), []),
        (resend(to=[5]), [None]),
    ],
)
def test_each_of_several_recipients_is_a_failure(document, recipients):
    assert [it.recipient for it in read(document)] == recipients


def outcomes_at(path):
    return [it for source in sources_at([str(path)]) for it in outcomes_of(source)]


def test_a_body_as_mandrill_posts_it_is_read(tmp_path):
    body = tmp_path / "body.txt"
    body.write_text(urllib.parse.urlencode({"mandrill_events": json.dumps(sample("mandrill-failures") * 50)}))

    outcomes = outcomes_at(body)

    assert body.stat().st_size > 1 << 16
    assert [it.read_as for it in outcomes] == [("a Mandrill web hook",)] * 200


def test_json_lines_are_read_line_by_line(tmp_path):
    lines = tmp_path / "mailtrap.jsonl"
    lines.write_text("".join(f"{json.dumps(it)}\n" for it in sample("mailtrap-failures")["events"]))

    outcomes = outcomes_at(lines)

    assert [it.read_as for it in outcomes] == [("a Mailtrap web hook",)] * 5
