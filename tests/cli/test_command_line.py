"""The `mailnet` command as a program: what it is called by, how it ends, and what it says then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from pytest_mailnet.cli.main import main

COMMANDS = ["demo", "providers", "replies", "rules", "faults", "reproduce", "audit", "run", "doctor"]
LOGGED = b"Mar  9 10:11:12 relay postfix/qmgr[9]: ABCDEF12: removed\n"


def started(*arguments, **streams):
    """The command in a process of its own, with pipes for what is not given."""
    streams.setdefault("env", {**os.environ, "PYTHONUNBUFFERED": ""})
    return subprocess.Popen(
        [sys.executable, "-m", "pytest_mailnet", *map(str, arguments)],
        **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
    )


def ended(process):
    """Its status and what it said on standard error."""
    _, err = process.communicate(timeout=60)
    return process.returncode, err.decode()


@pytest.fixture
def typed(capsys):
    """Run the command in this process; returns its exit status, standard output and standard error."""

    def run(*arguments):
        try:
            status = main(list(map(str, arguments)))
        except SystemExit as exiting:
            status = exiting.code
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_the_version_is_that_of_the_package(typed):
    assert typed("--version") == (0, f"pytest-mailnet {metadata.version('pytest-mailnet')}\n", "")


def test_the_package_can_be_run_as_a_module():
    process = started("faults", "--json", "--kind", "dns")

    out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)[0]["id"] == "dns-servfail"


def test_without_a_command_all_are_listed(typed):
    status, out, err = typed()

    assert (status, out) == (2, "")
    assert err.startswith("usage: mailnet [-h] [--version] COMMAND ...\n")
    assert all(f"\n    {command}" in err for command in COMMANDS)


def test_a_command_that_there_is_not_is_told_with_those_that_there_are(typed):
    status, _, err = typed("provider")

    assert status == 2
    assert "invalid choice: 'provider'" in err
    assert all(command in err for command in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--verison"],
            "mailnet: error: it does not take '--verison' (did you mean '--version'? There is: --version)\n",
        ),
        (
            ["faults", "--stgae", "rcpt"],
            "mailnet faults: error: it does not take '--stgae' (did you mean '--stage'? "
            "There is: --json, --kind, --markdown, --stage)\n",
        ),
        (
            ["providers", "gmail", "yahoo"],
            "mailnet providers: error: it does not take 'yahoo' (there is: --json, --markdown)\n",
        ),
    ],
)
def test_an_argument_that_is_not_taken_is_told_with_its_like(typed, arguments, told):
    status, out, err = typed(*arguments)

    assert (status, out) == (2, "")
    assert err.endswith(told)


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo"],
        ["providers"],
        ["providers", "gmail"],
        ["replies"],
        ["replies", "show", "gmail/user_unknown"],
        ["rules"],
        ["faults"],
        ["faults", "--json"],
        ["--help"],
        ["--version"],
    ],
    ids=" ".join,
)
def test_a_reader_that_has_gone_is_no_error(arguments):
    reading, writing = os.pipe()
    os.close(reading)

    process = started(*arguments, stdout=writing)
    os.close(writing)

    assert ended(process) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="takes a disk that is always full")
def test_what_cannot_be_written_is_told():
    with Path("/dev/full").open("wb") as full:
        process = started("rules", stdout=full)

    assert ended(process) == (2, "mailnet rules: [Errno 28] No space left on device\n")


def test_an_interruption_ends_it_without_a_traceback():
    # Who is started in the background of a shell inherits that SIGINT is ignored.
    process = started("reproduce", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert process.stdin is not None

    process.stdin.write(LOGGED * 10_000)  # more than a pipe holds: it reads by now
    process.send_signal(signal.SIGINT)

    assert ended(process) == (130, "")


@pytest.mark.parametrize(("closed", "status"), [(">&-", 0), ("2>&-", 0), ("<&-", 2)])
def test_a_stream_that_is_closed_is_no_traceback(closed, status):
    command = f'"{sys.executable}" -m pytest_mailnet {"reproduce" if status else "rules"} {closed}'

    process = subprocess.run(["/bin/sh", "-c", command], capture_output=True, timeout=60, check=False)

    assert process.returncode == status
    assert process.stderr.decode() == (
        "mailnet reproduce: there is no standard input: it is closed\n" if status else ""
    )


def test_what_a_terminal_cannot_show_is_replaced():
    process = started("replies", "--provider", "qq", env={**os.environ, "PYTHONIOENCODING": "ascii"})

    assert ended(process) == (0, "")


def test_a_package_that_is_only_on_the_path_has_no_version(monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(SystemExit) as ended_with:
        main(["--version"])

    assert ended_with.value.code == 0
    assert capsys.readouterr().out.rstrip().endswith("(not installed)")
