"""SMTP without sockets: commands, parameters, EHLO lines, mails, and the state of a session."""
