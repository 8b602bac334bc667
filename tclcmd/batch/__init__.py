"""``roish map``: one script over many inputs, in processes of this machine or of a cluster."""
