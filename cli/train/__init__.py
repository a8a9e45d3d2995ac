"""`interject train`."""
