"""`--mailnet-cov` as a user's suite sees it: tables, files, a share to reach, several processes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SUITE = """
import smtplib

import pytest
from pytest_mailnet import MailNet

def send(host, to):
    with smtplib.SMTP(host, 25) as client:
        client.sendmail("bob@sender.example", [to], "Subject: x\\r\\n\\r\\nhello\\r\\n")

def test_gmail_takes_a_mail(mailnet):
    mailnet.gmail.add_mailbox("alice")
    send("gmail-smtp-in.l.google.com", "alice@gmail.com")

def test_two_nets(make_mailnet):
    for reply in ("450 4.2.0 Later", "550 5.1.1 No"):
        with MailNet() as net:
            net.add_server("mx.shop.example").on_rcpt().reply(reply)
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                send("mx.shop.example", "sales@shop.example")
    assert len(net.sessions) == 1

def test_without_a_net():
    pass
"""


@pytest.fixture
def run(pytester):
    """Run pytest on the suite, in a process of its own where it starts others; return its result."""
    pytester.makepyfile(test_suite=SUITE)

    def run(*arguments, cov="--mailnet-cov"):
        run = pytester.runpytest_subprocess if "-p" in arguments else pytester.runpytest_inprocess
        return run(cov, *arguments)

    return run


def told(pytester, name="mailnet-cov.json"):
    return json.loads((pytester.path / name).read_text("utf-8"))


def test_the_terminal_has_the_tables_of_all_nets(run):
    result = run()

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "*= mailnet coverage =*",
            "Replies *2yz *4yz *5yz *cut *silent *unreadable",
            "connect *3 *0 *0 *0 *0 *0",
            "rcpt *1 *1 *1 *0 *0 *0",
            "Look-ups *answer *NXDOMAIN *NODATA *SERVFAIL *time-out",
            "TLS handshakes *",
            "Log-ins *",
            "gmail: 7 of * met; not *, and * more",
            "faults: 0 of * met; not *",
            "mailnet coverage: 1*.*%, 1* of 76 cells",
            "no test meets a refusal for now after the dot: mailnet.*.on_message().reply(*)",
        ]
    )


def test_a_run_without_the_option_tells_nothing(run):
    result = run(cov="-v")

    result.stdout.no_fnmatch_line("*mailnet coverage*")


def test_a_run_without_the_option_imports_nothing_of_it(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_modules(mailnet):
            assert not [it for it in sys.modules if it.startswith("pytest_mailnet.coverage")]
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_run_without_a_net_says_so(pytester):
    pytester.makepyfile("def test_nothing(): pass")

    result = pytester.runpytest_inprocess("--mailnet-cov")

    result.stdout.fnmatch_lines(["no test of this run had a net"])
    assert result.ret == 0


def test_the_net_of_a_failed_test_counts_too(pytester):
    pytester.makepyfile(
        "import socket\n\ndef test_fails(mailnet):\n"
        "    socket.getaddrinfo('gmail-smtp-in.l.google.com', 25)\n    assert False\n"
    )

    result = pytester.runpytest_inprocess("--mailnet-cov", "--mailnet-cov-report=json")

    result.assert_outcomes(failed=1)
    assert result.ret == 1
    assert told(pytester)["tables"]["lookups"]["A/AAAA"]["answer"] == 1


def test_reports_go_where_they_are_wanted(run, pytester):
    result = run("--mailnet-cov-report=json", "--mailnet-cov-report=html:out/cov.html")

    result.stdout.no_fnmatch_line("*= mailnet coverage =*")
    result.stdout.fnmatch_lines(
        [
            f"mailnet coverage JSON written to file {pytester.path / 'mailnet-cov.json'}",
            f"mailnet coverage HTML written to file {pytester.path / 'out' / 'cov.html'}",
        ]
    )
    assert told(pytester)["nets"] == 3
    assert "<h2>gmail: 7 of " in (pytester.path / "out" / "cov.html").read_text("utf-8")


def test_term_stands_beside_files(run, pytester):
    result = run("--mailnet-cov-report=term", "--mailnet-cov-report=json:cov.json")

    result.stdout.fnmatch_lines(["*= mailnet coverage =*"])
    assert told(pytester, "cov.json")["nets"] == 3


def test_an_empty_report_is_none(run):
    result = run("--mailnet-cov-report=")

    result.stdout.no_fnmatch_line("*mailnet coverage*")


def test_files_are_written_without_a_terminal(run, pytester):
    result = run("-p", "no:terminal", "--mailnet-cov-report=json", "--mailnet-cov-fail-under=90")

    assert result.ret == 1
    assert told(pytester)["nets"] == 3


@pytest.mark.parametrize(
    ("least", "status", "line"),
    [
        ("99.5", 1, "FAIL Required mailnet coverage of 99.5% not reached. Met: 1*.*%"),
        ("10", 0, "Required mailnet coverage of 10% reached. Met: 1*.*%"),
    ],
)
def test_a_run_that_has_met_too_little_fails(run, least, status, line):
    result = run(f"--mailnet-cov-fail-under={least}")

    result.assert_outcomes(passed=3)
    assert result.ret == status
    result.stdout.fnmatch_lines([line])


@pytest.mark.parametrize(
    ("option", "error"),
    [
        (
            "--mailnet-cov-report=trem",
            "--mailnet-cov-report=trem: no report 'trem' (did you mean 'term'? There is: html, json, term)",
        ),
        (
            "--mailnet-cov-report=term:out.txt",
            "--mailnet-cov-report=term:out.txt: term goes to the terminal, and takes no file; json:FILE does",
        ),
        (
            "--mailnet-cov-fail-under=most",
            "--mailnet-cov-fail-under=most: it takes a number of percent, 0 to 100",
        ),
        (
            "--mailnet-cov-fail-under=101",
            "--mailnet-cov-fail-under=101: it takes a number of percent, 0 to 100",
        ),
        (
            "--mailnet-cov-fail-under=nan",
            "--mailnet-cov-fail-under=nan: it takes a number of percent, 0 to 100",
        ),
    ],
)
def test_a_mistake_in_an_option_is_told(run, option, error):
    result = run(option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {error.replace('[', '[[]')}"])


@pytest.mark.parametrize("option", ["--mailnet-cov-report=json", "--mailnet-cov-fail-under=50"])
def test_a_report_of_nothing_is_a_mistake(run, option):
    result = run(option, cov="-q")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    name = option.partition("=")[0]
    result.stderr.fnmatch_lines([f"ERROR: {name} is without effect: it takes --mailnet-cov, which counts"])


def test_a_file_that_cannot_be_written_is_told(run, pytester):
    (pytester.path / "taken").write_text("")

    result = run("--mailnet-cov-report=json:taken/cov.json")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: --mailnet-cov-report: {pytester.path / 'taken' / 'cov.json'} cannot be written: *"]
    )
    result.stdout.no_fnmatch_line("*written to file*")


def test_a_collection_alone_reports_nothing(run, pytester):
    result = run("--collect-only", "--mailnet-cov-report=json", "--mailnet-cov-fail-under=50")

    assert result.ret == 0
    assert not (pytester.path / "mailnet-cov.json").exists()


@pytest.mark.parametrize(("least", "status", "failures"), [(10, 0, 0), (99, 1, 1)])
def test_what_the_workers_of_xdist_have_counted_is_one_report(run, pytester, least, status, failures):
    run("-p", "no:xdist", "--mailnet-cov-report=json:alone.json")

    result = run(
        *("-p", "xdist.plugin", "-n", "2", f"--mailnet-cov-fail-under={least}"),
        *("--mailnet-cov-report=json", "--mailnet-cov-report=term"),
    )

    result.assert_outcomes(passed=3)
    assert result.ret == status
    result.stdout.fnmatch_lines(["rcpt *1 *1 *1 *0 *0 *0"])
    assert str(result.stdout).count("FAIL Required mailnet coverage") == failures
    assert told(pytester) == told(pytester, "alone.json")


def test_two_runs_in_one_process_count_their_own_nets(pytester):
    pytester.makepyfile(test_suite=SUITE)
    # Not in this process: what the runs import would be forgotten after them, and imported a second time.
    twice = pytester.makepyfile(
        twice="""\
        import pytest
        from pytest_mailnet.net.lifetime import Lifetime

        before = Lifetime.at_end
        for _ in range(2):
            pytest.main(["-p", "no:randomly", "--mailnet-cov", "test_suite.py"])
            assert Lifetime.at_end == before
        """
    )

    result = pytester.runpython(twice)

    assert result.ret == 0
    assert len(re.findall(r"^connect +3 +0 +0 +0 +0 +0$", result.stdout.str(), re.MULTILINE)) == 2


def test_the_examples_meet_what_the_readme_says(pytester):
    ini = pytester.makeini("[pytest]\naddopts = --import-mode=importlib\n")

    examples = [ROOT / "examples" / name for name in ("outbox", "signup", "bounces")]

    result = pytester.runpytest_inprocess("-c", ini, *examples, "--mailnet-cov", "--mailnet-cov-report=json")

    assert result.ret == 0
    counted = told(pytester)
    readme = (ROOT / "README.md").read_text("utf-8")
    [(met, cells)] = re.findall(r"The suites of three examples meet (\d+) of (\d+)", readme)
    assert (counted["met"], counted["cells"]) == (int(met), int(cells))
