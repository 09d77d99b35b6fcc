"""How an audit calls an application, whom that writes to, and how its belief is read, by `[tool.mailnet.audit]`."""

from __future__ import annotations

import sys

import pytest

from pytest_mailnet.audit.settings import AuditSettings, settings_in
from pytest_mailnet.errors import InvalidSetting

CONFIGURED = """
import contextlib
import smtplib

def deliver(sender, recipient, message):
    client = smtplib.SMTP({host!r}, {port}, timeout=60)
    with contextlib.closing(client):
        client.sendmail(sender, [recipient], message)
"""
# Reads the mail from its standard input, and the rest from its arguments.
PROGRAM = """
import contextlib, smtplib, sqlite3, sys

sender, recipient, database, when = sys.argv[1:]
store = sqlite3.connect(database, isolation_level=None)
store.execute("create table if not exists mails (recipient text primary key, state text)")
store.execute("insert or ignore into mails values (?, 'waiting')", [recipient])
[(state,)] = store.execute("select state from mails")
if state == "waiting":
    if when == "before":
        store.execute("update mails set state = 'done'")
    with contextlib.closing(smtplib.SMTP("mx.shop.example", 25, timeout=60)) as client:
        client.sendmail(sender, [recipient], sys.stdin.buffer.read())
    store.execute("update mails set state = 'done'")
"""
OF_A_PROGRAM = """
command = ["PYTHON", "app.py", "{sender}", "{recipient}", "{folder}/mails.db", "WHEN"]
database = "{folder}/mails.db"
query = "select state from mails where recipient = :recipient"
fates = { done = "sent", waiting = "deferred" }
"""


@pytest.mark.parametrize("host", ["smtp.app.example", "localhost", "127.0.0.1"])
def test_an_application_may_have_a_server_of_its_own(audit, host):
    text = CONFIGURED.format(host=host, port=1025)

    audited = audit(text, "--case", "reset-after-dot", settings=f"host = '{host}'\nport = 1025")

    assert (audited.status, audited.err) == (0, "")
    assert audited.found["cases"][0]["taken"] == [
        {"recipients": ["alice@shop.example"], "heard": False, "call": 1},
        {"recipients": ["alice@shop.example"], "heard": True, "call": 2},
    ]


def test_an_application_may_log_in(audit):
    text = CONFIGURED.format(host="smtp.app.example", port=587).replace(
        "        client.sendmail",
        "        client.starttls()\n        client.login('app', 'secret')\n        client.sendmail",
    )
    settings = "host = 'smtp.app.example'\nuser = 'app'\npassword = 'secret'"

    audited = audit(text, "--case", "closed-at-auth", settings=settings)

    assert (audited.status, audited.err) == (0, "")
    assert "AUTH [credentials]" in audited.found["cases"][0]["record"].replace("AUTH PLAIN ", "AUTH ")


def test_the_recipient_may_be_at_a_provider_whose_refusals_are_tried(audit, sending):
    audited = audit(sending, "--case", "gmail/user_unknown", settings="provider = 'gmail'")

    assert audited.status == 0
    assert "550 5.1.1 at RCPT" in audited.out
    assert "alice@gmail.com" in audited.out
    assert "The email account that you tried to reach does not exist" in audited.out


def test_a_call_may_have_another_form_and_other_words(audit, sending):
    text = (
        sending
        + "\n\ndef post(to, text):\n    deliver('app@sender.example', to, text)\n    return 'queued'\n"
    )
    settings = """
call = "post(recipient, message)"
fates = { queued = "deferred" }
"""

    audited = audit(text, "--case", "450-at-rcpt", settings=settings, app="app.py")

    assert audited.status == 2
    assert "does not send its mail even where nothing goes wrong: returned 'queued'" in audited.err


def test_a_belief_may_be_asked_for(audit, sending):
    text = (
        sending.replace("def deliver", "STATES = {}\n\ndef hand_over")
        + """

def deliver(sender, recipient, message):
    STATES[recipient] = "sent"
    try:
        hand_over(sender, recipient, message)
    except OSError:
        pass
"""
    )

    audited = audit(text, "--case", "450-at-rcpt", settings="belief = 'STATES[recipient]'")

    assert audited.status == 1
    assert audited.case("450-at-rcpt")["verdict"] == "lost"
    assert "it said      returned None; believes 'sent'" in audited.out


def test_a_queue_tries_again_when_the_clock_has_moved_on(audit, sending):
    text = (
        sending.replace("def deliver", "def hand_over")
        + """

class Queue:
    def __init__(self, now):
        self.now, self.left, self.due = now, [], None

    def send(self, *mail):
        self.left.append(mail)
        return self.flush()

    def flush(self):
        if self.due and self.now() < self.due:
            return "deferred"
        try:
            while self.left:
                hand_over(*self.left[0])
                self.left.pop(0)
        except OSError:
            self.due = self.now().replace(year=self.now().year) + __import__("datetime").timedelta(hours=12)
            return "deferred"
        return "sent"
"""
    )
    settings = """
prepare = "queue = Queue(now)"
call = "queue.send(sender, recipient, message)"
retry = "queue.flush()"
"""

    audited = audit(text, "--case", "450-at-rcpt", settings=settings, app="app.py")

    assert (audited.status, audited.err) == (0, "")
    assert [it["text"] for it in audited.case("450-at-rcpt")["said"]] == [
        "returned 'deferred'",
        "returned 'sent'",
    ]


@pytest.mark.parametrize(
    ("when", "case", "verdict"),
    [
        ("before", "450-at-rcpt", "lost"),
        ("after", "450-at-rcpt", "right"),
        ("after", "died-at-12-content-said", "right"),
        ("after", "died-at-13-250-to-content-unheard", "duplicates possible"),
    ],
)
def test_a_command_is_asked_by_its_database(audit, when, case, verdict):
    settings = OF_A_PROGRAM.replace("PYTHON", sys.executable).replace("WHEN", when)

    audited = audit(PROGRAM, "--case", case, settings=settings, app="")

    assert audited.err == ""
    assert audited.case(case)["verdict"] == verdict
    assert audited.status == (verdict == "lost")


def test_a_command_stands_behind_two_dashes(audit):
    text = PROGRAM.replace(
        "sender, recipient, database, when = sys.argv[1:]", "recipient = sys.argv[1]"
    ).replace("sys.argv", "sys.argv")
    text = text[: text.index("store =")] + (
        "with contextlib.closing(smtplib.SMTP('mx.shop.example', 25, timeout=60)) as client:\n"
        "    client.sendmail('a@b.example', [recipient], sys.stdin.buffer.read())\n"
    )

    audited = audit(text, "--case", "421-at-connect", "--", sys.executable, "app.py", "{recipient}", app="")

    assert (audited.status, audited.err) == (0, "")
    assert audited.out.splitlines()[0].startswith(f"-- {sys.executable} app.py {{recipient}}: 1 case in ")
    assert audited.case("421-at-connect")["again"] == (
        f"mailnet audit --case 421-at-connect -- {sys.executable} app.py {{recipient}}"
    )
    said = [it["text"] for it in audited.case("421-at-connect")["said"]]
    assert [it.partition(":")[0] for it in said] == ["exit status 1", "exit status 0"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process waits for")
def test_a_command_that_waits_for_good_is_found_hanging(audit):
    text = (
        "import smtplib, sys\n"
        "client = smtplib.SMTP('mx.shop.example', 25)\n"
        "client.sendmail('a@b.example', [sys.argv[1]], sys.stdin.buffer.read())\n"
        "client.close()\n"
    )
    command = ("--", sys.executable, "app.py", "{recipient}")

    audited = audit(text, "--case", "stalled-at-mail", *command, app="", settings="limit = 60")

    assert audited.status == 1
    assert audited.case("stalled-at-mail")["verdict"] == "hung"


def test_a_command_with_a_long_time_out_is_not_blamed(audit):
    text = (
        "import smtplib, sys\n"
        "client = smtplib.SMTP('mx.shop.example', 25, timeout=600)\n"
        "client.sendmail('a@b.example', [sys.argv[1]], sys.stdin.buffer.read())\n"
        "client.close()\n"
    )
    command = ("--", sys.executable, "app.py", "{recipient}")

    audited = audit(text, "--case", "stalled-at-mail", *command, app="", settings="limit = 5")

    assert audited.status == 0
    assert audited.case("stalled-at-mail")["verdict"] == "undecided"
    assert "it had not ended after 5 s; limit = in [tool.mailnet.audit]" in audited.out


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("hots = 'smtp.app.example'", "has no key 'hots' (did you mean 'host'?)"),
        ("port = '587'", "[tool.mailnet.audit] port = '587': it takes a port"),
        ("limit = -1", "[tool.mailnet.audit] limit = -1: it takes a number of seconds"),
        ("command = 'ls'", "[tool.mailnet.audit] command = 'ls': it takes a list of words"),
        ("retry = 3", "[tool.mailnet.audit] retry = 3: it takes a text, or a list of words"),
        ("query = 'select 1'", "[tool.mailnet.audit] database and query go together"),
        (
            "fates = { gone = 'fialed' }",
            "[tool.mailnet.audit] fates: gone = 'fialed' (did you mean 'failed'?",
        ),
        ("app = 'a.py:b'\ncommand = ['ls']", "[tool.mailnet.audit] has app and command"),
        ("host = [", "pyproject.toml: "),
    ],
)
def test_a_wrong_setting_is_told(tmp_path, settings, said):
    (tmp_path / "pyproject.toml").write_text(f"[tool.mailnet.audit]\n{settings}", "utf-8")

    with pytest.raises(InvalidSetting) as wrong:
        settings_in(tmp_path)

    assert said in str(wrong.value)


def test_without_settings_all_is_as_usual(tmp_path):
    assert settings_in(tmp_path) == AuditSettings()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("provider = 'gmial'", "no provider 'gmial' (did you mean 'gmail'"),
        ("call = 'deliver('", "[tool.mailnet.audit] call = 'deliver(' is not Python: "),
    ],
)
def test_a_setting_that_the_audit_finds_wrong_is_told(audit, sending, settings, said):
    audited = audit(sending, settings=settings)

    assert audited.status == 2
    assert audited.err.startswith("mailnet audit: ")
    assert said in audited.err
