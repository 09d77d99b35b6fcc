"""The language of SMTP: what stands in commands, parameters, EHLO lines and mails, and how it is read."""
