"""Platforms that dial in with audio over a web socket: meetings, contact centres, anybody's own."""
