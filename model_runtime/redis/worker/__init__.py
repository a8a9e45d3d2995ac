"""A process with a model, and the sessions that it has of media processes."""
