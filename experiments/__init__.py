"""The paper's experiments, repeated on data that can be had. See README.md."""
