"""Procedural sounds: each class has several models; the last of each is kept for tests only."""
