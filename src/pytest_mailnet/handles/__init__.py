"""Common parts of the objects that a test holds: checked attributes, and lists that are snapshots."""
