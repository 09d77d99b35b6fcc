"""The records of a net that tests read: sessions, messages, DNS questions, incidents."""
