"""`interject serve` behind a telephone number; `twilio.simulator` calls it."""
