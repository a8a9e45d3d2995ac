"""Recall.ai: the sound of a meeting, mixed or of each participant."""
