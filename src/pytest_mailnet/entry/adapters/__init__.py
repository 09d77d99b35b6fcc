"""Libraries with ways of their own to sockets, names and time: a file each."""
