"""Speech for training: synthesisers, voices and what changes them."""
