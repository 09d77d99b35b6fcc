"""What happened in a net: sessions, messages, questions, incidents; each is a record that a test reads."""
