"""Programs that fetch mail, as they are, in a namespace: they look hosts up, verify them, log in and read."""

from __future__ import annotations

import imaplib
import os
import re
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


class Near:
    """What offlineimap has on its side, in folders of the form Maildir.

    Args:
        folder: where they are.
    """

    def __init__(self, folder):
        self._folder = folder

    def mails(self, name="INBOX"):
        """The files of the mails in a folder, by their subjects."""
        files = [it for kind in ("cur", "new") for it in (self._folder / name / kind).iterdir()]
        lines = [(line, it) for it in files for line in it.read_text("utf-8").splitlines()]
        return {line.removeprefix("Subject: "): it for line, it in lines if line.startswith("Subject: ")}

    def flags(self, subject, name="INBOX"):
        """The flags of a mail, in their order: "FS" for one that is flagged and seen."""
        return self.mails(name)[subject].name.rpartition(",")[2]

    def flag(self, subject, flags, name="INBOX"):
        """Set the flags of a mail."""
        mail = self.mails(name)[subject]
        mail.rename(mail.parent.parent / "cur" / f"{mail.name.rpartition(',')[0]},{flags}")

    def create(self, name):
        """Make a folder."""
        for kind in ("cur", "new", "tmp"):
            (self._folder / name / kind).mkdir(parents=True)

    def label(self, subject, labels, name="INBOX"):
        """Put labels before those of a mail, at a time that is later than the last synchronisation's by seconds."""
        mail = self.mails(name)[subject]
        mail.write_text(mail.read_text("utf-8").replace("X-Keywords:", f"X-Keywords: {labels}"), "utf-8")
        later = mail.stat().st_mtime + 10
        os.utime(mail, (later, later))

    def add(self, subject, name):
        """Put a new mail into a folder."""
        (self._folder / name / "new" / "1.2.near").write_text(
            f"From: alice@shop.example\nSubject: {subject}\n\nhi\n"
        )

    @property
    def folders(self):
        """Their names."""
        return {it.name for it in self._folder.iterdir()}


@pytest.fixture
def near(tmp_path):
    """What offlineimap has on its side."""
    return Near(tmp_path / "near")


@pytest.fixture
def offlineimap(run, tmp_path):
    """Makes offlineimap's settings, and returns what runs it once."""

    def configure(*account, far, near="type = Maildir"):
        settings = tmp_path / "offlineimaprc"
        lines = (
            *("[general]", "accounts = shop", f"metadata = {tmp_path}/metadata"),
            *("[Account shop]", "localrepository = near", "remoterepository = far", "utf8foldernames = yes"),
            *account,
            *("[Repository near]", near, f"localfolders = {tmp_path}/near"),
            *("[Repository far]", "sslcacertfile = OS-DEFAULT", *far),
        )
        settings.write_text("\n".join(lines))

        def synchronise():
            done = run("offlineimap", "-c", str(settings), "-u", "basic")
            assert done.returncode == 0, done.stdout + done.stderr

        return synchronise

    return configure


@pytest.fixture
def synchronise(alice, offlineimap):
    """Runs offlineimap between Alice's mailbox and its folders."""
    return offlineimap(
        far=("type = IMAP", "remotehost = mx.shop.example", "remoteuser = alice", "remotepass = secret")
    )


@pytest.fixture
def far(alice):
    """Another program with which Alice reads her mail."""
    with imaplib.IMAP4_SSL("mx.shop.example") as client:
        client.login("alice", "secret")
        client.select()
        yield client


def subjects(folder):
    """The subjects of the messages in a folder."""
    return [it.subject for it in folder.messages]


def test_offlineimap_fetches_what_is_new(mailnet, alice, synchronise, near, far):
    far.create("Projekte/Br&APw-cke")
    far.copy("1", "Projekte/Br&APw-cke")

    synchronise()
    assert near.folders == {"INBOX", "Drafts", "Junk", "Sent", "Trash", "Projekte", "Projekte.Brücke"}
    assert list(near.mails("Projekte.Brücke")) == ["one"]
    assert sorted(near.mails()) == ["one", "two"]

    mailnet.gmail.send(sender="bob", to="alice@shop.example", subject="three")
    mailnet.deliver_all()
    far.store("1", "+FLAGS", "(\\Seen \\Flagged)")
    far.store("2", "+FLAGS", "(\\Deleted)")
    far.expunge()
    synchronise()

    assert sorted(near.mails()) == ["one", "three"]
    assert (near.flags("one"), near.flags("three")) == ("FS", "")


def test_offlineimap_hands_in_what_has_changed_on_its_side(alice, synchronise, near):
    synchronise()
    near.flag("one", "FS")
    near.mails()["two"].unlink()
    near.create("Projekte")
    near.create("Projekte.Brücke")
    near.add("draft", "Projekte.Brücke")

    synchronise()
    kept = near.mails("Projekte.Brücke")["draft"]
    synchronise()

    assert subjects(alice.folders["INBOX"]) == ["one"]
    assert alice.folders["INBOX"].flags == [{"\\Seen", "\\Flagged"}]
    assert subjects(alice.folders["Projekte/Brücke"]) == ["draft"]
    assert near.mails("Projekte.Brücke") == {"draft": kept}


@pytest.fixture
def carol(mailnet):
    """A user of Gmail with two mails."""
    carol = mailnet.gmail.add_mailbox("carol")
    for subject in ("one", "two"):
        mailnet.hotmail.send(sender="bob", to="carol@gmail.com", subject=subject)
    mailnet.deliver_all()
    return carol


@pytest.fixture(params=["app password", "token"])
def synchronise_labels(request, carol, offlineimap):
    """Runs offlineimap between Carol's Gmail and its folders, with labels in a header field."""
    if request.param == "token":
        login = ("auth_mechanisms = XOAUTH2", f"oauth2_access_token = {carol.account.issue_token()}")
    else:
        login = (f"remotepass = {carol.account.add_app_password()}",)
    return offlineimap(
        "synclabels = yes",
        near="type = GmailMaildir",
        far=("type = Gmail", "remoteuser = carol@gmail.com", *login),
    )


def test_offlineimap_knows_gmail_s_labels(carol, synchronise_labels, near):
    synchronise_labels()
    near.label("one", "work,Stra&AN8-e")
    near.flag("one", "FS")
    near.mails()["two"].unlink()
    synchronise_labels()

    assert {it.name: subjects(it) for it in carol.folders.values() if it.messages} == {
        "INBOX": ["one"],
        "[Gmail]/All Mail": ["one", "two"],
        "[Gmail]/Starred": ["one"],
        "Straße": ["one"],
        "work": ["one"],
    }

    synchronise_labels()
    labelled = near.mails("[Gmail].All Mail")["one"].read_text("utf-8")
    assert "X-Keywords: Stra&AN8-e,\\Inbox,\\Starred,work" in labelled
    assert list(near.mails("[Gmail].Starred")) == list(near.mails("work")) == ["one"]
    assert near.flags("one", "[Gmail].All Mail") == "FS"
    assert near.flags("two", "[Gmail].All Mail") == ""


@pytest.fixture
def getmail(run, tmp_path):
    """Makes getmail's settings, runs it once and returns how many mails it has fetched and how many skipped.

    As root it delivers to programs alone, and only if it is told so. It learns by a signal that the program has ended.
    If the program ends too soon, getmail misses the signal and hangs for minutes. So the program ends when getmail
    sleeps.
    """
    program = f"cat >>{tmp_path}/fetched; until grep -q State:.S /proc/$PPID/status; do :; done"
    settings = tmp_path / "getmailrc"

    def fetch(*retriever, delete=False):
        lines = (
            *("[retriever]", *retriever),
            *("[destination]", "type = MDA_external", "path = /bin/sh", f"arguments = ('-c', '{program}')"),
            *("allow_root_commands = true", "[options]", "read_all = false", f"delete = {delete}"),
        )
        settings.write_text("\n".join(lines))
        done = run("getmail", "--getmaildir", str(tmp_path), "--rcfile", str(settings))
        assert done.returncode == 0, done.stdout + done.stderr
        found = re.search(r"(\d+) messages .* retrieved, (\d+) skipped", done.stdout)
        return tuple(map(int, found.groups()))

    return fetch


@pytest.fixture
def fetched(tmp_path):
    """Returns the subjects of the mails that getmail has delivered."""

    def fetched():
        lines = (tmp_path / "fetched").read_text("utf-8").splitlines()
        return [it.removeprefix("Subject: ") for it in lines if it.startswith("Subject: ")]

    return fetched


SHOP = ("server = mx.shop.example", "username = alice", "password = secret")


@pytest.mark.parametrize("protocol", ["IMAP", "POP3"])
def test_getmail_fetches_each_mail_once(mailnet, alice, getmail, fetched, protocol):
    first = getmail(f"type = Simple{protocol}SSLRetriever", *SHOP)
    mailnet.gmail.send(sender="bob", to="alice@shop.example", subject="three")
    mailnet.deliver_all()
    second = getmail(f"type = Simple{protocol}SSLRetriever", *SHOP)

    assert (first, second) == ((2, 0), (1, 2))
    assert fetched() == ["one", "two", "three"]
    assert alice.folders["INBOX"].unread == 3


@pytest.mark.parametrize("protocol", ["IMAP", "POP3"])
def test_getmail_deletes_what_it_has_fetched(alice, getmail, fetched, protocol):
    getmail(f"type = Simple{protocol}SSLRetriever", *SHOP, delete=True)

    assert fetched() == ["one", "two"]
    assert alice.messages == []


def test_getmail_fetches_from_all_folders_and_moves_what_it_has(alice, far, getmail, fetched):
    far.create("Projekte/Br&APw-cke")
    far.copy("2", "Projekte/Br&APw-cke")

    getmail(
        "type = SimpleIMAPSSLRetriever",
        *SHOP,
        "mailboxes = ('INBOX', 'Projekte/Brücke')",
        "move_on_delete = Trash",
        delete=True,
    )

    assert fetched() == ["one", "two", "two"]
    assert {it.name: subjects(it) for it in alice.folders.values() if it.messages} == {
        "Trash": ["one", "two", "two"]
    }


@pytest.mark.parametrize(("protocol", "host"), [("IMAP", "imap.gmail.com"), ("POP3", "pop.gmail.com")])
def test_getmail_logs_in_at_gmail_by_an_app_password(carol, getmail, fetched, protocol, host):
    password = carol.account.add_app_password()

    getmail(
        f"type = Simple{protocol}SSLRetriever",
        f"server = {host}",
        "username = carol@gmail.com",
        f"password = {password}",
    )

    assert fetched() == ["one", "two"]


def test_getmail_logs_in_at_microsoft_by_a_token(mailnet, getmail, fetched):
    mailnet.add_domain("contoso.example", on="microsoft365")
    dave = mailnet.microsoft365.add_mailbox("dave@contoso.example")
    mailnet.gmail.send(sender="bob", to="dave@contoso.example", subject="one")
    mailnet.deliver_all()

    getmail(
        "type = SimpleIMAPSSLRetriever",
        "server = outlook.office365.com",
        "username = dave@contoso.example",
        "use_xoauth2 = true",
        f"password_command = ('echo', '{dave.account.issue_token()}')",
    )

    assert fetched() == ["one"]
