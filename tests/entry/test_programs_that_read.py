"""Programs that fetch mail, as they are, in a namespace: they look hosts up, verify them, log in and read."""

from __future__ import annotations

import shutil

import pytest

from pytest_mailnet.errors import NoNamespace


@pytest.fixture
def alice(mailnet):
    """A mailbox with two mails."""
    shop = mailnet.add_server("mx.shop.example", domain="shop.example")
    alice = shop.add_mailbox("alice", password="secret")
    for subject in ("one", "two"):
        mailnet.gmail.send(sender="bob", to="alice@shop.example", subject=subject)
    mailnet.deliver_all()
    return alice


@pytest.fixture
def run(mailnet, tmp_path):
    """Runs a program in the net, which trusts its certificates; skips where the machine has none."""
    try:
        process = mailnet.process(trust_ca=True)
    except NoNamespace as reason:
        pytest.skip(str(reason))

    def run(program, *arguments):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on this machine")
        return process.run([program, *arguments], env={"HOME": str(tmp_path)})

    return run


@pytest.mark.parametrize("place", ["imaps://mx.shop.example/INBOX;MAILINDEX=2", "pop3s://mx.shop.example/2"])
def test_curl_reads_a_mail(alice, run, place):
    done = run("curl", "--silent", "--show-error", place, "--user", "alice:secret")

    assert (done.returncode, done.stderr) == (0, "")
    assert "Subject: two" in done.stdout.splitlines()


def test_mbsync_fetches_each_mail_once(alice, run, tmp_path):
    (tmp_path / "near").mkdir()
    settings = tmp_path / "mbsyncrc"
    settings.write_text(f"""
IMAPAccount shop
Host mx.shop.example
User alice
Pass secret
SSLType IMAPS

IMAPStore far
Account shop

MaildirStore near
Path {tmp_path}/near/
Inbox {tmp_path}/near/INBOX

Channel shop
Far :far:
Near :near:
Patterns INBOX
Create Near
SyncState *
""")

    first = run("mbsync", "--config", str(settings), "shop")
    second = run("mbsync", "--config", str(settings), "shop")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    fetched = [it.read_text() for it in (tmp_path / "near" / "INBOX").glob("*/*") if ",U=" in it.name]
    assert sorted(line for it in fetched for line in it.splitlines() if line.startswith("Subject: ")) == [
        "Subject: one",
        "Subject: two",
    ]


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_fetchmail_fetches_and_deletes(alice, run, tmp_path, protocol):
    settings = tmp_path / "fetchmailrc"
    settings.write_text(
        f"poll mx.shop.example protocol {protocol}\n"
        f'user "alice" password "secret" ssl sslcertck mda "cat >>{tmp_path}/fetched"\n'
    )
    settings.chmod(0o600)

    done = run("fetchmail", "--fetchmailrc", str(settings), "--pidfile", str(tmp_path / "pid"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "fetched").read_text().count("Subject: ") == 2
    assert alice.messages == []
