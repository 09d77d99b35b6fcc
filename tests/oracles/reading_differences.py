"""What the net's server answers otherwise than Dovecot, command by command, and why."""

from __future__ import annotations

from .reading_comparison import Known

__all__ = ["KNOWN"]

KNOWN = (
    Known(
        "part 1 of a part that is no multipart",
        "only a mail has a part 1 where it is no multipart (RFC 3501, 6.4.5); Dovecot gives it to each part of one, too",
        {
            "cut a multipart mail": ("FETCH 1 BODY.PEEK[2.1]",),
            "cut a nested mail": ("FETCH 1 BODY.PEEK[1.1]",),
            "cut a boundary that never ends": ("FETCH 1 BODY.PEEK[1.1]", "FETCH 1 BODY.PEEK[2.1]"),
        },
    ),
    Known(
        "the end of an embedded multipart",
        "the line end before a boundary belongs to the boundary (RFC 2046, 5.1.1)",
        {
            "describe a nested mail": ("FETCH 1 BODY", "FETCH 1 BODYSTRUCTURE"),
            "cut a nested mail": ("FETCH 1 BODY.PEEK[2]", "FETCH 1 BODY.PEEK[2.TEXT]"),
        },
    ),
    Known(
        "a header without its blank line",
        "none is added where the mail has neither that line nor a body (RFC 3501, 6.4.5)",
        {"cut a mail without a body": ("FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT from X-None)]",)},
    ),
    Known(
        "a type that cannot be read",
        "RFC 2045, 5.2, recommends to take it for plain text in US-ASCII",
        {"describe a type that is none": ("FETCH 1 BODY", "FETCH 1 BODYSTRUCTURE")},
    ),
    Known(
        "a quoted parameter that never ends",
        "no RFC says what it is; the net reads it up to the end of the field, Dovecot leaves it out",
        {"describe a type with wrong parameters": ("FETCH 1 BODY", "FETCH 1 BODYSTRUCTURE")},
    ),
    Known(
        "addresses that are none",
        "no RFC says what they are; the net has an empty string for what is missing, since NIL would be a group"
        " (RFC 3501, 7.4.2), Dovecot a word of its own",
        {"describe addresses that are none": ("FETCH 1 ENVELOPE",)},
    ),
    Known(
        "a subject that is there twice",
        "a mail may have one (RFC 5322, 3.6); the net tells the first, Dovecot the last",
        {"describe fields twice": ("FETCH 1 ENVELOPE",)},
    ),
    Known(
        "the charsets of a search",
        "the net names those that it has, as a server may (RFC 3501, 7.1)",
        {"search by charsets": ("SEARCH CHARSET KLINGON-9 SUBJECT hello",)},
    ),
    Known(
        "mails without a date",
        "SENTBEFORE looks at the Date field (RFC 3501, 6.4.4); Dovecot finds mails without it before every day",
        {"search by dates": ("SEARCH SENTBEFORE 1-Jan-2000",)},
    ),
    Known(
        "NOT of two flags",
        "it is what does not have both (RFC 3501, 6.4.4); Dovecot 2.3 leaves out what has the first",
        {"search by combinations": ("SEARCH NOT (SEEN FLAGGED)",)},
    ),
    Known(
        "days that no month has",
        "they are arguments that are invalid, to which the answer is BAD (RFC 3501, 6.3.11 and 6.4.4); Dovecot takes"
        " them",
        {
            "search by dates": ("SEARCH ON 31-Feb-2000",),
            "APPEND that is odd": ('APPEND Trash "99-Feb-1994 12:00:00 +0000" {2}\r\nhi',),
        },
    ),
    Known(
        "what the grammar of IMAP does not have",
        "RFC 3501, 9, RFC 2971, 4 for ID and RFC 5161, 4 for ENABLE have the grammar; Dovecot overlooks it, or says NO,"
        " and the net is strict with its clients",
        {
            "search by combinations": ("SEARCH  ALL", "SEARCH ALL "),
            "store what cannot be": ("STORE 1 +FLAGS",),
            "sequence sets": ("FETCH 1, UID", "FETCH 01 UID"),
            "items of FETCH": (
                "FETCH 1 BODY[0]",
                "FETCH 1 BODY[1.0]",
                "FETCH 1 BODY.PEEK[]<0.0>",
                "FETCH 1 BODY.PEEK[]<0>",
                "FETCH 1 BODYSTRUCTURE.PEEK",
            ),
            "expunges": ("EXPUNGE now",),
            "SELECT": ("SELECT INBOX now", "SELECT *"),
            "CREATE of odd names": ("CREATE a b", "CREATE A*B", "CREATE %"),
            "names": ('SELECT "Gr\u00fc\u00dfe"',),
            "IDLE": ("IDLE now",),
            "commands that are none": ("NOOP now", "CHECK now", "CAPABILITY now"),
            "NAMESPACE": ("NAMESPACE now",),
            "ID and ENABLE": ("ID", "ENABLE"),
        },
    ),
    Known(
        "names that are not in modified UTF-7",
        "they are none (RFC 3501, 5.1.3), and the net says BAD to them; Dovecot has no such folder",
        {"names": ("CREATE &bad", "CREATE &AGEA-", 'LIST "" &*')},
    ),
    Known(
        "a mail of no bytes",
        "RFC 3501, 6.3.11, allows it; RFC 3502, 6.3.11, which Dovecot has and the net has not, makes it an error",
        {"APPEND that is odd": ("APPEND Trash () {0}\r\n",)},
    ),
    Known(
        "an ENABLE that enables nothing",
        "ENABLED is told all the same (RFC 9051, 6.3.1)",
        {"ID and ENABLE": ("ENABLE FROBNICATE",)},
    ),
    Known(
        "an empty response to PLAIN",
        "it is no message of PLAIN (RFC 4616, 2), so that no password is wrong in it",
        {"AUTHENTICATE": ("AUTHENTICATE PLAIN =",), "POP3 AUTH": ("AUTH PLAIN =",)},
    ),
    Known(
        "an unknown mechanism in POP3",
        "the response code AUTH is for credentials that are wrong (RFC 3206, 4)",
        {"POP3 AUTH": ("AUTH FROBNICATE",)},
    ),
    Known(
        "flags that were there",
        "the flags are told after each STORE (RFC 3501, 6.4.6); Dovecot tells those that have changed",
        {
            "store flags": ("STORE 1 FLAGS (\\Seen)", "STORE 1:3 +FLAGS (\\Answered \\Draft)"),
            "store by uid": ("UID STORE 1 +FLAGS (\\Seen)",),
        },
    ),
    Known(
        "new keywords",
        "the flags of a folder are told when it is selected (RFC 3501, 7.2.6); Dovecot tells them anew",
        {"store keywords": ("STORE 1 +FLAGS (Work)", "STORE 1 +FLAGS ($Forwarded)", "STORE 2 +FLAGS Bare")},
    ),
    Known(
        "changes after EXAMINE",
        "nothing is changed in a folder that was opened for reading (RFC 3501, 6.3.2), and the net says NO; Dovecot says"
        " OK, and moves mails",
        {
            "seen by fetching with EXAMINE": ("STORE 1 +FLAGS (\\Seen)", "EXPUNGE"),
            "moves": ("MOVE 1 Trash",),
        },
    ),
    Known(
        "a name that is empty",
        "there is no such folder; Dovecot's code is CANNOT, and RFC 5530, 3, has both",
        {"SELECT": ('SELECT ""',)},
    ),
    Known(
        "special uses",
        "RFC 6154, 2, has them told unasked by a LIST without options, and says nothing of one with others; the net tells"
        " them in both",
        {
            "LIST with options": (
                'LIST (SUBSCRIBED) "" *',
                'LIST "" * RETURN (SUBSCRIBED CHILDREN)',
                'LIST "" (INBOX Trash)',
                'LIST "" % RETURN (STATUS (MESSAGES UNSEEN))',
                'LIST () "" *',
                'LIST "" * RETURN ()',
            ),
        },
    ),
    Known(
        "the inbox renamed",
        "it stays, and is empty (RFC 3501, 6.3.5); Dovecot makes a new one, with uids from 1",
        {"RENAME of the inbox": ("SELECT INBOX",)},
    ),
    Known(
        "folders within",
        "a server may refuse to delete a folder that has others in it (RFC 9051, 7.1: HASCHILDREN); Dovecot makes it one"
        " that cannot be selected (RFC 3501, 6.3.4)",
        {"DELETE": ("DELETE B", 'LIST "" B*')},
    ),
    Known(
        "a folder deleted while it is selected",
        "RFC 3501 does not say what becomes of the session; the net lets it go on, Dovecot hangs up",
        {"a deleted folder": ("NOOP", "FETCH 1 UID")},
    ),
    Known(
        "folders that are always subscribed",
        "Dovecot's settings here have `auto = subscribe`",
        {"subscriptions": ('LSUB "" *',)},
    ),
    Known(
        "the inbox in small letters",
        "it is one name in any case (RFC 3501, 5.1); the net writes INBOX, Dovecot what the client wrote",
        {"STATUS": ("STATUS inbox (unseen)",)},
    ),
    Known(
        "flags that another has set, with an item",
        "a FETCH response may have both (RFC 3501, 7.4.2); Dovecot tells the flags in one of their own",
        {"expunged by another": ("FETCH 1:3 UID",)},
    ),
    Known(
        "sizes in POP3",
        "the line end that RETR adds to the last line counts, as those of all lines do (RFC 1939, 11)",
        {"POP3": ("STAT", "LIST")},
    ),
    Known("a word behind STAT", "it has no arguments (RFC 1939, 5)", {"POP3 that is wrong": ("STAT now",)}),
)
"""All of them; a session's other commands are answered alike."""
