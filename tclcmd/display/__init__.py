"""The display of tensors: in the terminal, and as plots."""
