"""`mailnet reproduce`: what evidence was read as, what was left out of it, and `--explain`."""

from __future__ import annotations

import base64
import io
import json
import sys
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
WORDS = (
    "This is the mail system at host relay.example.\n\n"
    "I'm sorry to have to inform you that your message could not be delivered.\n\n"
    "<alice@shop.example>: host mx.shop.example[192.0.2.8] said: 550 5.1.1\n"
    "    <alice@shop.example>: No such user (in reply to RCPT TO command)\n"
)
QUOTED = "Look at that:\n" + "".join(f"> {line}\n" for line in WORDS.splitlines())
HEADER = "From: MAILER-DAEMON@relay.example\nTo: bob@sender.example\nSubject: Undelivered Mail\n"


@pytest.fixture
def reproduce(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "110")

    def typed(content, *arguments):
        path = tmp_path / "evidence"
        path.write_text(content)
        status = main(["reproduce", str(path), *arguments])
        told = capsys.readouterr()
        return status, told.out.replace(str(path), "evidence"), told.err

    return typed


def explained(out, field):
    """The end of a field's row in the only explanation."""
    [row] = [line for line in out.partition("\n\n")[2].splitlines() if line.startswith(f"  {field} ")]
    return row


def test_a_log_is_told_to_be_one_once(reproduce):
    _, out, _ = reproduce(LOG)

    assert out.count("  read as    a Postfix log\n") == 1
    assert out.splitlines()[1] == "  read as    a Postfix log"


def test_what_was_left_out_is_told_to_people(reproduce):
    _, out, _ = reproduce(QUOTED)

    assert "  left out   1 line not quoted\n" in out


def test_what_was_left_out_of_a_file_without_a_failure_is_told(reproduce):
    status, _, err = reproduce("How are you?\n" * 20_000)

    assert status == 1
    assert err.endswith("JSON; left out: lines behind the first 10,000\n")


def test_programs_are_told(reproduce):
    _, log, _ = reproduce(LOG, "--as", "json")
    _, quoted, _ = reproduce(QUOTED, "--as", "json")

    assert [it["read_as"] for it in json.loads(log)] == [["a Postfix log"]] * 2
    assert [it["left_out"] for it in json.loads(quoted)] == [["1 line not quoted"]]


def test_an_entry_of_a_phrasebook_has_it_as_a_comment(reproduce):
    _, out, _ = reproduce(LOG, "--as", "toml")

    assert "# Read as: a Postfix log.\n[replies.reply_554_5_7_1]\n" in out
    assert tomllib.loads(out)


def test_a_written_test_says_it(reproduce):
    _, log, _ = reproduce(LOG, "--as", "test")
    _, quoted, _ = reproduce(QUOTED, "--as", "test")

    assert '    """From evidence, read as a Postfix log."""\n' in log
    assert "    Left out: 1 line not quoted.\n" in quoted


def test_each_value_is_explained_by_its_line(reproduce):
    status, out, _ = reproduce(LOG, "--explain")

    spam, refused = out.split("\n\nevidence: ")
    assert status == 0
    assert spam.partition("\n\n")[2].splitlines() == [
        "  recipient  alice@shop.example                    2  …9]: ABCDEF12: to=<alice@shop.example>, relay=mx.shop.e…",
        "  reply      554 5.7.1 <alice@shop.example>: Loo…  2  …[192.0.2.8] said: 554 5.7.1 <alice@shop.example>: Look…",
        "  host       mx.shop.example                       2  …p.example>, relay=mx.shop.example[192.0.2.8]:25, delay…",
        "  address    192.0.2.8                             2  …y=mx.shop.example[192.0.2.8]:25, delay=1, dsn=5.7.1, s…",
        "  status     5.7.1                                 2  …:25, delay=1, dsn=5.7.1, status=bounced (host mx.shop.…",
        "  stage      MESSAGE                               2  …le>: Looks like spam (in reply to end of DATA command))",
        "  sender     bob@sender.example                    1  …: ABCDEF12: from=<bob@sender.example>, size=9, nrcpt=1…",
    ]
    assert "\n  fault      refused-at-connect" in refused
    assert "-  inferred from the words" in refused


def test_lines_are_cut_to_the_terminal(reproduce):
    _, out, _ = reproduce(LOG, "--explain")

    assert max(map(len, out.partition("\n\n")[2].splitlines())) == 110


def test_a_stage_that_was_inferred_is_explained_by_its_rule(reproduce):
    _, out, _ = reproduce(
        "From: MAILER-DAEMON@a.example\nSubject: failure\n\n<a@b.example>: 550 5.1.1 No\n", "--explain"
    )

    assert explained(out, "stage").endswith(
        "  -  inferred: x.1.0 to x.1.6 are of the recipient's address (RFC 3463, 3.2)"
    )


def test_a_quoted_text_is_explained_by_the_lines_of_the_file(reproduce):
    _, out, _ = reproduce(QUOTED, "--explain")

    assert "  6  " in explained(out, "reply")
    assert explained(out, "stage").endswith("(in reply to RCPT TO command)")
    assert "  7  " in explained(out, "stage")


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_part_that_was_decoded_is_named(reproduce, encoding):
    words = WORDS.replace("alice@", "al\u00efce@") if encoding == "quoted-printable" else WORDS
    body = (
        base64.encodebytes(words.encode()).decode()
        if encoding == "base64"
        else words.replace("\u00ef", "=C3=AF")
    )
    mail = f"{HEADER}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n{body}"

    _, out, _ = reproduce(mail, "--explain")

    assert f"  7  (text/plain in {encoding}, line 5) " in explained(out, "recipient")
    assert explained(out, "sender").endswith("  2  To: bob@sender.example")


def test_a_member_of_a_document_is_named_with_its_line(reproduce):
    hooks = [
        {"event": "bounce", "email": f"u{number}@shop.example", "reason": "550 5.1.1 No", "sg_event_id": "1"}
        for number in range(2)
    ]

    _, out, _ = reproduce(json.dumps(hooks, indent=1), "--explain")

    first, second = out.split("\n\nevidence: ")
    assert explained(first, "recipient").endswith("  4  ([0].email) u0@shop.example")
    assert explained(second, "recipient").endswith("  10  ([1].email) u1@shop.example")
    assert explained(second, "reply").endswith("  11  ([1].reason) 550 5.1.1 No")


def test_the_line_in_a_member_of_several_is_named(reproduce):
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1, in b\n    c()\n'
    error = "smtplib.SMTPRecipientsRefused: {'alice@shop.example': (550, b'5.1.1 No')}"

    _, out, _ = reproduce(json.dumps({"event": "failed", "exception": trace + error}), "--explain")

    assert "  1  (exception, line 4) " in explained(out, "reply")


def test_a_reply_that_stands_in_pieces_is_told_to_be_put_together(reproduce):
    event = {
        "code": 550,
        "enhanced": "5.1.1",
        "content": "No such user at all here",
        "command": "RCPT TO:<a@b.example>",
    }
    record = {"type": "Bounce", "recipient": "a@b.example", "sender": "b@c.example", "response": event}

    _, out, _ = reproduce(json.dumps(record), "--explain")

    assert "put together" in explained(out, "reply")


def test_the_last_lines_of_a_log_are_explained_whatever_its_size(reproduce):
    padding = "Mar  9 10:11:13 relay postfix/smtpd[9]: disconnect from x[203.0.113.7] commands=5\n" * 150_000

    _, out, _ = reproduce(padding + LOG, "--explain")

    assert "  150002  …" in out


def test_standard_input_is_explained(reproduce, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LOG.encode())))

    assert main(["reproduce", "-", "--explain"]) == 0

    assert "  recipient  alice@shop.example" in capsys.readouterr().out


@pytest.mark.parametrize("others", [["--anonymise"], ["--as", "json"]])
def test_lines_are_not_explained_where_they_could_not_be_shown(reproduce, others):
    status, out, err = reproduce(LOG, "--explain", *others)

    assert (status, out) == (2, "")
    assert err.startswith("mailnet reproduce: --explain shows the lines of the evidence")
    assert others[-1] in err


def test_help_tells_of_it(capsys):
    with pytest.raises(SystemExit):
        main(["reproduce", "-h"])

    assert "--explain" in capsys.readouterr().out
