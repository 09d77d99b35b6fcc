"""The net's side of every connection: its thread, loop and listeners, and the DNS and SMTP servers."""
