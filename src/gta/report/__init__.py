"""The report of runs: one HTML file with everything in it."""
