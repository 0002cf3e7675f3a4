"""A page, on this machine only, that shows a model's answers for a clip and its attention."""
