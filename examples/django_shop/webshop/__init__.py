"""A small shop, which sends by Django's own means."""
