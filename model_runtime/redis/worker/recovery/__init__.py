"""Sessions whose worker has gone, on their way into another one's engine."""
