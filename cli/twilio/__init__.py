"""`interject twilio`."""
