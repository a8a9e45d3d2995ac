"""Servers that data construction asks: language models, voices and recognisers of speech."""
