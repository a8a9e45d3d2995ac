"""A media process' side: the sessions that it has with workers behind Redis. Needs no torch."""
