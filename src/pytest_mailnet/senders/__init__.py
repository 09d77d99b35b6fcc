"""Who sends: addresses, reverse names, listings, and the records that they publish."""
