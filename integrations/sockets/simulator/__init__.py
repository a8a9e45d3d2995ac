"""Platforms' side of a call, for a first try, tests and benchmarks.

It imports nothing of the project: what both sides misunderstood alike would pass every test.
"""
