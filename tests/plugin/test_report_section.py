"""The section "mailnet" as a user's suite shows it: on a terminal, in junitxml, in a file."""

from __future__ import annotations

import re
import stat
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

TWO = """
import smtplib

import pytest

def send(number=0):
    with smtplib.SMTP("mx.shop.example", 25) as client:
        client.sendmail("bob@sender.example", [f"user{number}@shop.example"], "Subject: \\x1b[2J\\r\\n\\r\\nhello\\r\\n")

def test_one_mail(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example").on_rcpt("user0@*").reply("550 5.1.1 No")
    with pytest.raises(smtplib.SMTPException):
        send()
    assert False

def test_many_mails(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    for number in range(20):
        send(number)
    assert False
"""


@pytest.fixture(autouse=True)
def _suite(pytester):
    pytester.makepyfile(test_two=TWO)
    pytester.makeini("[pytest]\naddopts = -p no:randomly\n")


def test_the_section_stands_in_junitxml(pytester):
    pytester.runpytest_inprocess("--junitxml=out.xml", "--color=yes")

    told = [failure.text for failure in ET.parse(pytester.path / "out.xml").iter("failure")]  # noqa: S314  # pytest's own
    assert len(told) == 2
    assert all("- mailnet -" in text and "S  220 mx.shop.example ESMTP" in text for text in told)
    assert not any("#x1B" in text for text in told)


def test_it_is_shown_whatever_output_is_captured(pytester):
    result = pytester.runpytest_inprocess("--show-capture=no")

    result.stdout.fnmatch_lines(["*- mailnet -*", "*S  550 5.1.1 No"])


@pytest.mark.usefixtures("beside_others")
@pytest.mark.parametrize("processes", [(), ("-n", "1")])
def test_a_terminal_has_colours(pytester, processes):
    result = pytester.runpytest_subprocess("--color=yes", *processes)

    told = result.stdout.str()
    assert "[1] S  \033[32m220 mx.shop.example ESMTP\033[0m" in told
    assert "[1] S  \033[31m550 5.1.1 No\033[0m" in told
    assert "\033[2J" not in told


@pytest.mark.parametrize(("option", "environment"), [("--color=no", "0"), ("--color=auto", "1")])
def test_where_pytest_paints_nothing_there_are_no_colours(pytester, monkeypatch, option, environment):
    monkeypatch.setenv("NO_COLOR", environment)

    result = pytester.runpytest_inprocess(option, "--mailnet-log=always")

    assert "[1] S  220 mx.shop.example ESMTP" in result.stdout.str()
    assert "\033" not in result.stdout.str()


def test_a_test_that_passed_has_colours_too(pytester):
    pytester.makepyfile(test_two=TWO.replace("assert False", "assert True"))

    result = pytester.runpytest_inprocess("--color=yes", "--mailnet-log=always")

    result.assert_outcomes(passed=2)
    assert "[1] S  \033[31m550 5.1.1 No\033[0m" in result.stdout.str()


@pytest.mark.usefixtures("beside_others")
@pytest.mark.parametrize("processes", [(), ("-n", "2")])
def test_a_long_section_is_shortened_and_names_the_file_with_all_of_it(pytester, processes):
    result = pytester.runpytest_subprocess("--color=no", *processes)

    told = result.stdout.str()
    assert "[2] to [20]  went the same way as [1]" in told
    [named] = re.findall(r"(?m)^\.\.\. shortened; all of it is in (.*)$", told)
    assert stat.S_IMODE(Path(named).stat().st_mode) == 0o600
    text = Path(named).read_text("utf-8")
    # smtplib writes commands in lower case since Python 3.13.
    assert all(f"rcpt to:<user{number}@shop.example>" in text.lower() for number in range(20))


@pytest.mark.parametrize(("lines", "shortened"), [("0", 0), ("10", 2)])
def test_its_length_is_a_setting(pytester, lines, shortened):
    pytester.makeini(f"[pytest]\nmailnet_log_lines = {lines}\naddopts = -p no:randomly\n")

    told = pytester.runpytest_inprocess().stdout.str()

    assert told.count("... shortened; all of it is in ") == shortened


@pytest.mark.parametrize("lines", ["many", "-1"])
def test_a_length_that_is_none_is_told(pytester, lines):
    pytester.makeini(f"[pytest]\nmailnet_log_lines = {lines}\n")

    result = pytester.runpytest_inprocess()

    told = result.stdout.str() + result.stderr.str()
    assert re.search(rf"ini option mailnet_log_lines.*{lines}", told)
    assert "takes a number, 0 for no limit" in told


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="pytest's own TOML is of 9.0")
def test_a_length_is_a_number_in_toml(pytester):
    pytester.makepyprojecttoml("[tool.pytest]\nmailnet_log_lines = 0\n")
    test = pytester.makepyfile(test_of_its_own="def test_nothing(mailnet): pass")

    pytester.runpytest_inprocess(test).assert_outcomes(passed=1)


def test_a_file_that_cannot_be_written_is_no_reason_to_tell_nothing(pytester):
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(autouse=True)
        def full_disk(tmp_path_factory, monkeypatch):
            def mktemp(name):
                raise OSError(28, "No space left on device")

            monkeypatch.setattr(tmp_path_factory, "mktemp", mktemp)
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["... shortened; all of it is in no file: *No space left on device"])


def test_a_hang_is_told_once(pytester):
    pytester.makepyfile(
        test_two="""
        import smtplib

        def test_hang(mailnet):
            mailnet.add_server("mx.shop.example", domain="shop.example")
            mailnet.clock.compress()
            mailnet.fail("shop.example", "stalled-at-connect")
            client = smtplib.SMTP()
            try:
                client.connect("mx.shop.example")
            finally:
                client.close()
        """
    )

    result = pytester.runpytest_inprocess("--color=no")

    result.assert_outcomes(failed=1)
    told = result.stdout.str()
    assert told.count("in life it would hang for good") == 1
    assert told.count("!!  hang: the application waits without a time-out") == 1
    assert "ExpectationFailed" not in told
