"""A runtime in another process of the same machine: no torch in this one, and no Redis.

Importing this package imports no torch. `server` is the other process.
"""
