"""Where videos and annotations lie: disks, URLs, shards."""
