"""Files: tensors, pictures, and the standard streams."""
