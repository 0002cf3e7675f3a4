"""Annotations as they are distributed: each format's reader makes a `VideoList` of one split."""
