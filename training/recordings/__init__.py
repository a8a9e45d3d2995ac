"""Recordings of people and of things, out of packages that registries ship."""
