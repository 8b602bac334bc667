"""roish as a kernel of Jupyter."""
