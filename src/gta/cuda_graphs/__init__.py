"""Functions of tensors on a GPU that are recorded once and replayed with one launch."""
