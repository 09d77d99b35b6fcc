"""Programs of several languages in a namespace: they look names up and connect by themselves."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MX = "gmail-smtp-in.l.google.com"
MAIL = "From: bob@app.example\r\nTo: alice@gmail.com\r\nSubject: hi\r\n\r\nhello\r\n"


def needs(*command):
    """Skips a test where a program is not installed, or lacks what it is asked for."""
    there = shutil.which(command[0]) is not None
    if there and command[1:]:
        there = subprocess.run(command, capture_output=True, check=False).returncode == 0
    return pytest.mark.skipif(not there, reason=f"{' '.join(command)} is not to be had")


SENDERS = [
    pytest.param(
        ["curl", "-qsS", f"smtp://{MX}/app.example", "--mail-from", "bob@app.example"],
        ["--mail-rcpt", "{to}", "--upload-file", "-"],
        marks=needs("curl"),
        id="curl",
    ),
    pytest.param(
        ["swaks", "--server", MX, "--from", "bob@app.example", "--data", "-"],
        ["--to", "{to}"],
        marks=needs("swaks"),
        id="swaks",
    ),
    pytest.param(
        ["swaks", "--from", "bob@app.example", "--data", "-"],
        ["--to", "{to}"],
        marks=[needs("swaks"), needs("perl", "-MNet::DNS", "-e", "1")],
        id="swaks that asks for the MX",
    ),
    pytest.param(
        ["msmtp", "--file=/dev/null", f"--host={MX}", "--port=25", "--from=bob@app.example"],
        ["--tls=off", "--auth=off", "--", "{to}"],
        marks=needs("msmtp"),
        id="msmtp",
    ),
]


@pytest.fixture
def gmail(mailnet):
    """Gmail, with Alice's mailbox."""
    mailnet.gmail.add_mailbox("alice")
    return mailnet.gmail


@pytest.mark.parametrize(("first", "rest"), SENDERS)
def test_a_program_delivers(mailnet, mailnet_process, gmail, tmp_path, first, rest):
    done = mailnet_process.run(
        [*first, *(it.format(to="alice@gmail.com") for it in rest)], input=MAIL, cwd=tmp_path
    )

    assert done.returncode == 0, done.stdout + done.stderr
    [message] = gmail.mailbox("alice").messages
    assert message.session.client.ip == mailnet.sender.ip
    assert message.session.ended == "client quit"


@pytest.mark.parametrize(("first", "rest"), SENDERS)
def test_a_program_is_refused_in_the_providers_words(mailnet, mailnet_process, gmail, first, rest):
    done = mailnet_process.run([*first, *(it.format(to="carl@gmail.com") for it in rest)], input=MAIL)

    assert done.returncode != 0
    assert mailnet.messages == []
    assert "550-5.1.1 The email account that you tried to reach does not exist." in "".join(
        mailnet.sessions[0].replies
    )


@needs("node")
def test_node_asks_for_mx_records(mailnet_process):
    code = (
        "require('dns').resolveMx('gmail.com', (e, r) => console.log(e, r.map(it => it.exchange).sort()[4]))"
    )

    assert mailnet_process.run(["node", "-e", code]).stdout == f"null {MX}\n"


@needs("node")
def test_node_trusts_the_net_where_it_is_asked_for(mailnet, mailnet_process):
    mailnet.add_server("mx.shop.example")
    mailnet.process(trust_ca=True)
    code = (
        "require('tls').connect(465, 'mx.shop.example', {servername: 'mx.shop.example'}, function () {"
        "console.log(this.authorized); this.destroy() }).on('error', e => console.log(e.code))"
    )

    assert mailnet_process.run(["node", "-e", code]).stdout == "true\n"


@needs("openssl")
@pytest.mark.parametrize(
    "authorities",
    [[], ["-CApath", "/etc/ssl/certs"], ["-CAfile", "/etc/ssl/certs/ca-certificates.crt"]],
    ids=["by default", "by a folder", "by a bundle"],
)
def test_openssl_trusts_the_net_where_it_is_asked_for(mailnet, mailnet_process, authorities):
    if not all(Path(it).exists() for it in authorities[1:]):
        pytest.skip("this machine has its authorities elsewhere")
    mailnet.add_server("mx.shop.example")
    client = ["openssl", "s_client", "-connect", "mx.shop.example:465", "-verify_return_error", *authorities]

    before = mailnet_process.run(client, input="")
    mailnet.process(trust_ca=True)
    then = mailnet_process.run(client, input="")

    assert "unable to get local issuer certificate" in before.stdout + before.stderr
    assert "Verify return code: 0 (ok)" in then.stdout


def test_the_machine_s_own_authorities_are_there_beside_the_net_s(mailnet, mailnet_process):
    names = sorted(it.name for it in Path("/etc/ssl/certs").glob("*.0"))
    if not names:
        pytest.skip("this machine has no folder of authorities that OpenSSL could look into")
    mailnet.process(trust_ca=True)

    seen = mailnet_process.run(
        ["sh", "-c", "cd /etc/ssl/certs && for it in *.0; do test -s $it && echo $it; done"]
    )

    assert set(names) < set(seen.stdout.split())


@needs("dig")
def test_dig_asks_any_server(mailnet, mailnet_process):
    done = mailnet_process.run("dig +short @198.51.100.53 gmail.com MX")

    assert f"5 {MX}." in done.stdout.splitlines()


def test_a_slow_link_is_slow_for_programs(mailnet, mailnet_process):
    mailnet.host(MX).fail("slow-at-connect", times=1)  # whose greeting has more than 50 bytes
    code = (
        f"import socket, time; s = socket.create_connection(('{MX}', 25)); "
        "first = s.recv(1000); print(len(first)); t = time.monotonic(); s.recv(1000); print(time.monotonic() - t > 0.5)"
    )

    assert mailnet_process.run([sys.executable, "-c", code]).stdout == "50\nTrue\n"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("dns-wrong-address", "Timeout"),
        ("dns-wrong-id", "Timeout"),
        ("dns-time-out", "Timeout"),
        ("dns-truncated", "NoNameservers"),
        ("NXDOMAIN", "NXDOMAIN"),
    ],
)
def test_faults_of_look_ups_are_met(mailnet, mailnet_process, fault, told):
    mailnet.dns.fail("gmail.com", fault)
    code = (
        "import dns.resolver as r; it = r.Resolver(); it.lifetime = 0.6\n"
        "try: it.resolve('gmail.com', 'MX')\n"
        "except Exception as error: print(type(error).__mro__)"
    )

    assert told in mailnet_process.run([sys.executable, "-c", code]).stdout


def test_a_program_has_connected_before_it_is_reset(mailnet, mailnet_process):
    mailnet.add_server("mx.shop.example").host.fail("reset-at-connect")
    code = (
        "import socket\n"
        "for _ in range(20):\n"
        "    with socket.create_connection(('mx.shop.example', 25)) as sock:\n"
        "        try: sock.recv(1)\n"
        "        except ConnectionResetError: print('reset')"
    )

    done = mailnet_process.run([sys.executable, "-c", code])

    assert (done.stdout.split(), done.stderr) == (["reset"] * 20, "")


def test_a_host_that_is_reset_in_the_midst_resets_programs(mailnet, mailnet_process):
    mailnet.add_server("mx.shop.example").host.fail("reset-at-mail", times=1)
    code = (
        "import smtplib; c = smtplib.SMTP('mx.shop.example')\n"
        "try: c.mail('bob@app.example')\n"
        "except smtplib.SMTPServerDisconnected as error: print(error)"
    )

    assert "Connection reset by peer" in mailnet_process.run([sys.executable, "-c", code]).stdout


def test_a_handler_serves_programs(mailnet, mailnet_process):
    class Handler:
        async def handle_RCPT(self, server, session, envelope, address, options):
            return f"550 5.7.1 Not from {session.peer[0]}"

    mailnet.add_server("mx.shop.example", handler=Handler())
    code = (
        "import smtplib; c = smtplib.SMTP('mx.shop.example'); c.ehlo(); c.mail('bob@app.example'); "
        "print(c.rcpt('a@shop.example'))"
    )

    assert (
        mailnet_process.run([sys.executable, "-c", code]).stdout
        == f"(550, b'5.7.1 Not from {mailnet.sender.ip}')\n"
    )


def test_many_connections_at_once_all_arrive(mailnet, mailnet_process):
    code = (
        "import smtplib, threading\n"
        "def one(): smtplib.SMTP('mx.shop.example').quit()\n"
        "them = [threading.Thread(target=one) for _ in range(100)]\n"
        "[it.start() for it in them]; [it.join() for it in them]"
    )
    mailnet.add_server("mx.shop.example")

    done = mailnet_process.run([sys.executable, "-c", code])

    assert done.stderr == ""
    assert len(mailnet.sessions) == 100
