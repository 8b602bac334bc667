"""The program ``roish``, and its prompt."""
