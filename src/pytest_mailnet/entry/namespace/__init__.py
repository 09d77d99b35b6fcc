"""Programs of any language in network namespaces of a net (Linux).

`inside` is the helper that makes the namespaces and holds them, `outside` its other end, in the net's
process; `users` says whose they are. `programs` starts programs there, and `files` are what these read in
place of the machine's.
"""
