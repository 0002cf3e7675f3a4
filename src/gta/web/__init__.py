"""What `gta demo` and `gta serve` have in common: who may ask, what a request may take, the end."""
