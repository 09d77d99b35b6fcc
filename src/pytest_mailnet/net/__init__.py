"""MailNet: one test's Internet."""
