"""A stronger model that finds the words of replies; when to reply the gate decides."""
