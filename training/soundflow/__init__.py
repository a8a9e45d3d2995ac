"""Data construction after the paper's SoundFlow: sounds cleaned, mixed, sent through a channel."""
