"""Where mail ends: mailboxes, their accounts, and waiting for messages."""
