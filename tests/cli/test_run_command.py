"""`mailnet run` and `mailnet doctor`: a net for any command."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pytest_mailnet import MailNet, NoNamespace
from pytest_mailnet.cli.main import main
from pytest_mailnet.entry.namespace import outside

SEND = (
    "import smtplib; smtplib.SMTP('gmail-smtp-in.l.google.com')"
    ".sendmail('bob@app.example', 'alice@gmail.com', 'Subject: hi')"
)


@pytest.fixture(scope="module")
def namespaces():
    """Skips where there are none."""
    try:
        with MailNet() as net:
            net.process()
    except NoNamespace as reason:
        pytest.skip(str(reason))


@pytest.fixture
def mailnet_run(namespaces):
    """Run `mailnet run` in a process of its own."""

    def run(*arguments, **options):
        return subprocess.run(
            [sys.executable, "-m", "pytest_mailnet", "run", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **options,
        )

    return run


def test_a_command_runs_in_a_net_and_what_it_said_is_told(mailnet_run, tmp_path):
    script = tmp_path / "setup.py"
    script.write_text("mailnet.gmail.add_mailbox('alice')\nmailnet.sender.helo = 'mail.app.example'\n")

    done = mailnet_run("--provider", "gmail-2009", "--script", script, "--", sys.executable, "-c", SEND)

    assert (done.returncode, done.stdout) == (0, "")
    assert "250-mx.google.com at your service, [203.0.113.7]" in done.stderr
    assert "C  ehlo mail.app.example" in done.stderr
    assert "250 2.0.0 OK" in done.stderr


def test_what_is_in_queues_is_told(mailnet_run, tmp_path):
    script = tmp_path / "setup.py"
    script.write_text(
        "alice = mailnet.gmail.add_mailbox('alice')\nalice.forward_to('carl@shop.example')\n"
        "mailnet.add_server('mx.shop.example', domain='shop.example')\n"
    )

    done = mailnet_run("--script", script, "--", sys.executable, "-c", SEND)

    assert done.returncode == 0, done.stderr
    assert "carl@shop.example" in done.stderr.partition("in the queue")[2]


@pytest.mark.parametrize(
    ("command", "status"), [("exit 5", 5), ("kill -TERM $$", 143), ("exec no-such-program", 127)]
)
def test_the_exit_status_is_the_commands(mailnet_run, command, status):
    assert mailnet_run("--", "sh", "-c", command).returncode == status


def test_a_command_that_is_not_there_is_told(mailnet_run):
    done = mailnet_run("no-such-program", "--now")

    assert (done.returncode, done.stdout) == (127, "")
    assert "No such file or directory: 'no-such-program'" in done.stderr


def test_a_shell_looks_around(mailnet_run):
    done = mailnet_run("--shell", input="hostname; exit 3", env={**os.environ, "SHELL": "/bin/sh"})

    assert (done.returncode, done.stdout) == (3, "app.sender.example\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "mailnet run: a command stands behind --, as in: mailnet run -- swaks --to alice@gmail.com\n"),
        (["--script", "no.py", "true"], "mailnet run: --script no.py: there is no such file\n"),
        (["--provider", "gmial", "true"], "mailnet run: no provider 'gmial' (did you mean 'gmail'"),
    ],
)
def test_mistakes_are_told(capsys, arguments, told):
    status = main(["run", *arguments])

    assert status == 2
    assert capsys.readouterr().err.startswith(told)


@pytest.mark.usefixtures("namespaces")
def test_the_doctor_finds_namespaces(capsys):
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.startswith("namespaces: yes, ")


def test_the_doctor_tells_in_one_line_why_there_are_none(capsys, monkeypatch):
    def refuse(*_):
        raise NoNamespace("this machine gives no namespaces for programs: unshare: Operation not permitted")

    monkeypatch.setattr(outside, "Nursery", refuse)

    assert main(["doctor"]) == 1
    assert capsys.readouterr().out == (
        "no namespaces: this machine gives no namespaces for programs: unshare: Operation not permitted\n"
    )
