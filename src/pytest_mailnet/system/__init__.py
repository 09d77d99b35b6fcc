"""Locks, threads, sockets and a clock of the system, whatever an application has put in their place."""
