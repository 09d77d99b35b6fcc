"""Conversations by which a mail program reads mail: IMAP (RFC 3501, RFC 9051) and POP3 (RFC 1939)."""
