"""Checks of scripts that run nothing of them, on tclint's syntax tree."""
