"""`interject voice`."""
