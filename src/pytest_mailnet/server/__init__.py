"""The net's side of every connection: thread, loop and listeners, and the servers of DNS and SMTP on them."""
