"""The system's own locks, threads, sockets and clock, which applications and tools may have replaced."""
