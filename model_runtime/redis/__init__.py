"""A runtime behind Redis streams: media processes on one side, workers with the model on the other.

Importing this package imports neither torch nor the redis client.
"""
