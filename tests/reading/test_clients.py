"""Client libraries as they are, which read mail at servers of the net."""

from __future__ import annotations

import asyncio
import imaplib
import poplib
import ssl

import pytest


def token_of(alice):
    """An initial response of XOAUTH2."""
    said = f"user={alice.address}\1auth=Bearer {alice.account.issue_token()}\1\1"
    return said.encode()


def bearer_of(alice):
    """An initial response of OAUTHBEARER."""
    said = f"n,a={alice.address},\1auth=Bearer {alice.account.issue_token()}\1\1"
    return said.encode()


@pytest.mark.parametrize(("mechanism", "response"), [("XOAUTH2", token_of), ("OAUTHBEARER", bearer_of)])
def test_imaplib_logs_in_by_a_token(alice, mechanism, response):
    with imaplib.IMAP4_SSL("mx.shop.example") as client:
        assert client.authenticate(mechanism, lambda _: response(alice)) == ("OK", [b"LOGIN completed"])


def test_imaplib_appends_copies_and_deletes(alice, deliver):
    deliver("one")

    with imaplib.IMAP4("mx.shop.example") as client:
        client.starttls(ssl.create_default_context())
        client.login("alice@shop.example", "secret")
        client.append("Drafts", "(\\Draft)", imaplib.Time2Internaldate(0), b"Subject: draft\r\n\r\nhi\r\n")
        client.select()
        client.copy("1", "Trash")
        client.store("1", "+FLAGS", "\\Deleted")
        client.expunge()

    assert {name: [it.subject for it in folder.messages] for name, folder in alice.folders.items()} == {
        "INBOX": [],
        "Drafts": ["draft"],
        "Junk": [],
        "Sent": [],
        "Trash": ["one"],
    }


@pytest.mark.parametrize("encrypted", ["from the first byte on", "by STLS"])
def test_poplib_reads_and_deletes(alice, deliver, encrypted):
    deliver("one", "two")
    if encrypted == "by STLS":
        client = poplib.POP3("mx.shop.example")
        client.stls(ssl.create_default_context())
    else:
        client = poplib.POP3_SSL("mx.shop.example")

    client.user("alice")
    client.pass_("secret")
    assert client.stat()[0] == 2
    assert b"Subject: two" in client.retr(2)[1]
    client.dele(1)
    client.quit()

    assert [it.subject for it in alice.messages] == ["two"]


def test_a_server_of_one_s_own_takes_log_ins_after_tls(alice):
    pop3 = poplib.POP3("mx.shop.example")
    imap = imaplib.IMAP4("mx.shop.example")

    assert not {"USER", "SASL"} & pop3.capa().keys()
    with pytest.raises(poplib.error_proto, match="-ERR Command not permitted before STLS"):
        pop3.user("alice")
    with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
        imap.login("alice", "secret")
    pop3.stls(ssl.create_default_context())
    assert {"USER", "SASL"} <= pop3.capa().keys()

    pop3.close()
    imap.logout()


def test_a_server_takes_log_ins_in_the_clear_where_a_test_has_it_do_so(shop, alice):
    shop.host.auth_before_tls = True
    pop3 = poplib.POP3("mx.shop.example")
    imap = imaplib.IMAP4("mx.shop.example")

    pop3.user("alice")
    assert pop3.pass_("secret").startswith(b"+OK")
    assert "LOGINDISABLED" not in imap.capabilities
    assert imap.login("alice", "secret")[0] == "OK"

    pop3.close()
    imap.logout()


def test_imapclient_reads_flags_moves_and_waits(alice, deliver):
    imapclient = pytest.importorskip("imapclient")
    deliver("one", "two")

    with imapclient.IMAPClient("mx.shop.example") as client:
        client.login("alice", "secret")
        client.enable("UTF8=ACCEPT")
        client.select_folder("INBOX")
        found = client.search(["UNSEEN", "SUBJECT", "two"])
        [told] = client.fetch(found, ["ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE"]).values()
        client.add_flags([1], [imapclient.FLAGGED])
        client.create_folder("Projects")
        client.move(found, "Projects")
        client.idle()
        deliver("three")
        pushed = client.idle_check(timeout=20)
        client.idle_done()

    assert found == [2]
    assert told[b"ENVELOPE"].subject == b"two"
    assert pushed[0] == (2, b"EXISTS")
    assert [it.subject for it in alice.folders["Projects"].messages] == ["two"]
    assert alice.folders["INBOX"].flags == [{"\\Flagged"}, frozenset()]


def test_imapclient_knows_gmails_labels(mailnet, deliver):
    imapclient = pytest.importorskip("imapclient")
    alice = mailnet.gmail.add_mailbox("alice")
    deliver("one", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")

    with imapclient.IMAPClient("imap.gmail.com") as client:
        client.oauth2_login("alice@gmail.com", alice.account.issue_token())
        client.select_folder("INBOX")
        found = client.gmail_search("subject:one")
        client.add_gmail_labels(found, ["work"])
        labels = client.get_gmail_labels(found)
        spam = client.find_special_folder(b"\\Junk")

    assert labels == {1: ["work"]}
    assert spam == "[Gmail]/Spam"
    assert [it.subject for it in alice.folders["work"].messages] == ["one"]


def test_imap_tools_reads_flags_and_moves(alice, deliver):
    imap_tools = pytest.importorskip("imap_tools")
    deliver("one", "two")

    with imap_tools.MailBox("mx.shop.example").login("alice", "secret") as mailbox:
        [mail] = mailbox.fetch(imap_tools.AND(subject="two"), mark_seen=False)
        mailbox.flag(mail.uid, imap_tools.MailMessageFlags.FLAGGED, value=True)
        mailbox.move(mail.uid, "Trash")
        folders = [it.name for it in mailbox.folder.list()]
        left = [it.subject for it in mailbox.fetch(bulk=True)]

    assert (mail.subject, mail.text) == ("two", "hello\r\n")
    assert folders == ["INBOX", "Drafts", "Junk", "Sent", "Trash"]
    assert left == ["one"]
    assert alice.folders["Trash"].flags == [{"\\Flagged"}]


def test_aioimaplib_is_told_of_what_arrives(alice, deliver):
    aioimaplib = pytest.importorskip("aioimaplib")

    async def read():
        context = ssl.create_default_context()
        client = aioimaplib.IMAP4_SSL("mx.shop.example", ssl_context=context)
        await client.wait_hello_from_server()
        await client.login("alice", "secret")
        await client.select("INBOX")
        idle = await client.idle_start(timeout=60)
        await asyncio.to_thread(deliver, "one")
        pushed = await asyncio.wait_for(client.wait_server_push(), 20)
        client.idle_done()
        await asyncio.wait_for(idle, 20)
        fetched = await client.uid("fetch", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        await client.logout()
        return pushed, fetched

    pushed, fetched = asyncio.run(read())

    assert pushed[0] == b"1 EXISTS"
    assert b"Subject: one\r\n\r\n" in fetched.lines


def test_a_challenge_of_a_refused_token_is_answered_by_imaplib(mailnet):
    mailnet.gmail.add_mailbox("alice")
    challenges = []

    def respond(challenge):
        challenges.append(challenge)
        return b"user=alice@gmail.com\1auth=Bearer stale\1\1" if len(challenges) == 1 else b""

    client = imaplib.IMAP4_SSL("imap.gmail.com")
    with pytest.raises(imaplib.IMAP4.error, match="Invalid credentials"):
        client.authenticate("XOAUTH2", respond)
    client.shutdown()

    assert b'"status":"400"' in challenges[1]
