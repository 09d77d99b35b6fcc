"""Senders: their addresses, reverse names, listings, and the records that they publish."""
