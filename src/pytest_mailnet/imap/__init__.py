"""IMAP4rev1 without sockets: the arguments of commands, and what answers are made of."""
