"""`mailnet replies`: the catalogue for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from pytest_mailnet.cli.main import main
from pytest_mailnet.cli.reply_list import ages, matching_replies, stale_before
from pytest_mailnet.providers import catalogue_with


@pytest.fixture
def run(capsys):
    """Run `mailnet replies` with arguments; returns its exit status, standard output and standard error."""

    def run(*arguments):
        status = main(["replies", *arguments])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_the_whole_catalogue_is_listed(run):
    catalogue = catalogue_with()
    every = [(stem, name) for stem in catalogue.stems for name in catalogue.own_phrases(stem)]

    status, out, _ = run("--json")

    assert status == 0
    assert [tuple(it["id"].split("/")) for it in json.loads(out)] == every


def test_an_entry_for_programs_has_its_source_and_how_its_stage_is_known(run):
    _, out, _ = run("--json", "--provider", "gmail", "--stage", "rcpt", "--code", "5.1.1")

    [entry, *_] = json.loads(out)
    assert entry == {
        "id": "gmail/user_unknown",
        "provider": "gmail",
        "condition": "user_unknown",
        "role": "mx",
        "stage": "rcpt",
        "stage_evidence": "captured",
        "code": 550,
        "enhanced": "5.1.1",
        "text": (
            "The email account that you tried to reach does not exist. Please try\n"
            "double-checking the recipient's email address for typos or\n"
            "unnecessary spaces. For more information, go to\n"
            " https://support.google.com/mail/?p=NoSuchUser {queue_id} - gsmtp"
        ),
        "source": (
            "public repository file (emailDelivery.test.ts: a real bounce of 2026-08-04, relay.mailchannels.net to "
            "gmail-smtp-in.l.google.com, 'in reply to RCPT TO command')"
        ),
        "year": 2026,
        "secondary": False,
        "note": "",
    }


def test_each_entry_has_a_line_and_its_source(run):
    status, out, _ = run("--provider", "gmail", "--stage", "rcpt", "--code", "552")

    assert status == 0
    assert out == (
        "gmail/mailbox_full_permanent  rcpt  552 5.2.2 The recipient's inbox is out of storage space and "
        "inactive. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaPerm "
        "{queue_id} - gsmtp\n"
        "    stage captured 2023: github:sisimai/set-of-emails maildir/bsd/rhost-google-05.eml\n"
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--provider", "outlook"], {"hotmail"}),
        (["--provider", "gmail-2009"], {"gmail-2009"}),
        (["this user doesn't have", "a yahoo.com account"], {"yahoo"}),
        (["fastmail/"], {"fastmail"}),
    ],
)
def test_conditions_choose_entries(run, arguments, expected):
    _, out, _ = run("--json", *arguments)

    assert {entry["provider"] for entry in json.loads(out)} == expected


def test_a_code_chooses_by_its_beginning(run):
    _, out, _ = run("--json", "--code", "42")

    assert {entry["code"] // 10 for entry in json.loads(out)} == {42}


def test_stale_replies_are_those_of_old_years_and_of_none(run):
    _, out, _ = run("--json", "--stale", "36")

    years = {entry["year"] for entry in json.loads(out)}
    assert years
    assert max(year or 0 for year in years) < datetime.now(UTC).year - 2


@pytest.mark.parametrize(
    ("today", "months", "year"),
    [
        (date(2026, 11, 28), 36, 2023),
        (date(2026, 11, 28), 46, 2023),
        (date(2026, 11, 28), 47, 2022),
        (date(2026, 1, 1), 0, 2026),
        (date(2026, 1, 1), 1, 2025),
    ],
)
def test_a_reply_of_a_year_is_as_old_as_its_end(today, months, year):
    assert stale_before(today, months) == year


def test_a_year_chooses_what_is_from_before_or_of_no_year():
    catalogue = catalogue_with()
    every, old = matching_replies(catalogue), matching_replies(catalogue, before=2021)

    assert [it for it in every if it.phrase.year is None or it.phrase.year < 2021] == old
    assert 0 < len(old) < len(every)


def test_the_tables_begin_with_the_ages_of_the_replies(run):
    _, out, _ = run("--markdown", "--provider", "gmail-2009")

    [first, *_] = out.splitlines()
    assert first == ages(matching_replies(catalogue_with(), provider="gmail-2009"))
    assert first.endswith(" · 0 of 2021 to 2024 · 11 older · 0 without a year")


def test_one_reply_is_shown_as_it_goes_over_the_wire(run):
    status, out, _ = run("show", "gmail/user_unknown")

    assert status == 0
    assert out == (
        "550-5.1.1 The email account that you tried to reach does not exist. Please try\n"
        "550-5.1.1 double-checking the recipient's email address for typos or\n"
        "550-5.1.1 unnecessary spaces. For more information, go to\n"
        "550 5.1.1  https://support.google.com/mail/?p=NoSuchUser {queue_id} - gsmtp\n"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--provider", "gmial"], "no provider 'gmial' (did you mean 'gmail'"),
        (["--stage", "rctp"], "no stage 'rctp' (did you mean 'rcpt'"),
        (["--code", "x"], "'x' begins no code; codes are like '550' and '5.7.26'"),
        (["show", "gmail/user_unknwon"], "no reply 'gmail/user_unknwon' (did you mean 'gmail/user_unknown'"),
        (["--stale", "-1"], "--stale -1: it takes an age in months, as in --stale 36"),
        (["show"], "show takes the ID of one reply, as in `replies show gmail/user_unknown`\n"),
        (["show", "user", "unknown"], "show takes the ID of one reply, as in"),
        (["show", "gmial/user_unknown"], "no provider 'gmial' (did you mean 'gmail'"),
    ],
)
def test_a_mistake_is_told_with_what_there_is(run, arguments, told):
    status, out, err = run(*arguments)

    assert (status, out) == (2, "")
    assert told in err


def test_nothing_found_is_told_and_fails(run):
    status, out, err = run("xyzzy")

    assert (status, out) == (1, "")
    assert err == "mailnet replies: nothing fits; leave out a condition, or a word\n"


def test_a_reader_that_stops_early_is_no_error():
    listing = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from pytest_mailnet.cli.main import main; raise SystemExit(main())",
            "replies",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert listing.stdout is not None

    listing.stdout.readline()
    listing.stdout.close()

    assert listing.wait(20) == 0
    assert listing.stderr is not None
    assert listing.stderr.read() == b""
    listing.stderr.close()
