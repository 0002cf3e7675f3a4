"""The paper's experiments, repeated on available data. See README.md."""
