"""What every client of a model in another process needs. Imports neither torch nor Redis."""
