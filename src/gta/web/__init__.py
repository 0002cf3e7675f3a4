"""The common parts of `gta demo` and `gta serve`: allowed hosts, limits, an orderly end."""
