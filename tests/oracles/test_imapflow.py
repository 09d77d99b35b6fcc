"""imapflow, Node's library for reading mail, at servers of the net."""

from __future__ import annotations

import imaplib
import json
import os
import shutil
import smtplib
import subprocess
from pathlib import Path

import pytest

from pytest_mailnet.errors import NoNamespace

pytestmark = pytest.mark.timeout(120)
READER = Path(__file__).with_name("sources") / "read.js"
LETTER = """\
From: =?utf-8?q?B=C3=B6b?= <bob@pub.example>
To: alice@shop.example
Subject: =?utf-8?q?Die_Br=C3=BCcke?=
Message-ID: <1@pub.example>
Date: Sun, 29 Nov 2026 08:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

SGFsbMO2Y2hlbg==
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename*=utf-8''Br%C3%BCcke.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjcg/w==
--b--
"""


@pytest.fixture
def node():
    """The command line that reads mail with imapflow, up to the options."""
    modules = Path(os.environ.get("MAILNET_NODE_MODULES", ""))
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (modules / "imapflow").is_dir():
        pytest.skip("MAILNET_NODE_MODULES names no folder with imapflow: `tox -e oracles` makes one")
    return ["env", f"NODE_PATH={modules}", "node", str(READER)]


@pytest.fixture
def process(mailnet):
    """Runs programs in the net, which trust its certificates."""
    try:
        return mailnet.process(trust_ca=True)
    except NoNamespace as reason:
        pytest.skip(str(reason))


@pytest.fixture
def read(node, process):
    """Have imapflow log in, and do something with its `client`; returns what that returns."""

    def read(does, host="mx.shop.example", user="alice", **secret):
        options = {"host": host, "port": 993, "auth": {"user": user, **(secret or {"pass": "secret"})}}
        done = process.run([*node, json.dumps(options)], input=does)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


@pytest.fixture
def alice(mailnet):
    """A mailbox at a server of one's own."""
    shop = mailnet.add_server("mx.shop.example", domain="shop.example")
    return shop.add_mailbox("alice", password="secret")


@pytest.fixture
def deliver():
    """Delivers mails, each with a subject or whole."""

    def deliver(*subjects, to="alice@shop.example", host="mx.shop.example", letter=None):
        with smtplib.SMTP(host) as client:
            for it in (
                [letter] if letter else [f"From: bob@pub.example\nSubject: {it}\n\nhi\n" for it in subjects]
            ):
                client.sendmail("bob@pub.example", [to], it)

    return deliver


def test_folders_are_listed_with_their_special_use(alice, deliver, read):
    deliver("one")

    folders = read("return await client.list({ statusQuery: { messages: true, unseen: true } });")

    assert {
        it["path"]: (it["specialUse"], it["specialUseSource"], it["subscribed"], it["status"]["unseen"])
        for it in folders
    } == {
        "INBOX": ("\\Inbox", "name", True, 1),
        "Drafts": ("\\Drafts", "extension", True, 0),
        "Junk": ("\\Junk", "extension", True, 0),
        "Sent": ("\\Sent", "extension", True, 0),
        "Trash": ("\\Trash", "extension", True, 0),
    }


def test_a_mail_is_fetched_with_its_envelope_structure_and_source(alice, deliver, read):
    deliver(letter=LETTER)

    mail = read("""
        await client.mailboxOpen("INBOX");
        const mail = await client.fetchOne("*", {
            envelope: true, bodyStructure: true, source: true, flags: true, headers: ["subject"]
        });
        return { ...mail, source: mail.source.toString(), headers: mail.headers.toString() };
    """)

    assert mail["envelope"] == {
        "date": "2026-11-29T08:00:00.000Z",
        "subject": "Die Brücke",
        "from": [{"name": "Böb", "address": "bob@pub.example"}],
        "sender": [{"name": "Böb", "address": "bob@pub.example"}],
        "replyTo": [{"name": "Böb", "address": "bob@pub.example"}],
        "to": [{"name": "", "address": "alice@shop.example"}],
        "messageId": "<1@pub.example>",
    }
    structure = mail["bodyStructure"]
    assert (structure["type"], structure["parameters"]) == ("multipart/mixed", {"boundary": "b"})
    assert [(it["part"], it["type"], it["encoding"], it["size"]) for it in structure["childNodes"]] == [
        ("1", "text/plain", "base64", 16),
        ("2", "application/pdf", "base64", 16),
    ]
    assert structure["childNodes"][1]["dispositionParameters"] == {"filename": "Brücke.pdf"}
    assert mail["source"].endswith(LETTER.replace("\n", "\r\n"))
    assert mail["headers"] == "Subject: =?utf-8?q?Die_Br=C3=BCcke?=\r\n\r\n"


def test_an_attachment_is_downloaded(alice, deliver, read):
    deliver(letter=LETTER)

    meta, content, text = read("""
        await client.mailboxOpen("INBOX");
        const { meta, content } = await client.download("1", "2");
        const chunks = [];
        for await (const it of content) chunks.push(it);
        const text = (await client.downloadMany("1", ["1"]))["1"].content.toString();
        return [meta, Buffer.concat(chunks).toString("latin1"), text];
    """)

    assert (meta["contentType"], meta["filename"]) == ("application/pdf", "Brücke.pdf")
    assert content == "%PDF-1.7 \xff"
    assert text == "Hallöchen"


def test_mails_are_searched(alice, deliver, read):
    deliver("one", "two")
    deliver(letter=LETTER)

    found = read("""
        await client.mailboxOpen("INBOX");
        const search = [
            { subject: "two" },
            { subject: "brücke", body: "hallö" },
            { or: [{ subject: "one" }, { subject: "two" }], unseen: true, since: new Date(0) },
            { header: { "Message-ID": "1@pub" }, not: { deleted: true } },
            { seq: "2:*", larger: 10, keyword: "$Done" },
        ];
        const found = [];
        for (const it of search) found.push(await client.search(it, { uid: true }));
        return [...found, await client.search({ all: true }, { returnOptions: ["COUNT", "MAX"] })];
    """)

    assert found == [[2], [3], [1, 2], [3], [], {"count": 3, "max": 3}]


def test_flags_are_set_and_mails_appended_copied_moved_and_deleted(alice, deliver, read):
    deliver("one", "two", "three")

    told = read(r"""
        await client.mailboxOpen("INBOX");
        await client.messageFlagsAdd("1", ["\\Seen", "$Done"]);
        await client.messageFlagsRemove({ keyword: "$Done" }, ["\\Seen"]);
        await client.messageFlagsSet("2", ["\\Flagged"], { uid: true });
        const appended = await client.append(
            "Drafts", "Subject: dräft\r\n\r\nhällo\r\n", ["\\Draft"], new Date("2020-02-02T02:02:02Z")
        );
        await client.mailboxCreate(["Projekte", "Brücke"]);
        const copied = await client.messageCopy("2", "Projekte/Brücke");
        const moved = await client.messageMove("1:2", "Projekte/Brücke");
        await client.messageDelete({ subject: "three" });
        await client.mailboxRename("Projekte/Brücke", "Projekte/Straße");
        const status = await client.status("Projekte/Straße", { messages: true, uidNext: true });
        await client.mailboxOpen("Drafts");
        const draft = await client.fetchOne("1", { internalDate: true, flags: true });
        return { appended, copied: copied.uidMap, moved: moved.uidMap, status, draft };
    """)

    assert (told["appended"]["uid"], told["copied"], told["moved"]) == (1, [[2, 1]], [[1, 2], [2, 3]])
    assert (told["status"]["messages"], told["status"]["uidNext"]) == (3, 4)
    assert told["draft"]["internalDate"] == "2020-02-02T02:02:02.000Z"
    folders = {name: [it.subject for it in folder.messages] for name, folder in alice.folders.items()}
    assert folders == {
        "INBOX": [],
        "Drafts": ["dräft"],
        "Junk": [],
        "Sent": [],
        "Trash": [],
        "Projekte": [],
        "Projekte/Straße": ["two", "one", "two"],
    }
    assert alice.folders["Projekte/Straße"].flags == [{"\\Flagged"}, {"$Done"}, {"\\Flagged"}]
    assert alice.folders["Drafts"].flags == [{"\\Draft"}]


def test_idle_tells_of_a_new_mail_and_of_one_that_is_gone(alice, deliver, node, process, tmp_path):
    deliver("one")
    options = {"host": "mx.shop.example", "port": 993, "auth": {"user": "alice", "pass": "secret"}}
    script = tmp_path / "idle.js"
    script.write_text("""
        await client.mailboxOpen("INBOX");
        client.on("exists", ({ prevCount, count }) => console.log(`from ${prevCount} to ${count}`));
        const gone = new Promise((resolve) => client.on("expunge", resolve));
        client.idle();
        console.log("waiting");
        return (await gone).seq;
    """)

    with (
        script.open() as does,
        process.popen([*node, json.dumps(options)], stdin=does, stdout=subprocess.PIPE, text=True) as program,
    ):
        assert program.stdout.readline() == "waiting\n"
        deliver("two")
        assert program.stdout.readline() == "from 1 to 2\n"
        with imaplib.IMAP4_SSL("mx.shop.example") as client:
            client.login("alice", "secret")
            client.select()
            client.store("1", "+FLAGS", "(\\Deleted)")
            client.expunge()
        assert program.stdout.readline() == "1\n"

    assert program.returncode == 0


def test_a_real_port_leads_to_the_host(mailnet, alice, deliver, node):
    deliver("one")
    ip, port = mailnet.listen("mx.shop.example", 993)
    options = {
        "host": ip,
        "port": port,
        "servername": "mx.shop.example",
        "tls": {"ca": mailnet.ca.pem},
        "auth": {"user": "alice", "pass": "secret"},
    }

    done = subprocess.run(
        [*node, json.dumps(options)],
        input='return (await client.mailboxOpen("INBOX")).exists;',
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr) == ("1\n", "")


@pytest.fixture
def carol(mailnet, deliver):
    """A user of Gmail with two mails."""
    carol = mailnet.gmail.add_mailbox("carol", password="own")
    deliver("invoice", "hello", to="carol@gmail.com", host="gmail-smtp-in.l.google.com")
    return carol


@pytest.mark.parametrize("secret", ["app password", "token"])
def test_gmail_lets_in_by_an_app_password_or_a_token(carol, read, secret):
    given = (
        {"accessToken": carol.account.issue_token()}
        if secret == "token"
        else {"pass": carol.account.add_app_password()}
    )

    folders = read("return await client.list();", host="imap.gmail.com", user="carol@gmail.com", **given)

    assert {it["path"]: it.get("specialUse") for it in folders} == {
        "INBOX": "\\Inbox",
        "[Gmail]": None,
        "[Gmail]/All Mail": "\\All",
        "[Gmail]/Drafts": "\\Drafts",
        "[Gmail]/Important": None,
        "[Gmail]/Sent Mail": "\\Sent",
        "[Gmail]/Spam": "\\Junk",
        "[Gmail]/Starred": "\\Flagged",
        "[Gmail]/Trash": "\\Trash",
    }


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ({"pass": "own"}, "Application-specific password required"),
        ({"accessToken": "stale"}, "Invalid credentials (Failure)"),
    ],
)
def test_gmail_s_refusal_is_told(carol, node, process, secret, words):
    options = {"host": "imap.gmail.com", "port": 993, "auth": {"user": "carol@gmail.com", **secret}}

    done = process.run([*node, json.dumps(options)], input="")

    assert done.returncode == 1
    assert words in done.stderr


def test_gmail_s_labels_threads_and_searches_are_known(carol, read):
    mail, raw, labelled, threads = read(
        r"""
        await client.mailboxOpen("INBOX");
        await client.messageFlagsAdd("1", ["work", "Große Straße"], { useLabels: true });
        await client.messageFlagsAdd("1", ["\\Flagged"]);
        await client.mailboxOpen("[Gmail]/All Mail");
        const mail = await client.fetchOne("1", { labels: true, threadId: true, uid: true });
        return [
            mail,
            await client.search({ gmraw: "subject:invoice is:unread" }),
            await client.search({ labels: { has: ["work"] } }),
            await client.search({ threadId: mail.threadId }),
        ];
        """,
        host="imap.gmail.com",
        user="carol@gmail.com",
        **{"pass": carol.account.add_app_password()},
    )

    assert sorted(mail["labels"]) == ["Große Straße", "\\Inbox", "\\Starred", "work"]
    assert raw == labelled == threads == [1]
    assert mail["emailId"] == mail["threadId"]
    assert [it.subject for it in carol.folders["Große Straße"].messages] == ["invoice"]


def test_microsoft_lets_in_by_a_token(mailnet, deliver, read):
    mailnet.add_domain("contoso.example", on="microsoft365")
    dave = mailnet.microsoft365.add_mailbox("dave@contoso.example")

    folders = read(
        "return await client.list();",
        host="outlook.office365.com",
        user="dave@contoso.example",
        accessToken=dave.account.issue_token(),
    )

    assert {"Junk Email": "\\Junk", "Sent Items": "\\Sent"}.items() <= {
        it["path"]: it.get("specialUse") for it in folders
    }.items()
