"""`interject webhook`."""
