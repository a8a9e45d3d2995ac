"""Parts of the Redis runtime that need no server."""
