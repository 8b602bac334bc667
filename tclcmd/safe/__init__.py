"""Scripts that are not trusted: the limits, the walls, and the process in which they run."""
