"""The scripts that write into the pages."""
