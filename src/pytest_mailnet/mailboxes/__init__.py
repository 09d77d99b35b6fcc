"""Mailboxes, their accounts, and waiting for messages."""
