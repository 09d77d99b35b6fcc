"""Programs that no patch reaches, led to a host by its real port: swaks, msmtp and curl."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

# With all headers that a program would put before one that lacks them.
HEADERS = (
    b"From: bob@app.example\r\nTo: alice@gmail.com\r\nSubject: hi\r\n"
    b"Date: Fri, 17 Jul 2009 22:58:00 +0000\r\nMessage-ID: <1@app.example>\r\n"
)
MAIL = HEADERS + b"\r\n.hello\r\n..\r\nbye\r\n"


def swaks(where, recipients, mail, *options):
    return [
        ["swaks", "--server", where.ip, "--port", where.port, "--helo", "app.example"],
        ["--from", "bob@app.example", "--to", ",".join(recipients), "--data", f"@{mail}", *options],
    ]


def msmtp(where, recipients, mail):
    return [
        ["msmtp", "--file=/dev/null", "--debug", f"--host={where.ip}", f"--port={where.port}"],
        ["--domain=app.example", "--from=bob@app.example", "--tls=off", "--auth=off", "--", *recipients],
    ]


def curl(where, recipients, mail):
    wanted = [word for to in recipients for word in ("--mail-rcpt", to)]
    return [
        [
            "curl",
            "-q",
            "--silent",
            "--verbose",
            "--max-time",
            20,
            f"smtp://{where.ip}:{where.port}/app.example",
        ],
        ["--mail-from", "bob@app.example", *wanted, "--upload-file", mail],
    ]


every_program = pytest.mark.parametrize("program", [swaks, msmtp, curl])


@pytest.fixture
def gmail(mailnet):
    """Gmail as of 2009, with Alice's mailbox."""
    provider = mailnet.provider("gmail", era=2009)
    provider.add_mailbox("alice")
    return provider


@pytest.fixture
def run(mailnet, gmail, tmp_path):
    """Send a mail to Gmail's first host by a program; returns its exit status and all that it printed."""

    def send(program, *recipients, mail=MAIL, options=()):
        if shutil.which(program.__name__) is None:
            pytest.skip(f"{program.__name__} is not installed")
        file = tmp_path / "mail"
        file.write_bytes(mail)
        where = mailnet.listen("gmail-smtp-in.l.google.com", 25)
        words = [str(it) for part in program(where, recipients, file, *options) for it in part]
        # None of the user's own settings: a home of its own, and nothing of this environment but the path.
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C"}
        with file.open("rb") as stdin:
            done = subprocess.run(
                words, stdin=stdin, env=environment, capture_output=True, timeout=25, check=False
            )
        return done.returncode, (done.stdout + done.stderr).decode().replace("\r", "")

    return send


@every_program
def test_a_mail_arrives_as_it_was_sent(mailnet, gmail, run, program):
    status, said = run(program, "alice@gmail.com")

    assert status == 0, said
    [message] = gmail.mailbox("alice").messages
    assert message.envelope.mail_from == "bob@app.example"
    assert message.envelope.rcpt_tos == ("alice@gmail.com",)
    # swaks ends what it is given with a line end of its own.
    assert message.content.rstrip() == MAIL.rstrip()
    [session] = mailnet.sessions
    assert (session.client.ip, session.exchanges[1].request) == (mailnet.sender.ip, b"EHLO app.example\r\n")
    assert session.ended == "client quit"


@every_program
def test_a_refusal_is_shown_line_by_line(mailnet, gmail, run, program):
    status, said = run(program, "carl@gmail.com")

    [reply] = [reply for reply in mailnet.sessions[0].replies if reply.startswith("550")]
    assert status != 0
    assert len(reply.splitlines()) == 4
    for line in reply.splitlines():
        assert line.rstrip() in said
    assert mailnet.messages == []


@every_program
def test_a_421_after_the_dot_is_no_success(mailnet, gmail, run, program):
    gmail.on_message().reply("421 4.7.0 Try again later").times(1)

    status, said = run(program, "alice@gmail.com")

    assert status != 0
    assert "421 4.7.0 Try again later" in said
    assert mailnet.messages == []
    assert mailnet.sessions[0].ended == "closed by the server after 421"


@every_program
def test_a_connection_that_is_refused_with_a_reply_is_no_success(mailnet, gmail, run, program):
    gmail.on_connect().reply("554 5.7.1 Not from there").times(1)

    status, said = run(program, "alice@gmail.com")

    assert status != 0
    assert "554 5.7.1 Not from there" in said


@every_program
def test_a_mail_over_the_size_is_refused(mailnet, gmail, run, program):
    mailnet.host("gmail-smtp-in.l.google.com").extensions.add("SIZE 1000")

    status, said = run(program, "alice@gmail.com", mail=MAIL + b"x" * 70 * 20 + b"\r\n")

    [reply] = [reply for reply in mailnet.sessions[0].replies if reply.startswith("552")]
    assert status != 0
    assert reply in said
    assert mailnet.messages == []


@pytest.mark.parametrize("options", [(), ("--pipeline",)], ids=["one by one", "pipelined"])
def test_the_recipients_of_one_mail_have_their_own_replies(mailnet, gmail, run, options):
    status, said = run(swaks, "alice@gmail.com", "carl@gmail.com", "dora@gmail.com", options=options)

    assert status == 0
    [message] = mailnet.messages
    assert message.envelope.rcpt_tos == ("alice@gmail.com",)
    assert [line[:7] for line in said.splitlines() if line[4:7] == "550"] == ["<** 550"] * 8
    codes = [exchange.code for exchange in mailnet.sessions[0].exchanges]
    assert codes == [220, 250, 250, 250, 550, 550, 354, 250, 221]
