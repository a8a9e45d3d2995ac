"""Training streams on disk: shards, the items of StreamAudio-2M, a page to look and listen."""
