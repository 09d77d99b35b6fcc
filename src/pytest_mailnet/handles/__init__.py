"""What the objects that a test holds have in common: checked attributes, and lists that are snapshots."""
