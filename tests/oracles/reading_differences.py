"""What the net's server answers otherwise than Dovecot, and why."""

from __future__ import annotations

from .reading_comparison import Known

__all__ = ["KNOWN"]

KNOWN = (
    Known("empty parts", "Dovecot has the text of a part that is no multipart as its part 1, too, where the mail is one", {
        "cut a multipart mail": (), "cut a boundary that never ends": (),
    }),
    Known("the end of nested parts", "the line end before a boundary belongs to the boundary (RFC 2046, 5.1.1)", {
        "describe a nested mail": (), "cut a nested mail": (),
    }),
    Known("a header without its end", "no blank line is added where the mail has none (RFC 3501, 6.4.5)", {
        "cut a mail without a body": (),
    }),
    Known("malformed mails", "each makes something else of what no RFC allows", {
        "describe a type that is none": (), "describe a type with wrong parameters": (),
        "describe addresses that are none": (), "describe fields twice": (),
    }),
    Known("parameters in pieces", "Dovecot puts the pieces of RFC 2231 together", {"describe parameters in pieces": ()}),
    Known("charsets", "the net names those that it has", {
        "search by charsets": ("SEARCH CHARSET KLINGON-9 SUBJECT hello",),
    }),
    Known("mails without a date", "Dovecot finds them before every day", {"search by dates": ("SEARCH SENTBEFORE 1-Jan-2000",)}),
    Known("NOT of two flags", "Dovecot 2.3 finds only mails without the first", {
        "search by combinations": ("SEARCH NOT (SEEN FLAGGED)",),
    }),
    Known("what no grammar has", "Dovecot overlooks it, or the net does not; the net is strict with its clients", {
        "search by dates": ("SEARCH ON 31-Feb-2000",),
        "search by combinations": ("SEARCH  ALL", "SEARCH ALL "),
        "store what cannot be": ("STORE 1 +FLAGS",),
        "sequence sets": ("FETCH 1, UID", "FETCH 01 UID"),
        "items of FETCH": (),
        "expunges": ("EXPUNGE now",),
        "SELECT": ("SELECT INBOX now", "SELECT *"),
        "CREATE of odd names": (), "names": (),
        "APPEND that is odd": (), "IDLE": ("IDLE now",),
        "AUTHENTICATE": ("AUTHENTICATE PLAIN =",),
        "commands that are none": (), "NAMESPACE": ("NAMESPACE now",),
        "ID and ENABLE": (), "POP3 that is wrong": ("STAT now",), "POP3 AUTH": (),
    }),
    Known("flags that were there", "the net tells the flags after each STORE (RFC 3501, 6.4.6), Dovecot what has changed", {
        "store flags": (), "store by uid": (),
    }),
    Known("new keywords", "Dovecot lists the flags of the folder anew", {"store keywords": ()}),
    Known("EXAMINE", "nothing is changed in a folder that was opened for reading (RFC 3501, 6.3.2)", {
        "seen by fetching with EXAMINE": (), "moves": ("MOVE 1 Trash",),
    }),
    Known("a name that is empty", "the code is another", {"SELECT": ('SELECT ""',)}),
    Known("special uses", "a server may tell them unasked (RFC 6154, 2)", {"LIST with options": ()}),
    Known("the inbox renamed", "Dovecot makes a new one, with uids from 1", {"RENAME of the inbox": ()}),
    Known("folders within", "a folder that has others in it is not deleted (RFC 5530, HASCHILDREN)", {"DELETE": ()}),
    Known("a folder deleted while it is selected", "Dovecot hangs up", {"a deleted folder": ()}),
    Known("folders that are always subscribed", "Dovecot's settings here have `auto = subscribe`", {
        "subscriptions": ('LSUB "" *',),
    }),
    Known("STATUS of the folder that is selected", "the net counts no mail as recent twice, and writes INBOX in capitals", {
        "STATUS": (),
    }),
    Known("flags with an item", "Dovecot tells them in a response of their own", {"expunged by another": ()}),
    Known("sizes in POP3", "the net counts the line end that RETR adds", {"POP3": ()}),
)  # fmt: skip
