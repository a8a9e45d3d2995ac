"""`interject sockets`."""
