"""What is said in streams: a small set of our own, and whatever a user brings."""
