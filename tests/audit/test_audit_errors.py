"""What an audit says of an application that it cannot call, or that sends nothing."""

from __future__ import annotations

import pytest

MAILING = "def deliver(sender, recipient, message):\n    pass\n"


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("", "which application? mailnet audit app.py:deliver names a function"),
        ("ap.py:deliver", "no file 'ap.py' (did you mean 'app.py'? There is: app.py)"),
        ("app.py", "which function of app.py? As in app.py:deliver (there is: deliver)"),
        (
            "app.py:delver",
            "app.py has no function 'delver' (did you mean 'deliver'? There is: deliver): app.py:deliver",
        ),
        ("nowhere:deliver", "no module 'nowhere' in "),
        ("app.py:__name__", "app.py:__name__ is 'app', and no function"),
    ],
)
def test_an_application_that_is_not_there_is_told_with_near_misses(audit, app, said):
    audited = audit(MAILING, app=app)

    assert (audited.status, audited.out) == (2, "")
    assert audited.err.startswith(f"mailnet audit: {said}")


def test_another_signature_is_told_with_a_way_out(audit):
    audited = audit("def deliver(mail):\n    pass\n")

    assert audited.status == 2
    assert audited.err == (
        "mailnet audit: app.py:deliver(mail) is called with sender, recipient and message (bytes): too many "
        "positional arguments. Another call: call = 'deliver(...)' in [tool.mailnet.audit] of pyproject.toml, "
        "with the names sender, recipient, recipients, message and message_id\n"
    )


def test_an_error_at_import_is_told_with_its_place(audit):
    audited = audit("import nothing_of_that_name\n" + MAILING)

    assert audited.status == 2
    assert "app.py raises as it is imported: ModuleNotFoundError: No module named 'nothing_of" in audited.err
    assert audited.err.endswith("app.py:1)\n")


def test_a_command_that_does_not_exist_is_told(audit):
    audited = audit(MAILING, "--", "no-such-program", app="")

    assert (audited.status, audited.err[:49]) == (2, "mailnet audit: no command 'no-such-program': it i")


def test_an_application_that_sends_nothing_is_told_of_mx_and_of_host(audit):
    audited = audit(MAILING)

    assert audited.status == 2
    assert audited.err.startswith(
        "mailnet audit: app.py:deliver connected to no mail server of the net, and returned None: does it go by "
        "the MX of the recipient? If it hands its mail to a server of its own: host = 'localhost' and port = "
    )


def test_a_server_that_was_looked_up_is_named(audit):
    text = "import smtplib\n" + MAILING.replace("pass", "smtplib.SMTP('smtp.app.example', 587)")

    audited = audit(text)

    assert audited.status == 2
    assert "host = 'smtp.app.example' and port = 587" in audited.err


def test_an_unknown_case_is_told_with_near_misses(audit, sending):
    audited = audit(sending, "--case", "reset-after-dots")

    assert audited.status == 2
    assert "no case 'reset-after-dots' (did you mean 'reset-after-dot'" in audited.err


def test_an_option_that_is_misspelt_is_told(audit, sending):
    audited = audit(sending, "--htlm", "page.html")

    assert audited.status == 2
    assert "it does not take '--htlm' (did you mean '--html'?" in audited.err


def test_what_is_wrong_with_prepare_is_told(audit, sending):
    audited = audit(sending, settings="prepare = 'nothing_there()'")

    assert audited.status == 2
    assert audited.err == (
        "mailnet audit: [tool.mailnet.audit] prepare raises NameError: name 'nothing_there' is not defined\n"
    )


def test_an_application_that_ends_its_own_process_is_told(audit):
    audited = audit("import os\n" + MAILING.replace("pass", "os._exit(0)"))

    assert audited.status == 2
    assert "it has ended its own process, so that nothing is known of it" in audited.err


def test_an_application_that_does_not_end_is_given_up(audit):
    audited = audit(
        "import threading\n" + MAILING.replace("pass", "threading.Event().wait()"), settings="limit = 1"
    )

    assert audited.status == 2
    assert "it had not ended after 1 s; if it only waits for so long: limit = in" in audited.err


def test_pauses_between_tries_take_no_time(audit, sending):
    text = (
        sending.replace("def deliver", "def hand_over")
        + """
import time

def deliver(sender, recipient, message):
    for pause in (3600, 7200, None):
        try:
            return hand_over(sender, recipient, message)
        except OSError:
            if pause is None:
                raise
            time.sleep(pause)
"""
    )

    audited = audit(text, "--case", "450-at-rcpt,421-at-connect")

    assert audited.status == 0
    assert [it["text"] for it in audited.case("450-at-rcpt,421-at-connect")["said"]] == ["returned None"]


def test_waiting_for_ever_hangs(audit, sending):
    text = (
        sending.replace("def deliver", "def hand_over")
        + """
import time

FAILED = []

def deliver(sender, recipient, message):
    while True:
        try:
            if not FAILED:
                return hand_over(sender, recipient, message)
        except OSError:
            FAILED.append(1)
        time.sleep(3600)
"""
    )

    audited = audit(text, "--case", "450-at-rcpt")

    assert audited.status == 1
    assert audited.case("450-at-rcpt")["verdict"] == "hung"
    assert "it has slept for more than 10 days by the net's clock" in audited.out


def test_a_number_of_schedules_is_not_below_nothing(audit, sending):
    audited = audit(sending, "--examples", "-3")

    assert audited.status == 2
    assert "argument --examples: '-3' is no number of schedules, which is 0 or more" in audited.err


def test_findings_are_told_though_a_page_cannot_be_written(audit, sending):
    audited = audit(sending, "--case", "closed-at-quit", "--html", "nowhere/page.html")

    assert audited.status == 2
    assert "right  1 case of 1" in audited.out
    assert "nowhere/page.html" in audited.err


def test_what_a_queue_raises_at_first_is_told_and_not_what_its_next_tries_say(audit):
    queue = "def deliver(sender, recipient, message):\n    raise OSError('no database')\n\ndef retry():\n    pass\n"

    audited = audit(queue, settings='retry = "retry()"\nbelief = "None"\n')

    assert audited.status == 2
    assert "connected to no mail server of the net, and raised OSError: no database" in audited.err
