"""Tensors on a screen or a plot."""
