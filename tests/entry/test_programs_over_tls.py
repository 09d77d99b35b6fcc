"""Programs that no patch reaches log in and send over TLS, through a submission host's real ports."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

HOST = "smtp.gmail.com"
MAIL = (
    b"From: alice@gmail.com\r\nTo: bob@hotmail.com\r\nSubject: hi\r\n"
    b"Date: Fri, 17 Jul 2009 22:58:00 +0000\r\nMessage-ID: <1@app.example>\r\n\r\nhello\r\n"
)


def swaks(where, port, bundle, mail, password):
    tls = "--tls-on-connect" if port == 465 else "--tls"
    return [
        *("swaks", "--server", where.ip, "--port", where.port, "--helo", "app.example", "--data", f"@{mail}"),
        *("--from", "alice@gmail.com", "--to", "bob@hotmail.com"),
        *(tls, "--tls-verify", "--tls-ca-path", bundle),
        *("--auth", "PLAIN", "--auth-user", "alice@gmail.com", "--auth-password", password),
    ]


def msmtp(where, port, bundle, mail, password):
    return [
        *("msmtp", "--file=/dev/null", "--debug", f"--host={where.ip}", f"--port={where.port}"),
        *("--domain=app.example", "--from=alice@gmail.com", "--tls=on", f"--tls-trust-file={bundle}"),
        *(f"--tls-starttls={'off' if port == 465 else 'on'}", f"--tls-host-override={HOST}"),
        *(
            "--auth=plain",
            "--user=alice@gmail.com",
            f"--passwordeval=echo {password}",
            "--",
            "bob@hotmail.com",
        ),
    ]


def curl(where, port, bundle, mail, password):
    scheme = "smtps" if port == 465 else "smtp"
    return [
        *("curl", "-q", "--silent", "--verbose", "--max-time", 20, "--ssl-reqd", "--cacert", bundle),
        *("--connect-to", f"{HOST}:{port}:{where.ip}:{where.port}", f"{scheme}://{HOST}:{port}/app.example"),
        *("--user", f"alice@gmail.com:{password}", "--mail-from", "alice@gmail.com"),
        *("--mail-rcpt", "bob@hotmail.com", "--upload-file", mail),
    ]


every_program = pytest.mark.parametrize("program", [swaks, msmtp, curl], ids=lambda it: it.__name__)


@pytest.fixture
def run(mailnet, tmp_path):
    """Send a mail of Alice's by a program; returns its exit status and all that it printed."""
    mailnet.gmail.add_mailbox("alice", password="right")
    mailnet.hotmail.add_mailbox("bob")

    def send(program, port, password):
        if shutil.which(program.__name__) is None:
            pytest.skip(f"{program.__name__} is not installed")
        file = tmp_path / "mail"
        file.write_bytes(MAIL)
        words = program(mailnet.listen(HOST, port), port, mailnet.ca.bundle, file, password)
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C"}
        with file.open("rb") as stdin:
            done = subprocess.run(
                [*map(str, words)], stdin=stdin, env=environment, capture_output=True, timeout=25, check=False
            )
        if b"requires Net::SSLeay" in done.stderr + done.stdout:
            pytest.skip("swaks has no TLS here: Perl's Net::SSLeay is not installed")
        return done.returncode, (done.stdout + done.stderr).decode().replace("\r", "")

    return send


@pytest.mark.parametrize("port", [587, 465])
@every_program
def test_a_program_logs_in_and_its_mail_goes_the_whole_way(mailnet, run, program, port):
    status, said = run(program, port, "right")
    mailnet.deliver_all()

    assert status == 0, said
    [message] = mailnet.hotmail.mailbox("bob").messages
    assert message.content.rstrip().endswith(MAIL.rstrip())
    session = mailnet.sessions[0]
    assert session.user == "alice@gmail.com"
    assert session.tls.startswith("TLSv1.")


@every_program
def test_a_wrong_password_is_no_success(mailnet, run, program):
    status, _ = run(program, 587, "wrong")

    assert status != 0
    assert any("535-5.7.8 Username and Password not accepted." in it for it in mailnet.sessions[0].replies)
    assert mailnet.messages == []


@every_program
def test_a_certificate_that_is_out_of_date_is_no_success(mailnet, run, program):
    mailnet.host(HOST).tls.expired()

    status, said = run(program, 587, "right")

    assert status != 0, said
    assert mailnet.sessions[0].user is None
    assert mailnet.messages == []
