"""The Domain Name System of a net, from records and zones to packets, without sockets."""
