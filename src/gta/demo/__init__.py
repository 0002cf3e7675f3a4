"""A page on this machine alone that shows what a model says of a clip, and what it looks at."""
