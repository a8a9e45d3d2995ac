"""`interject profile`."""
