"""`mailnet reproduce`, as it is typed."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import sys
import threading
import tomllib

import pytest

from pytest_mailnet.cli.main import main

LOG = (
    "Mar  9 10:11:12 relay postfix/qmgr[9]: ABCDEF12: from=<bob@sender.example>, size=9, nrcpt=1 (queue active)\n"
    "Mar  9 10:11:13 relay postfix/smtp[9]: ABCDEF12: to=<alice@shop.example>, "
    "relay=mx.shop.example[192.0.2.8]:25, delay=1, dsn=5.7.1, status=bounced (host "
    "mx.shop.example[192.0.2.8] said: 554 5.7.1 <alice@shop.example>: Looks like spam (in reply to end of "
    "DATA command))\n"
    "Mar  9 10:11:14 relay postfix/smtp[9]: FEDCBA98: to=<carl@club.example>, relay=none, delay=1, dsn=4.4.1, "
    "status=deferred (connect to mx.club.example[192.0.2.9]:25: Connection refused)\n"
)


@pytest.fixture
def run(capsys):
    def typed(*arguments):
        status = main(["reproduce", *map(str, arguments)])
        told = capsys.readouterr()
        return status, told.out, told.err

    return typed


def test_a_bounce_is_told_to_people(run, bounce):
    status, out, err = run(bounce)

    assert (status, err) == (0, "")
    assert re.sub("  read as .*\n", "", out) == (
        f"{bounce}: alice@shop.example\n"
        "  from       bob@sender.example\n"
        "  at         mx.shop.example [192.0.2.8]\n"
        "  stage      RCPT\n"
        "  reply      550-5.1.1 <alice@shop.example>: nobody\n"
        "             550 5.1.1 here\n"
        "  permanent  yes\n"
        "  matches    nothing in the catalogue: it is new\n"
    )


def test_it_is_told_to_programs(run, bounce):
    status, out, err = run(bounce, "--as", "json")

    assert (status, err) == (0, "")
    [told] = json.loads(out)
    assert all(isinstance(it, str) for it in told.pop("read_as"))
    assert [told] == [
        {
            "file": str(bounce),
            "recipient": "alice@shop.example",
            "original": None,
            "sender": "bob@sender.example",
            "host": "mx.shop.example",
            "address": "192.0.2.8",
            "stage": "rcpt",
            "stage_inferred": False,
            "stage_rule": None,
            "code": 550,
            "enhanced": "5.1.1",
            "reply": ["550-5.1.1 <alice@shop.example>: nobody", "550 5.1.1 here"],
            "permanent": True,
            "provider": None,
            "matches": None,
            "left_out": [],
        }
    ]


def test_what_is_not_told_is_null(run, tmp_path):
    path = tmp_path / "mail.log"
    path.write_text(LOG.splitlines(keepends=True)[2])

    _, out, _ = run(path, "--as", "json")

    [told] = json.loads(out)
    assert {name for name, value in told.items() if value is None} == {
        "original",
        "sender",
        "stage_rule",
        "code",
        "reply",
        "provider",
    }
    assert (told["stage"], told["matches"], told["enhanced"]) == ("connect", "refused-at-connect", "4.4.1")


def test_a_phrasebook_takes_the_entry(run, bounce):
    _, out, _ = run(bounce, "--as", "toml")

    assert tomllib.loads(out) == {
        "replies": {
            "user_unknown": {
                "stage": "rcpt",
                "reply": "550-5.1.1 <{recipient}>: nobody\n550 5.1.1 here",
                "source": str(bounce),
                "stage_evidence": "captured",
            }
        }
    }


def test_braces_that_were_said_are_no_variables_of_an_entry(run, tmp_path):
    path = tmp_path / "mail.log"
    path.write_text(
        LOG.splitlines(keepends=True)[1].replace("Looks like spam", "{ip} is blocked by {policy}")
    )

    _, out, _ = run(path, "--as", "toml")

    [entry] = tomllib.loads(out)["replies"].values()
    assert entry["reply"] == "554 5.7.1 <{recipient}>: {{ip}} is blocked by {{policy}}"


def test_what_the_catalogue_has_is_named_in_its_place(run, tmp_path):
    path = tmp_path / "mail.log"
    path.write_text(
        LOG.splitlines(keepends=True)[1].replace("554 5.7.1 <alice@shop.example>: Looks like spam", GMAIL)
    )

    _, out, _ = run(path, "--as", "toml")

    assert out == f"# {path}: gmail/user_unknown is in the catalogue.\n"


GMAIL = (
    "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking "
    "the recipient's email address for typos or 550-5.1.1 unnecessary spaces. For more information, go to "
    "550 5.1.1 "
    "https://support.google.com/mail/?p=NoSuchUser a640c23a62f3a-1f.85 - gsmtp"
)


def test_standard_input_is_read_where_no_file_is_named(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LOG.encode())))

    status, out, _ = run()

    assert status == 0
    assert [line for line in out.splitlines() if line.startswith("standard input")] == [
        "standard input: alice@shop.example",
        "standard input: carl@club.example",
    ]


def test_a_mail_of_a_log_is_picked_by_its_queue_id(run, tmp_path):
    path = tmp_path / "mail.log"
    path.write_text(LOG)

    _, out, _ = run(path, "--queue-id", "FEDCBA98")

    assert "carl@club.example" in out
    assert "alice@shop.example" not in out


def test_a_mail_that_is_not_in_a_log_is_told(run, tmp_path):
    path = tmp_path / "mail.log"
    path.write_text(LOG)

    status, out, err = run(path, "--queue-id", "FEDCBA89")

    assert (status, out) == (1, "")
    assert err == f"{path}: a mail log; no line in it tells of a failed delivery of FEDCBA89\n"


def test_a_queue_id_picks_nothing_of_what_is_no_log(run, bounce):
    status, out, err = run(bounce, "--queue-id", "FEDCBA98")

    assert (status, out) == (1, "")
    assert err == f"{bounce}: no mail log; no other evidence has queue ids\n"


def test_a_log_that_is_packed_is_told_with_what_unpacks_it(run, tmp_path):
    path = tmp_path / "mail.log.2.gz"
    path.write_bytes(gzip.compress(LOG.encode()))

    status, out, err = run(path)

    assert (status, out) == (1, "")
    assert err == f"{path}: packed by gzip; nothing is unpacked here: gzip -dc … | mailnet reproduce\n"


def test_an_option_that_there_is_not_is_told_with_its_like(run, capsys):
    with pytest.raises(SystemExit) as ended:
        run("--anonymize")

    assert ended.value.code == 2
    assert "it does not take '--anonymize' (did you mean '--anonymise'?" in capsys.readouterr().err


def test_files_without_a_failure_are_listed_and_the_others_read(run, bounce, tmp_path):
    hello = tmp_path / "hello.txt"
    hello.write_text("hello\n")
    empty = tmp_path / "empty.eml"
    empty.write_text("")

    status, out, err = run(tmp_path)

    assert status == 0
    assert out.startswith(f"{bounce}: alice@shop.example\n")
    assert err.splitlines()[0] == f"{empty}: it is empty; there is nothing to read"
    assert err.splitlines()[1].startswith(
        f"{hello}: a text of no kind that is known; known are: a mail, an mbox,"
    )


def test_nothing_found_is_a_status_of_its_own(run, tmp_path):
    path = tmp_path / "hello.txt"
    path.write_text("hello\n")

    assert run(path)[:2] == (1, "")
    assert run(path, "--as", "json")[:2] == (1, "[]\n")


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_read(run, bounce, tmp_path):
    gone = tmp_path / "gone.eml"
    gone.symlink_to("nowhere")

    status, out, err = run(gone, bounce)

    assert status == 2
    assert out.startswith(f"{bounce}: alice@shop.example\n")
    assert err == f"{gone}: it could not be read; it is a link to where nothing is\n"


def test_a_pipe_that_is_named_is_read(run, bounce, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[bounce.read_bytes()])
    writer.start()

    status, out, _ = run(pipe)

    writer.join()
    assert (status, out.splitlines()[0]) == (0, f"{pipe}: alice@shop.example")


def test_a_folder_without_a_file_is_told(run, tmp_path):
    assert run(tmp_path) == (2, "", f"mailnet reproduce: there is no file in {tmp_path}\n")


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        ([""], "'' is no file: a variable that is not set? \".\" is all that lies here"),
        (["-", "-"], "'-' twice: standard input can be read once"),
    ],
)
def test_a_path_that_means_nothing_is_told(run, monkeypatch, paths, told):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LOG.encode())))

    assert run(*paths) == (2, "", f"mailnet reproduce: {told}\n")


def test_a_path_that_is_not_there_is_told_with_its_like(run, bounce):
    status, out, err = run(bounce.with_name("bonce.eml"))

    assert (status, out) == (2, "")
    assert err.startswith("mailnet reproduce: '")
    assert "did you mean 'bounce.eml'" in err


def test_a_typo_in_the_form_is_told(run, bounce, capsys):
    with pytest.raises(SystemExit) as ended:
        run(bounce, "--as", "tset")

    assert ended.value.code == 2
    assert "argument --as: invalid choice: 'tset'" in capsys.readouterr().err


def test_names_are_replaced_the_same_by_the_same(run, bounce):
    _, out, _ = run(bounce, "--as", "json", "--anonymise")

    [told] = json.loads(out)
    assert told["recipient"] == "user1@domain1.example"
    assert told["sender"] == "user2@domain2.example"
    assert told["host"] == "host1.domain1.example"
    assert told["reply"][0] == "550-5.1.1 <user1@domain1.example>: nobody"
    assert told["file"] == "evidence 1"
    assert "shop" not in out


@pytest.mark.parametrize("form", ["text", "test", "toml", "json"])
def test_neither_folders_nor_files_nor_subjects_name_people_in_what_is_anonymised(run, tmp_path, form):
    folder = tmp_path / "home-of-neko"
    folder.mkdir()
    (folder / "neko@shop.example.log").write_text(LOG)
    (folder / "neko.eml").write_text("From: neko@shop.example\nSubject: Neko's order\n\nhello\n")

    status, out, err = run(folder, "--as", form, "--anonymise")

    assert status == 0
    assert "evidence 1" in out
    assert err.startswith("evidence 2: a mail; neither")
    assert not re.search("neko|shop|club", out + err, re.IGNORECASE)


def test_what_is_known_of_a_failure_is_known_without_its_names(run, tmp_path):
    path = tmp_path / "mail.log"
    path.write_text(
        "Mar  9 10:11:13 relay postfix/smtp[9]: ABCDEF12: to=<alice@shop.example>, "
        "relay=mx.shop.example[192.0.2.8]:25, delay=1, dsn=5.0.0, status=bounced (host "
        "mx.shop.example[192.0.2.8] said: 550-Verification failed for <bob@sender.example> "
        "550-No Such User Here 550 Sender verify failed (in reply to RCPT TO command))\n"
    )

    _, named, _ = run(path)
    _, nameless, _ = run(path, "--anonymise")

    assert nameless.splitlines()[1:] == [
        "  read as    a Postfix log",
        "  at         host1.domain1.example [192.0.2.1]",
        "  stage      RCPT",
        "  reply      550-Verification failed for <user2@domain2.example>",
        "             550-No Such User Here",
        "             550 Sender verify failed",
        "  permanent  yes",
        "  like       exim",
        "  matches    exim/sender_verify_failed",
    ]
    assert named.splitlines()[-3:] == nameless.splitlines()[-3:]


def test_somebody_at_a_terminal_is_told_how_to_end(monkeypatch, capsys):
    leader, follower = os.openpty()
    try:
        os.write(leader, b"550 5.1.1 No such user\n\x04\x04")
        with open(follower, encoding="utf-8") as typed:  # noqa: PTH123  # a descriptor
            monkeypatch.setattr(sys, "stdin", typed)

            status = main(["reproduce", "-"])
    finally:
        os.close(leader)

    told = capsys.readouterr()
    assert "reading from the terminal; Ctrl-D ends it, Ctrl-C breaks off" in told.err
    assert (status, "550 5.1.1 No such user" in told.out) == (0, True)
