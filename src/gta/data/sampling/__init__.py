"""Which frames of a video a clip shows: integers in, integers out."""
