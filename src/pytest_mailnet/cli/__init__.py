"""The command `mailnet`."""
