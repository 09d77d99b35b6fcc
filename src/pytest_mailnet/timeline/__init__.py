"""A net's record in words: what happened, what did not, and how it is folded and coloured."""
