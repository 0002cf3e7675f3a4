"""The exam of what training and reading survive: a line for each kind of fault."""
